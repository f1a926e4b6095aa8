using System.Collections.Immutable;
using MeshDns.Actors.Log;
using MeshDns.Actors.Shards;
using MeshDns.Actors.Store;
using MeshDns.Contracts.Events;

namespace MeshDns.Actors.Cluster;

/// <summary>Reads a bucket: its part of the newest image, and its rows after that up to where the node's follower is; leases are out of the follower's ledger.</summary>
internal static class BucketLoad
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(5);

    /// <summary>The bucket, and up to where it speaks; null when it cannot be read now, or its rows do not follow on each other.</summary>
    public static Task<(LogPosition Position, BucketView View)?> RunAsync(MeshParts parts, string name, int bucket) => Task.Run<(LogPosition, BucketView)?>(async () =>
    {
        using var deadline = new CancellationTokenSource(_patience, parts.Time);
        try
        {
            var state = parts.Following.State;
            var image = await parts.Store.FindImageAsync(state.Position.Number, [name], deadline.Token);
            if (await parts.Store.ReadTaggedAsync(name, image?.Position.Number ?? 0, state.Position, deadline.Token) is not { } rows) return null;
            var table = image is null ? ShardTable.Empty : ShardTableSnapshot.Read(image.Parts[name]);
            LogPosition? before = image is null ? LogPosition.Start : null;
            foreach (var row in rows)
            {
                if (RowCodec.Decode(row) is not BucketFacts facts || (before is { } place && facts.Before != place)) return null;
                before = row.Position;
                table = facts.Facts.Where(f => f.Fact is not VipEvent).Aggregate(table, (t, fact) => t.Apply(fact.Fact));
            }
            var leases = state.Ledger.Leases.Where(l => parts.Fold.Buckets.Of(l.Host) == bucket).ToImmutableSortedDictionary(l => l.Host, l => l.Index);
            return (state.Position, new BucketView(table, leases));
        }
        catch (Exception e) when (e is StoreUnavailableException or FormatException or InvalidOperationException or KeyNotFoundException or OperationCanceledException) { return null; }
    });
}
