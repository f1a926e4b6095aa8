using System.Text.Json.Serialization;

namespace MeshDns.Host.Admin;

/// <summary>The reply to a change that was applied.</summary>
public sealed record ChangeJson
{
    /// <summary>True when nothing was written.</summary>
    public bool DryRun { get; init; }

    /// <summary>Per document that was not passed over, in the order of the body.</summary>
    public required IReadOnlyList<DocumentResultJson> Results { get; init; }

    /// <summary>The documents of the body that were passed over, since their kinds mean nothing for names; absent when there are none.</summary>
    public IReadOnlyList<SkippedJson>? Skipped { get; init; }

    /// <summary>The settings of the cluster afterwards, where they were to be changed; absent otherwise.</summary>
    public SettingsJson? Settings { get; init; }

    /// <summary>Their ETag, without quotes.</summary>
    [JsonIgnore]
    public string? SettingsTag { get; init; }

    /// <summary>What the caller should know that is about no document; absent when there is nothing.</summary>
    public IReadOnlyList<string>? Warnings { get; init; }

    /// <summary>Whether the edges have it; absent unless <c>?wait=edges</c> was asked.</summary>
    public EdgesJson? Edges { get; init; }
}

/// <summary>What became of one document.</summary>
public sealed record DocumentResultJson
{
    /// <summary>Its number in the body, from 1; the items of a list have the list's.</summary>
    public int Document { get; init; }

    /// <summary>ServiceEntry or Service.</summary>
    public required string Kind { get; init; }

    /// <summary>Its namespace.</summary>
    public required string Namespace { get; init; }

    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>created, configured, unchanged, deleted or absent.</summary>
    public required string Action { get; init; }

    /// <summary>Its version afterwards; 0 when it is not there.</summary>
    public long Version { get; init; }

    /// <summary>The VIPs of its hosts afterwards.</summary>
    public IReadOnlyList<HostAddressJson> Addresses { get; init; } = [];

    /// <summary>What the caller should know.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>Paths of fields that mean nothing for DNS.</summary>
    public IReadOnlyList<string> Ignored { get; init; } = [];
}

/// <summary>An assigned address, as Istio's <c>status.addresses</c> has it.</summary>
public sealed record HostAddressJson(string Host, string Value);

/// <summary>A document that was passed over.</summary>
/// <param name="Document">Its number in the body, from 1.</param>
/// <param name="ApiVersion">Its apiVersion.</param>
/// <param name="Kind">Its kind.</param>
/// <param name="Namespace">Its namespace, where it says one.</param>
/// <param name="Name">Its name, where it says one.</param>
public sealed record SkippedJson(int Document, string ApiVersion, string Kind, string? Namespace, string? Name);

/// <summary>Whether the live edges have read a change.</summary>
/// <param name="Waited">False when it could not be found out.</param>
/// <param name="Missing">The nodes that had not read it in time.</param>
public sealed record EdgesJson(bool Waited, IReadOnlyList<string> Missing);
