using MeshDns.Contracts.Names;
using MeshDns.Contracts.Services;

namespace MeshDns.Contracts.Messages;

/// <summary>One page of a list.</summary>
/// <param name="Items">At most the limit asked for.</param>
/// <param name="Next">What to pass as <c>after</c> for the next page; null at the end.</param>
public sealed record Page<T>(IReadOnlyList<T> Items, string? Next);

/// <summary>Which page of a list.</summary>
/// <param name="Limit">1 to 10,000.</param>
/// <param name="After">
/// The place of the last item that was seen, which the <c>next</c> of its page says: <c>namespace/name</c> of a document, a host's text, the
/// five digits of a VIP's index, <c>r</c> and the text of a resting CIDR; null for the first page.
/// </param>
/// <param name="Query">Only items whose name contains this, without case; null for all.</param>
/// <param name="Source">Only documents of this source; null for all.</param>
public sealed record PageRequest(int Limit = 100, string? After = null, string? Query = null, string? Source = null);

/// <summary>A stored document with what the mesh knows of it.</summary>
/// <param name="Document">The document.</param>
/// <param name="Version">Its version; the ETag.</param>
/// <param name="Source">Who owns it.</param>
/// <param name="Created">Milliseconds since the Unix epoch.</param>
/// <param name="Updated">Milliseconds since the Unix epoch.</param>
/// <param name="Addresses">VIPs its hosts hold, both families.</param>
public sealed record DocumentRecord(MeshDocument Document, long Version, string Source, long Created, long Updated, IReadOnlyList<HostAddress> Addresses);

/// <summary>The state of a VIP.</summary>
public enum VipState
{
    /// <summary>Never used, or rested long enough; the last host is remembered.</summary>
    Free,

    /// <summary>Held by a host.</summary>
    Leased,

    /// <summary>Resting; only its last host may have it.</summary>
    Quarantined,

    /// <summary>Claimed by explicit addresses.</summary>
    Reserved,
}

/// <summary>A VIP as it stands.</summary>
/// <param name="Index">Its index.</param>
/// <param name="State">Its state.</param>
/// <param name="Hosts">Its holder; its last holder when quarantined or free; all claimants when reserved.</param>
/// <param name="Since">When it entered the state, milliseconds since the Unix epoch; 0 when never used.</param>
/// <param name="Until">When its quarantine ends, milliseconds since the Unix epoch; null otherwise.</param>
public sealed record VipRecord(int Index, VipState State, IReadOnlyList<HostName> Hosts, long Since, long? Until);

/// <summary>What one namespace's documents say about a host, merged: ports united, the older document first.</summary>
/// <param name="Namespace">The record's namespace.</param>
/// <param name="Declarations">Oldest first.</param>
public sealed record NamespaceRecord(string Namespace, IReadOnlyList<HostDeclaration> Declarations);

/// <summary>A host with everything known of it.</summary>
/// <param name="Host">The name.</param>
/// <param name="Records">One a namespace, oldest first.</param>
/// <param name="Vip">Its lease, or its quarantined last VIP; null when it has none.</param>
/// <param name="Shard">The stream that owns it.</param>
/// <param name="Owner">The node that owns the stream.</param>
public sealed record HostRecord(HostName Host, IReadOnlyList<NamespaceRecord> Records, VipRecord? Vip, string Shard, string Owner);

/// <summary>How fresh a node's directory is.</summary>
/// <param name="Names">Names it knows.</param>
/// <param name="Age">Time since the last successful read of all streams.</param>
/// <param name="LagEvents">Events that the journal has and it hasn't, as far as it knows.</param>
public sealed record DirectoryFreshness(int Names, TimeSpan Age, long LagEvents);

/// <summary>A member of the cluster.</summary>
public sealed record MemberView(string Node, string Address, IReadOnlyList<string> Roles, string State, string Version, int Streams, DirectoryFreshness Directory);

/// <summary>A stream and its owner.</summary>
public sealed record StreamView(string Stream, string Owner, long Epoch, long Seq);

/// <summary>The cluster as this node sees it.</summary>
public sealed record ClusterView(string Node, IReadOnlyList<MemberView> Members, IReadOnlyList<StreamView> Streams, VipUsage Vips);
