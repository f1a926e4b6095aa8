using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace MeshDns.Contracts.Services;

/// <summary>The kinds of document that declare names. The log keeps their names and saved directories their numbers, so neither ever changes.</summary>
public enum DocumentKind
{
    /// <summary>Istio's <c>networking.istio.io ServiceEntry</c>.</summary>
    ServiceEntry,

    /// <summary>Kubernetes' core <c>v1 Service</c>.</summary>
    Service,
}

/// <summary>A kind's row: what the mesh knows of it. How it is read and shown is the other half, in the host.</summary>
/// <param name="Kind">The kind.</param>
/// <param name="Json">How its spec is written.</param>
public sealed record SpecKind(DocumentKind Kind, JsonTypeInfo Json)
{
    /// <summary>The field of a document that has its spec.</summary>
    public string Field { get; } = JsonNamingPolicy.CamelCase.ConvertName(Kind.ToString());

    /// <summary>Where several kinds declare a name, the least answers.</summary>
    public required byte Precedence { get; init; }

    /// <summary>True when the names that its documents declare end in the cluster domain.</summary>
    public bool IsInClusterDomain { get; init; }
}

/// <summary>Every kind's row, in order of their numbers.</summary>
public static class SpecKinds
{
    /// <summary>The rows.</summary>
    public static IReadOnlyList<SpecKind> All { get; } =
    [
        new(DocumentKind.ServiceEntry, SpecJson.Default.ServiceEntrySpec) { Precedence = 1 },
        new(DocumentKind.Service, SpecJson.Default.ServiceSpec) { Precedence = 0, IsInClusterDomain = true },
    ];

    /// <summary>The row of a kind.</summary>
    public static SpecKind Of(DocumentKind kind) => All[(int)kind];
}

/// <summary>Source-generated JSON of what a document holds: camelCase, nulls left out, enums by name, whoever writes it.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UseStringEnumConverter = true,
    RespectNullableAnnotations = true)]
[JsonSerializable(typeof(DocumentKey))]
[JsonSerializable(typeof(IReadOnlyDictionary<string, string>))]
[JsonSerializable(typeof(ServiceEntrySpec))]
[JsonSerializable(typeof(ServiceSpec))]
internal sealed partial class SpecJson : JsonSerializerContext;
