using System.Globalization;
using MeshDns.Actors.Tests.Simulation;
using MeshDns.Contracts.Messages;
using MeshDns.Tests.Shared.Judge;

namespace MeshDns.Actors.Tests.Cluster.Simulation;

/// <summary>
/// A client that changes documents of its own, one command at a time, through whatever node, and notes what it was told. The port of a document counts its
/// versions, so that the judge knows which command wrote it.
/// </summary>
internal sealed class ClusterClient
{
    // A command of which nothing was heard may still be under way, in the mailbox of a node that is held, for so long.
    private const double RestAfterUnknownSeconds = 100;

    private readonly ClusterWorld _world;
    private readonly string _name;
    private readonly Random _random;
    private readonly Document[] _documents;
    private readonly bool _areTwins;
    private int _commands;

    public ClusterClient(ClusterWorld world, int number, bool areTwins)
    {
        _world = world;
        _name = "c" + number;
        _random = new Random(world.Random.Next());
        _areTwins = areTwins;
        _documents = areTwins ? [new Document("t0", ["t0.example"]), new Document("t1", ["t1.example"])] : [.. Enumerable.Range(number * 4, 4).Select(Documents)];
    }

    public static IReadOnlyList<string> Hosts { get; } = [.. Enumerable.Range(0, 12).SelectMany(i => Documents(i).Hosts).Distinct(), "t0.example", "t1.example"];

    public bool IsStopped { get; set; }

    public int Applied { get; private set; }

    public async Task RunAsync()
    {
        while (!IsStopped)
        {
            await _world.PassAsync(0.3 + (_random.NextDouble() * 3));
            if (IsStopped) break;
            Document[] mine = _areTwins ? _documents : _random.Next(5) == 0 ? [.. _documents.OrderBy(_ => _random.Next()).Take(2)] : [_documents[_random.Next(_documents.Length)]];
            if (mine.Any(d => d.RestsUntil > _world.NowMs)) continue;
            await CommandAsync(mine);
        }
    }

    private static Document Documents(int i)
    {
        var hosts = new List<string> { $"h{i}.example" };
        if (i % 3 == 0) hosts.Add($"g{i}.example");
        if (i % 4 == 1) hosts.Add($"s{i % 8 / 4}.example");
        return new Document("d" + i, [.. hosts]);
    }

    private async Task CommandAsync(Document[] documents)
    {
        var isDeletion = !_areTwins && _random.Next(3) == 0;
        foreach (var document in documents) document.Generation++;
        var wanted = documents.Select(d => isDeletion ? [] : AddressesFor(d)).ToArray();
        var id = $"{_name}-{++_commands}";
        var isKeyed = _random.Next(5) < 3;
        var request = new ChangeRequest
        {
            Changes = [.. documents.Select((d, i) => new DocumentChange(Make.Key(d.Name), isDeletion ? null : Make.Entry(d.Name, d.Hosts, wanted[i], port: d.Generation)))],
            IdempotencyKey = isKeyed ? id : null,
        };
        var invokedAt = _world.NowMs;
        var (reply, node, isCertain) = await SendAsync(request);
        var outcome = !isCertain && reply?.Outcome != ChangeOutcome.Applied ? CommandOutcome.Unknown : OutcomeOf(reply!.Outcome);
        if (outcome == CommandOutcome.Unknown) foreach (var document in documents) document.RestsUntil = _world.NowMs + (long)(RestAfterUnknownSeconds * 1000);
        if (outcome == CommandOutcome.Applied) Applied++;
        var detail = reply is null ? "" : (reply.Reason == RefusalReason.GuardRefused ? "guard-refused " : "") + reply.Detail;
        _world.Say($"{id} {(isDeletion ? "deletes" : "puts")} {string.Join(' ', documents.Select((d, i) => $"{d.Name}#{d.Generation}{(wanted[i].Length == 0 ? "" : "=" + wanted[i][0])}"))} on {node}: {outcome} {detail}{Vips(reply)}");
        _world.History.Add(new CommandRecord
        {
            Id = id,
            Node = node,
            InvokedAt = invokedAt,
            CompletedAt = _world.NowMs,
            Documents = [.. documents.Select((d, i) => DocumentOf(d, wanted[i], isDeletion, reply?.Results.FirstOrDefault(r => r.Key.Name == d.Name)))],
            Outcome = outcome,
            Vips = outcome == CommandOutcome.Applied ? VipsOf(reply!) : new Dictionary<string, string>(),
            Position = outcome == CommandOutcome.Applied ? reply!.Position : new Dictionary<string, long>(),
            Detail = detail,
        });
    }

    // With a key it asks again, on another node, until it knows; without one it must not.
    private async Task<(ChangeReply? Reply, string Node, bool IsCertain)> SendAsync(ChangeRequest request)
    {
        ChangeReply? reply = null;
        var isCertain = true;
        var node = "";
        for (var attempt = 0; attempt < (request.IdempotencyKey is null ? 1 : 5); attempt++)
        {
            if (attempt > 0) await _world.PassAsync(0.2 + (_random.NextDouble() * 2));
            ClusterNode[] there = [.. _world.Nodes.Values.Where(n => n.IsUp && !n.Life.IsCrashed)];
            if (there.Length == 0)
            {
                reply ??= new ChangeReply { Outcome = ChangeOutcome.Unavailable, Detail = "no node is up" };
                continue;
            }
            var target = there[_random.Next(there.Length)];
            node = target.Name;
            if (target.Life.IsPaused)
            {
                reply ??= new ChangeReply { Outcome = ChangeOutcome.Unavailable, Detail = "it does not accept connections" };
                continue;
            }
            reply = await target.ChangeAsync(request, TimeSpan.FromSeconds(2 + _random.Next(6)));
            if (reply is null || reply.Outcome == ChangeOutcome.Unknown) isCertain = false;
            else if (reply.Outcome is ChangeOutcome.Applied or ChangeOutcome.Refused) break;
        }
        return (reply, node, isCertain);
    }

    private string[] AddressesFor(Document document)
    {
        if (_areTwins) return [$"10.{(document.Name == "t0" ? 1 : 2)}.{document.Generation >> 8}.{document.Generation & 255}"];
        return _random.Next(8) switch
        {
            0 => [string.Create(CultureInfo.InvariantCulture, $"10.9.{document.Generation >> 8}.{document.Generation & 255}")],
            1 when _random.Next(2) == 0 => [$"240.240.0.{1 + _random.Next(14)}"],
            _ => [],
        };
    }

    private static CommandDocument DocumentOf(Document document, string[] addresses, bool isDeletion, DocumentResult? result) => new()
    {
        Key = Make.Key(document.Name).ToString(),
        Deleted = isDeletion,
        Generation = document.Generation,
        Hosts = document.Hosts,
        Addresses = addresses,
        Version = result?.Version ?? 0,
        Changed = result?.Action is not (DocumentAction.Unchanged or DocumentAction.Absent),
    };

    private static CommandOutcome OutcomeOf(ChangeOutcome outcome) => outcome switch
    {
        ChangeOutcome.Applied => CommandOutcome.Applied,
        ChangeOutcome.Refused => CommandOutcome.Refused,
        ChangeOutcome.Unavailable => CommandOutcome.Unavailable,
        _ => CommandOutcome.Unknown,
    };

    private static Dictionary<string, string> VipsOf(ChangeReply reply) => reply.Results.SelectMany(r => r.Addresses).Where(a => !a.Value.Contains(':', StringComparison.Ordinal))
        .DistinctBy(a => a.Host).ToDictionary(a => a.Host.Text, a => a.Value);

    private static string Vips(ChangeReply? reply) => reply is not { Outcome: ChangeOutcome.Applied } ? "" : string.Join(' ', VipsOf(reply).Select(v => $"{v.Key}={v.Value}"));

    private sealed class Document(string name, string[] hosts)
    {
        public string Name { get; } = name;

        public string[] Hosts { get; } = hosts;

        public int Generation { get; set; }

        public long RestsUntil { get; set; }
    }
}
