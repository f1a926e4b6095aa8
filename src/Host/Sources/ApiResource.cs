using System.Text.Json.Nodes;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Services;

namespace MeshDns.Host.Sources;

/// <summary>A row of <see cref="DocumentKinds"/>: how a kind of document is read, written and shown.</summary>
internal sealed record ApiResource
{
    public required DocumentKind Kind { get; init; }

    /// <summary>Those in which it is read; it is written in the first.</summary>
    public required IReadOnlyList<string> ApiVersions { get; init; }

    /// <summary>True when other API groups have a kind of this name, which means nothing for names.</summary>
    public bool HasNamesakes { get; init; }

    /// <summary>Where the API has its documents.</summary>
    public required string Path { get; init; }

    /// <summary>What it is called on the command line; by the first, <c>get</c> lists it.</summary>
    public required IReadOnlyList<string> Names { get; init; }

    /// <summary>Why a text cannot be the name of such a document; null when it can.</summary>
    public required Func<string, string?> CheckName { get; init; }

    /// <summary>Reads the spec; of the document there is only the metadata, or nothing when that has failed.</summary>
    public required Func<DocumentScope, MapNode, MeshDocument?, DocumentSpec?> ReadSpec { get; init; }

    /// <summary>Reads the VIPs that hosts had elsewhere out of the status; null for a kind whose status means nothing here.</summary>
    public Func<DocumentScope, MapNode, DocumentSpec, IReadOnlyList<HostAddress>?>? ReadStatus { get; init; }

    /// <summary>The spec as an object, with the VIPs of the document's hosts where the kind has them in its spec.</summary>
    public required Func<DocumentSpec, IReadOnlyList<HostAddress>, JsonObject> WriteSpec { get; init; }

    /// <summary>True when a resolution is declared.</summary>
    public bool HasResolution { get; init; }

    /// <summary>The columns of <c>get</c> beside namespace and name: heading and text of an item.</summary>
    public required IReadOnlyList<(string Heading, Func<JsonNode, string> Text)> Columns { get; init; }

    /// <summary>The API group, with its slash; empty for the core.</summary>
    public string Group => GroupOf(ApiVersions[0]);

    /// <summary>The group of an apiVersion.</summary>
    public static string GroupOf(string apiVersion) => apiVersion[..(apiVersion.IndexOf('/', StringComparison.Ordinal) + 1)];
}
