using System.Collections.Immutable;
using MeshDns.Actors.Vips;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;

namespace MeshDns.Actors.Log;

/// <summary>
/// Everything that the log says up to a place: what the allocator decides on, and what every fold of the log gives. Immutable.
/// </summary>
internal sealed record MeshState
{
    private static readonly HostName _firstDomain = HostName.Parse("cluster.local");

    /// <summary>How far it speaks: the place of a closing row.</summary>
    public required LogPosition Position { get; init; }

    /// <summary>The time of the last transaction, milliseconds since the Unix epoch, by the journal's clock; 0 before the first.</summary>
    public long At { get; init; }

    /// <summary>How many incarnations of the allocator there were.</summary>
    public long Epoch { get; init; }

    /// <summary>The lowest format that a reader must know.</summary>
    public int Format { get; init; }

    /// <summary>What can never change; null before the first transaction.</summary>
    public ClusterFounded? Cluster { get; init; }

    /// <summary>The settings that all nodes share; null before the first.</summary>
    public SettingsChanged? Settings { get; init; }

    /// <summary>What all nodes share, the ledger's quarantine too; null before the first transaction.</summary>
    public SharedSettings? Shared => Settings is { } settings ? SettingsFacts.Read(Ledger.QuarantineMs, settings, Ledger.Range) : null;

    /// <summary>The domain under which Services live.</summary>
    public HostName ClusterDomain => Settings is { } settings ? HostName.Parse(settings.ClusterDomain) : _firstDomain;

    /// <summary>All settings of the cluster; null before the first transaction.</summary>
    public SettingsView? SettingsView => Shared is { } shared && Cluster is { } cluster ? new SettingsView(shared, cluster.Ipv4, cluster.Ipv6, cluster.Shards) : null;

    /// <summary>Who holds which VIP.</summary>
    public required VipLedger Ledger { get; init; }

    /// <summary>Documents and host records, bucket by bucket.</summary>
    public required BucketTables Tables { get; init; }

    /// <summary>The last row of each bucket; <see cref="LogPosition.Start"/> for none.</summary>
    public required ImmutableArray<LogPosition> LastOf { get; init; }

    /// <summary>Replies under keys of callers.</summary>
    public ReplyMemory Replies { get; init; } = ReplyMemory.OfCallers;

    /// <summary>Replies under keys of nodes.</summary>
    public ReplyMemory NodeReplies { get; init; } = ReplyMemory.OfNodes;

    /// <summary>The last run of each source of facts that are not journalled.</summary>
    public ImmutableSortedDictionary<string, long> SourceRuns { get; init; } = ImmutableSortedDictionary.Create<string, long>(StringComparer.Ordinal);

    /// <summary>The newest image that the log vouches for; null for none.</summary>
    public ImageSaved? Image { get; init; }

    /// <summary>What a directory needs of the settings.</summary>
    public IEnumerable<MeshEvent> DirectoryFacts => Settings is { } settings ? [new QuarantineChanged(Ledger.QuarantineMs) { At = Ledger.LastAt }, settings] : [];

    /// <summary>What is remembered under a key; null for nothing.</summary>
    public RememberedKey? FindReply(string key) => MemoryOf(key).Find(key);

    /// <summary>The memory that a key belongs to.</summary>
    public ReplyMemory MemoryOf(string key) => ReplyMemory.IsNodes(key) ? NodeReplies : Replies;
}
