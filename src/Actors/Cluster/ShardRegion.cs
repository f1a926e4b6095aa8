using MeshDns.Actors.Runtime;
using MeshDns.Actors.Shards;
using MeshDns.Actors.Vips;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Services;

namespace MeshDns.Actors.Cluster;

/// <summary>Finds the owner of everything: documents, hosts and the VIP pool. Owners may live on any node; on a single node all are local.</summary>
public sealed class ShardRegion
{
    private readonly IReadOnlyList<IStreamOwner<ShardTable, ShardCommand, ShardReply>> _shards;

    /// <summary>Takes the owner of each shard, by number, and the allocator.</summary>
    public ShardRegion(IReadOnlyList<IStreamOwner<ShardTable, ShardCommand, ShardReply>> shards, IStreamOwner<VipLedger, VipCommand, VipReply> allocator)
    {
        _shards = shards;
        Allocator = allocator;
        ByStream = shards.ToDictionary(s => s.Stream);
    }

    /// <summary>The number of shards.</summary>
    public int Count => _shards.Count;

    /// <summary>The owners of the shards, by number.</summary>
    public IReadOnlyList<IStreamOwner<ShardTable, ShardCommand, ShardReply>> Shards => _shards;

    /// <summary>The owners of the shards, by stream.</summary>
    public IReadOnlyDictionary<string, IStreamOwner<ShardTable, ShardCommand, ShardReply>> ByStream { get; }

    /// <summary>The cluster's one allocator.</summary>
    public IStreamOwner<VipLedger, VipCommand, VipReply> Allocator { get; }

    /// <summary>The document, or null.</summary>
    /// <exception cref="MeshUnavailableException">Its owner cannot be reached.</exception>
    public StoredDocument? Document(DocumentKey key) => _shards[Streams.ShardOf(key, Count)].View.State.Documents.GetValueOrDefault(key);

    /// <summary>The shard of a host.</summary>
    public IStreamOwner<ShardTable, ShardCommand, ShardReply> OwnerOf(HostName host) => _shards[Streams.ShardOf(host, Count)];
}
