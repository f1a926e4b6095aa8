using System.Globalization;
using MeshDns.Actors.Log;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Vips;

namespace MeshDns.Actors.Store;

/// <summary>What the log's first transaction fixed for ever: the VIP ranges and the number of shards. All else that nodes share is a fact that may change (docs/adr/0028).</summary>
internal static class FixedSettings
{
    /// <summary>Throws when a log was founded with other settings than a node's. An empty log has none.</summary>
    /// <param name="store">The log.</param>
    /// <param name="range">The node's VIP ranges.</param>
    /// <param name="shards">The node's number of shards.</param>
    /// <param name="cancel">Ends it.</param>
    /// <exception cref="StoreRefusedException">It was; the sentence names the difference.</exception>
    public static async Task CheckAsync(ILogStore store, VipRange range, int shards, CancellationToken cancel)
    {
        if (await FoundedAsync(store, cancel) is not { } founded) return;
        (string Key, string Here, string There)[] settings =
        [
            ("vips.ipv4", range.V4.ToString(), founded.Ipv4), ("vips.ipv6", range.V6.ToString(), founded.Ipv6),
            ("cluster.shards", Text(shards), Text(founded.Shards)),
        ];
        var different = settings.Where(s => s.Here != s.There).Select(s => $"{s.Key} is '{s.Here}' here and '{s.There}' in the journal").ToArray();
        if (different.Length > 0) throw new StoreRefusedException("the journal was created with other settings, which cannot change afterwards: " + string.Join("; ", different));
    }

    private static async Task<ClusterFounded?> FoundedAsync(ILogStore store, CancellationToken cancel)
    {
        try
        {
            var slice = await store.ReadAsync(LogPosition.Start, isConfirmed: false, cancel);
            if (slice.Holds) return slice.Rows.Where(r => r.Kind == RowKind.Closing).Select(RowCodec.Decode).OfType<Closing>().SelectMany(c => c.Facts).Select(f => f.Fact).OfType<ClusterFounded>().FirstOrDefault();
            // Its beginning was cut away.
            var image = await store.FindImageAsync(long.MaxValue, [MeshImage.RestPart], cancel);
            return image?.Founded;
        }
        catch (FormatException e) { throw new StoreUnavailableException("the log's beginning cannot be read: " + e.Message, e); }
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
