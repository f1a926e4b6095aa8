namespace MeshDns.Contracts.Events;

/// <summary>A fact of the log that belongs to no host; it stands in the closing row of its transaction.</summary>
public abstract record LogFact : MeshEvent
{
    /// <summary>When, by the journal's clock, milliseconds since the Unix epoch.</summary>
    public required long At { get; init; }
}

/// <summary>An incarnation of the allocator began: the first fact of its term, written before it answers anything.</summary>
/// <param name="Epoch">Counts incarnations; one more than the last one's.</param>
/// <param name="Node">The node that it runs on, for a reader.</param>
/// <param name="Format">The lowest format of the log that a reader must know from here on.</param>
public sealed record AllocatorStarted(long Epoch, string Node, int Format) : LogFact;

/// <summary>The first transaction of a log: what can never change in it.</summary>
/// <param name="ClusterId">Drawn when the tables were made.</param>
/// <param name="Ipv4">The IPv4 VIP range, canonical text.</param>
/// <param name="Ipv6">The IPv6 VIP range, canonical text.</param>
/// <param name="Shards">The number of buckets.</param>
public sealed record ClusterFounded(string ClusterId, string Ipv4, string Ipv6, int Shards) : LogFact;

/// <summary>The settings that all nodes share; the newest holds, whole. The quarantine is the ledger's: <see cref="QuarantineChanged"/>.</summary>
/// <param name="LargestTtlMs">No node serves a larger TTL for a VIP.</param>
/// <param name="Zones">Mesh-owned zones beside the cluster domain, sorted; in rows of older builds it and the reverse zones of the VIP ranges stand among them.</param>
/// <param name="ClusterDomain">The domain under which Services live.</param>
public sealed record SettingsChanged(long LargestTtlMs, IReadOnlyList<string> Zones, string ClusterDomain) : LogFact;

/// <summary>An image of the state at a place of the log was stored; it counts because this row carries its digest.</summary>
/// <param name="Number">The number of the closing row up to which it speaks.</param>
/// <param name="Term">That row's term.</param>
/// <param name="Digest">SHA-256 over its parts, lower-case hexadecimal.</param>
public sealed record ImageSaved(long Number, string Term, string Digest) : LogFact;

/// <summary>A source of facts that are not journalled (pods of a live cluster) began to run on a node; what older runs say is dropped.</summary>
/// <param name="Source">The source's name.</param>
/// <param name="Run">Counts its runs.</param>
public sealed record SourceStarted(string Source, long Run) : LogFact;
