using System.CommandLine;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using MeshDns.Host.Sources;

namespace MeshDns.Host.Cli;

/// <summary><c>meshdns get entries|services|hosts|vips|nodes|streams [NAME]</c>.</summary>
internal static class GetVerb
{
    private const int PageItems = 1000;
    private const int MaxPages = 10_000;

    private static readonly JsonSerializerOptions _indented = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static Command Create(CliContext context)
    {
        var command = new Command("get", "Show what the mesh knows.");
        var what = new Argument<string>("WHAT") { Description = string.Join(", ", GetTables.All.Select(table => table.Name)) };
        what.AcceptOnlyFromAmong([.. GetTables.All.Select(table => table.Name)]);
        var name = new Argument<string?>("NAME") { Arity = ArgumentArity.ZeroOrOne, Description = "Only this one: a document, host, VIP address, node or stream." };
        var ns = new Option<string?>("--namespace", "-n") { Description = "Only this namespace; of one document, default when not given.", HelpName = "NS" };
        var output = new Option<string>("--output", "-o") { Description = "table, json or yaml.", DefaultValueFactory = _ => "table" };
        output.AcceptOnlyFromAmong("table", "json", "yaml");
        command.Arguments.Add(what);
        command.Arguments.Add(name);
        command.Options.Add(ns);
        command.Options.Add(output);
        var server = new ServerOptions(command);
        return command.Does(context, async (parsed, cancel) =>
        {
            var table = GetTables.All.First(candidate => candidate.Name == parsed.GetRequiredValue(what));
            using var client = server.Connect(parsed, context);
            var wanted = parsed.GetValue(name);
            var items = wanted is null ? await ListAsync(client, table, cancel) : await OneAsync(client, table, wanted, parsed.GetValue(ns), cancel);
            if (parsed.GetValue(ns) is { } only) items = [.. items.Where(item => table.NamespaceOf(item) is not { } its || its == only)];
            if (wanted is not null && items.Count == 0) throw new VerbFailedException(ExitCode.Failed, $"there is no {wanted}{(parsed.GetValue(ns) is { } where ? $" in the namespace {where}" : "")} among the {table.Name}");
            await context.Output.WriteAsync(Render(table, items, parsed.GetRequiredValue(output), isSingle: wanted is not null));
            return ExitCode.Done;
        });
    }

    private static async Task<List<JsonNode>> ListAsync(ApiClient client, GetTable table, CancellationToken cancel)
    {
        if (table.ClusterPart is { } part) return Items((await client.GetAsync(table.Path, cancel))[part]);
        var items = new List<JsonNode>();
        string? after = null;
        for (var page = 0; page < MaxPages; page++)
        {
            var reply = await client.GetAsync($"{table.Path}?limit={PageItems}" + (after is null ? "" : $"&after={Uri.EscapeDataString(after)}"), cancel);
            items.AddRange(Items(reply["items"]));
            after = (string?)reply["next"];
            if (after is null) return items;
        }
        throw new VerbFailedException(ExitCode.Failed, $"the list of {table.Name} does not end");
    }

    private static async Task<List<JsonNode>> OneAsync(ApiClient client, GetTable table, string name, string? ns, CancellationToken cancel)
    {
        if (table.ClusterPart is not null) return [.. (await ListAsync(client, table, cancel)).Where(item => table.NameOf(item) == name)];
        var reply = await client.GetAsync(table.Path + (table.IsNamespaced ? $"/{Uri.EscapeDataString(ns ?? "default")}" : "") + $"/{Uri.EscapeDataString(name)}", cancel);
        // A host that several namespaces declare carries all its records.
        return reply["records"] is JsonArray records ? Items(records) : [reply];
    }

    private static List<JsonNode> Items(JsonNode? array) => array is JsonArray items
        ? [.. items.OfType<JsonNode>()]
        : throw new VerbFailedException(ExitCode.Failed, "the server's reply is not a list; is it a MeshDns node?");

    private static string Render(GetTable table, List<JsonNode> items, string format, bool isSingle)
    {
        if (format == "table") return CliText.Table(table.Heading, [.. items.Select(table.Row)]);
        if (format == "yaml" && table.IsNamespaced) return string.Concat(items.Select((item, i) => (i > 0 ? "---\n" : "") + YamlText.Of(item)));
        var whole = isSingle && items.Count == 1 ? items[0] : new JsonObject { ["items"] = new JsonArray([.. items.Select(item => item.DeepClone())]) };
        return format == "yaml" ? YamlText.Of(whole) : whole.ToJsonString(_indented) + "\n";
    }
}
