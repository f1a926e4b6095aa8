using System.Globalization;
using System.Text.Json.Serialization;

namespace MeshDns.Contracts.Services;

/// <summary>What a document is known by. Printed as <c>Kind/namespace/name</c>.</summary>
[JsonConverter(typeof(DocumentKeyJsonConverter))]
public readonly record struct DocumentKey(DocumentKind Kind, string Namespace, string Name)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Kind}/{Namespace}/{Name}";

    /// <summary>Reads what <see cref="ToString"/> printed.</summary>
    /// <exception cref="FormatException">It is not <c>Kind/namespace/name</c>.</exception>
    public static DocumentKey Parse(string text)
    {
        var parts = text.Split('/');
        return parts.Length == 3 && Enum.TryParse<DocumentKind>(parts[0], out var kind) && Enum.GetName(kind) == parts[0]
            ? new DocumentKey(kind, parts[1], parts[2])
            : throw new FormatException(string.Create(CultureInfo.InvariantCulture, $"'{text}' is not Kind/namespace/name"));
    }
}

/// <summary>A checked document.</summary>
[JsonConverter(typeof(MeshDocumentJsonConverter))]
public sealed record MeshDocument
{
    /// <summary>Kind, namespace and name.</summary>
    public required DocumentKey Key { get; init; }

    /// <summary>Labels, in order of their keys.</summary>
    public IReadOnlyDictionary<string, string>? Labels { get; init; }

    /// <summary>Annotations, in order of their keys.</summary>
    public IReadOnlyDictionary<string, string>? Annotations { get; init; }

    /// <summary>The spec, of its kind; null only where damage took it.</summary>
    public DocumentSpec? Spec { get; init; }
}
