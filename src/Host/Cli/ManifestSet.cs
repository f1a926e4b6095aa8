using System.Text.Json;
using MeshDns.Host.Sources;

namespace MeshDns.Host.Cli;

/// <summary>
/// The manifests behind <c>-f</c>, checked before anything is sent, so that errors name file and line. They are sent as the checked
/// documents, one JSON object a line: document N of the request is document N here, whatever files they came from.
/// </summary>
internal sealed class ManifestSet
{
    private ManifestSet(IReadOnlyList<ManifestDocument> documents) => Documents = documents;

    /// <summary>The documents, in order.</summary>
    public IReadOnlyList<ManifestDocument> Documents { get; }

    /// <summary>What errors call each document.</summary>
    public IReadOnlyList<string> Names => [.. Documents.Select(document => $"{document.File}: document {document.Number}")];

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
        if (result.Documents.Count == 0 && result.Skipped.Count > 0) throw new VerbFailedException(ExitCode.Failed, "nothing was sent: no document declares a name");
        if (result.Documents.Count == 0) throw new VerbFailedException(ExitCode.Failed, "there are no documents in " + string.Join(", ", paths));
        return new ManifestSet(result.Documents);
    }

    /// <summary>The request's body.</summary>
    public byte[] ToJson()
    {
        using var body = new MemoryStream();
        using var json = new Utf8JsonWriter(body);
        foreach (var document in Documents)
        {
            ManifestWriter.ToJsonNode(document.Document).WriteTo(json);
            json.Flush();
            json.Reset();
            body.WriteByte((byte)'\n');
        }
        return body.ToArray();
    }
}
