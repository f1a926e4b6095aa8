namespace MeshDns.Host.Admin;

/// <summary>The reply to a change that was applied.</summary>
public sealed record ChangeJson
{
    /// <summary>True when nothing was written.</summary>
    public bool DryRun { get; init; }

    /// <summary>Per document, in the order of the body.</summary>
    public required IReadOnlyList<DocumentResultJson> Results { get; init; }

    /// <summary>Whether the edges have it; absent unless <c>?wait=edges</c> was asked.</summary>
    public EdgesJson? Edges { get; init; }
}

/// <summary>What became of one document.</summary>
public sealed record DocumentResultJson
{
    /// <summary>Its number in the body, from 1.</summary>
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

/// <summary>Whether the live edges have read a change.</summary>
/// <param name="Waited">False when it could not be found out.</param>
/// <param name="Missing">The nodes that had not read it in time.</param>
public sealed record EdgesJson(bool Waited, IReadOnlyList<string> Missing);
