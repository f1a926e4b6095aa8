using MeshDns.Contracts.Events;
using MeshDns.Contracts.Names;

namespace MeshDns.Actors.Log;

/// <summary>Which bucket a fact stands in.</summary>
/// <param name="shards">The number of buckets.</param>
internal sealed class Buckets(int shards)
{
    private readonly string[] _tags = [.. Enumerable.Range(0, shards).Select(i => Streams.Shard(i, shards))];

    /// <summary>The number of buckets.</summary>
    public int Count => shards;

    /// <summary>The tag of a bucket's rows: the name of its shard.</summary>
    public string TagOf(int bucket) => _tags[bucket];

    /// <summary>The bucket of a tag; -1 for a tag of none.</summary>
    public int Of(string tag) => Array.IndexOf(_tags, tag);

    /// <summary>The bucket of a host.</summary>
    public int Of(HostName host) => Streams.ShardOf(host, shards);

    /// <summary>The bucket of what a fact is about; null for one that is about no document and no host, and stands with the fact before it.</summary>
    public int? Of(MeshEvent fact) => fact switch
    {
        DocumentPut put => Streams.ShardOf(put.Document.Key, shards),
        DocumentDeleted deleted => Streams.ShardOf(deleted.Key, shards),
        HostDeclared declared => Of(declared.Host),
        HostWithdrawn withdrawn => Of(withdrawn.Host),
        VipGranted granted => Of(granted.Host),
        VipReleased released => Of(released.Host),
        VipRested { Host: { } host } => Of(host),
        // Of no host: one change may have tens of thousands, for which a closing row has no room.
        VipRested or RangeRested => 0,
        AddressClaimed claimed => Of(claimed.Host),
        AddressUnclaimed unclaimed => Of(unclaimed.Host),
        RangeExcluded excluded => Of(excluded.Host),
        RangeIncluded included => Of(included.Host),
        _ => null,
    };
}
