using System.Text;
using System.Text.Json;
using MeshDns.Host.Sources;

namespace MeshDns.Host.Cli;

/// <summary>
/// The manifests behind <c>-f</c>, checked before anything is sent, so that errors name file and line. They are sent as the checked
/// documents, one JSON object a line: document N of the request is document N here, whatever files they came from. With lines that say what
/// rests, which are comments, they are sent as YAML.
/// </summary>
internal sealed class ManifestSet
{
    private readonly ManifestResult _read;

    private ManifestSet(ManifestResult read) => _read = read;

    /// <summary>The documents, in order.</summary>
    public IReadOnlyList<ManifestDocument> Documents => _read.Documents;

    /// <summary>Reads and checks, and tells what is passed over.</summary>
    /// <param name="paths">Files, folders and <c>-</c>.</param>
    /// <param name="context">Where the standard input comes from and where a line for each skipped document goes.</param>
    /// <param name="strict">Refuse kinds that mean nothing for names.</param>
    /// <exception cref="VerbFailedException">Something is wrong with them; the message has a line for each error.</exception>
    public static ManifestSet Read(IReadOnlyList<string> paths, CliContext context, bool strict)
    {
        var files = ManifestFiles.Read(paths, context.Input);
        var result = ManifestReader.ReadAll(files.Inputs, strict);
        IReadOnlyList<ManifestError> errors = [.. files.Errors, .. result.Errors];
        if (errors.Count > 0) throw new VerbFailedException(ExitCode.Failed, "nothing was sent\n  " + string.Join("\n  ", errors));
        foreach (var skipped in result.Skipped) context.Error.WriteLine(CliText.Printable(skipped.ToString()));
        if (result.Documents.Count > 0 || result.Rests.Count > 0) return new ManifestSet(result);
        throw new VerbFailedException(ExitCode.Failed, result.Skipped.Count > 0 ? "nothing was sent: no document declares a name" : "there are no documents in " + string.Join(", ", paths));
    }

    /// <summary>The request.</summary>
    public RequestText ToRequest()
    {
        IReadOnlyList<string> names = [.. Documents.Select(document => $"{document.File}: document {document.Number}")];
        return _read.Rests.Count == 0 ? new RequestText(ToJson(), "application/json", names, new Dictionary<int, string>()) : ToYaml(names);
    }

    private byte[] ToJson()
    {
        using var body = new MemoryStream();
        using var json = new Utf8JsonWriter(body);
        foreach (var document in Documents)
        {
            ManifestWriter.ToJsonNode(document.Document, document.Wishes).WriteTo(json);
            json.Flush();
            json.Reset();
            body.WriteByte((byte)'\n');
        }
        return body.ToArray();
    }

    private RequestText ToYaml(IReadOnlyList<string> names)
    {
        using var body = new MemoryStream();
        foreach (var document in Documents) body.Write(Encoding.UTF8.GetBytes("---\n" + ManifestWriter.ToYaml(document.Document, document.Wishes)));
        var line = 1 + body.GetBuffer().AsSpan(0, (int)body.Length).Count((byte)'\n');
        var lines = new Dictionary<int, string>(_read.Rests.Count);
        foreach (var rest in _read.Rests)
        {
            body.Write(Encoding.UTF8.GetBytes(RestingLines.Write(rest.Vip)));
            lines.Add(line++, $"{rest.File}: line {rest.Line}");
        }
        return new RequestText(body.ToArray(), "application/yaml", names, lines);
    }
}
