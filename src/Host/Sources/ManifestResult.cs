using System.Globalization;
using System.Text;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Services;

namespace MeshDns.Host.Sources;

/// <summary>How a manifest is written.</summary>
public enum ManifestFormat
{
    /// <summary>JSON when it begins with <c>{</c> and has no <c>---</c> line, else YAML.</summary>
    Auto,

    /// <summary>YAML, one or many documents.</summary>
    Yaml,

    /// <summary>JSON, one object or several after one another.</summary>
    Json,
}

/// <summary>A manifest to read.</summary>
/// <param name="Name">What errors call it: a path, or <c>-</c> for standard input.</param>
/// <param name="Content">UTF-8 text, with or without a byte order mark.</param>
/// <param name="Format">How it is written.</param>
public sealed record ManifestInput(string Name, ReadOnlyMemory<byte> Content, ManifestFormat Format);

/// <summary>A checked document and where it came from.</summary>
/// <param name="Document">The document.</param>
/// <param name="Ignored">Paths of fields that were given and mean nothing for DNS, such as <c>spec.endpoints[].weight</c>; each once.</param>
/// <param name="Warnings">What its author should know.</param>
/// <param name="File">The manifest.</param>
/// <param name="Number">Its number among the manifest's documents that are not empty, from 1.</param>
public sealed record ManifestDocument(MeshDocument Document, IReadOnlyList<string> Ignored, IReadOnlyList<string> Warnings, string File, int Number)
{
    /// <summary>The VIPs that its status says its hosts had; null for none.</summary>
    public IReadOnlyList<HostAddress>? Wishes { get; init; }

    /// <summary>The change that puts it.</summary>
    public DocumentChange ToChange() => new(Document.Key, Document, null, Wishes);
}

/// <summary>A line of a manifest that says what rested where it was written.</summary>
/// <param name="Vip">What it says.</param>
/// <param name="File">The manifest.</param>
/// <param name="Line">The line in it, from 1.</param>
public sealed record ManifestRest(RestingVip Vip, string File, int Line);

/// <summary>Why something in a manifest is refused.</summary>
/// <param name="File">The manifest.</param>
/// <param name="Number">The document, from 1; 0 when the manifest as a whole is meant.</param>
/// <param name="Line">The line in the manifest, from 1; 0 when there is none.</param>
/// <param name="Path">The field, such as <c>spec.hosts[2]</c>; empty for the document as a whole.</param>
/// <param name="Reason">A sentence for a person.</param>
public sealed record ManifestError(string File, int Number, int Line, string Path, string Reason)
{
    /// <summary><c>file: document 2, line 14: spec.hosts[2]: reason</c>.</summary>
    public override string ToString()
    {
        var text = new StringBuilder(File).Append(": ");
        if (Number > 0) text.Append(CultureInfo.InvariantCulture, $"document {Number}{(Line > 0 ? ", " : ": ")}");
        if (Line > 0) text.Append(CultureInfo.InvariantCulture, $"line {Line}: ");
        if (Path.Length > 0) text.Append(Path).Append(": ");
        return text.Append(Reason).ToString();
    }
}

/// <summary>A document of a kind that means nothing for names.</summary>
/// <param name="File">The manifest.</param>
/// <param name="Number">The document, from 1.</param>
/// <param name="ApiVersion">Its apiVersion, such as <c>apps/v1</c>.</param>
/// <param name="Kind">Its kind.</param>
/// <param name="Namespace">As it says; null when it does not.</param>
/// <param name="Name">As it says; null when it does not.</param>
public sealed record SkippedDocument(string File, int Number, string ApiVersion, string Kind, string? Namespace, string? Name)
{
    /// <summary><c>file: document 2: Deployment (apps/v1) shop/web is skipped: its kind means nothing for names</c>.</summary>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{File}: document {Number}: {Kind} ({ApiVersion}) {(Namespace is null ? "" : Namespace + "/")}{Name ?? "-"} is skipped: its kind means nothing for names");
}

/// <summary>What manifests hold. Apply the documents only when there is no error: a set is applied whole or not at all.</summary>
/// <param name="Documents">The documents that are in order, as they were written.</param>
/// <param name="Errors">Every reason to refuse; at most <see cref="ManifestLimits.Errors"/> and a last one that says that reading stopped.</param>
/// <param name="Skipped">What was passed over, as it was written; empty where such kinds are refused.</param>
/// <param name="Rests">What rested where the manifests were written.</param>
public sealed record ManifestResult(IReadOnlyList<ManifestDocument> Documents, IReadOnlyList<ManifestError> Errors, IReadOnlyList<SkippedDocument> Skipped, IReadOnlyList<ManifestRest> Rests)
{
    /// <summary>The rests as a change has them; null for none.</summary>
    public IReadOnlyList<RestingVip>? RestingVips => Rests.Count == 0 ? null : [.. Rests.Select(rest => rest.Vip)];
}
