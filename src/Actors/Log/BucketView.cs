using System.Collections.Immutable;
using MeshDns.Actors.Shards;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Names;

namespace MeshDns.Actors.Log;

/// <summary>What a shard holds: documents and host records of its bucket, and who of its hosts leases which VIP. Immutable; it follows from the bucket's own rows alone.</summary>
/// <param name="Table">Documents and host records.</param>
/// <param name="Leases">The index that a host of the bucket leases.</param>
internal sealed record BucketView(ShardTable Table, ImmutableSortedDictionary<HostName, int> Leases)
{
    public static BucketView Empty { get; } = new(ShardTable.Empty, ImmutableSortedDictionary<HostName, int>.Empty);

    /// <summary>A bucket of a state.</summary>
    public static BucketView Of(MeshState state, int bucket, Buckets buckets) =>
        new(state.Tables[bucket], state.Ledger.Leases.Where(l => buckets.Of(l.Host) == bucket).ToImmutableSortedDictionary(l => l.Host, l => l.Index));

    /// <summary>The view after a fact of the bucket's rows.</summary>
    /// <exception cref="InvalidOperationException">The fact contradicts the view.</exception>
    public BucketView Apply(MeshEvent fact) => fact switch
    {
        VipGranted e when !Leases.ContainsKey(e.Host) => this with { Leases = Leases.Add(e.Host, e.Index) },
        VipReleased e when Leases.TryGetValue(e.Host, out var held) && held == e.Index => this with { Leases = Leases.Remove(e.Host) },
        VipGranted or VipReleased => throw new InvalidOperationException($"{fact} contradicts what the shard holds"),
        // Claims, exclusions and rests belong to addresses: the ledger has them.
        VipEvent => this,
        _ => this with { Table = Table.Apply(fact) },
    };
}
