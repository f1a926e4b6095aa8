using MeshDns.Actors.Changes;
using MeshDns.Actors.Log;
using MeshDns.Actors.Store;
using MeshDns.Actors.Vips;

namespace MeshDns.Actors.Cluster;

/// <summary>What an incarnation begins with.</summary>
/// <param name="State">What the whole log says.</param>
/// <param name="Lost">Leases of a past that the log no longer has; null when none is known to be lost.</param>
/// <param name="ImageBytes">The size of the image that it began with; 0 without one.</param>
/// <param name="TailBytes">The size of the rows after it.</param>
internal sealed record Recovered(MeshState State, PastLost? Lost, long ImageBytes, long TailBytes);

/// <summary>An incarnation cannot begin now.</summary>
internal sealed record NotRecovered(string Why);

/// <summary>Reads the log for a new incarnation: an image and what comes after it, by the fold that every reader uses; and looks whether a past is lost that this node knew.</summary>
internal static class AllocatorRecovery
{
    private static readonly TimeSpan _followerPatience = TimeSpan.FromSeconds(10);

    /// <exception cref="StoreUnavailableException">The log cannot be read now.</exception>
    /// <exception cref="BrokenLogException">It is not one.</exception>
    public static Task<Recovered> RunAsync(MeshParts parts, long atLeast) => Task.Run(async () =>
    {
        // The node's follower compares what the node knew with the log; nothing is granted before that. Where both read all of a long log, they do it at once.
        var seeing = parts.Following.SeeEndAsync(_followerPatience);
        var image = await parts.Store.FindImageAsync(long.MaxValue, null, CancellationToken.None);
        var (state, bytes) = await ReadAsync(parts, image?.Read(parts.Fold.Buckets, new VipLedgerCore(parts.Fold.Range)) ?? parts.Fold.Empty);
        if (await seeing is not { } seen || seen.Number < atLeast) throw new StoreUnavailableException("the node's follower has not reached the log's end");
        if (state.Position.Number < seen.Number)
        {
            (state, var more) = await ReadAsync(parts, state);
            bytes += more;
        }
        var lost = parts.Following.Lost;
        if (parts.Memory.Read().Last is { } last && !(await parts.Store.ReadAsync(last.Position, false, CancellationToken.None)).Holds)
            lost = new PastLost([.. last.Ledger.Leases.Select(l => new KnownLease(l.Index, l.Host))]).With(lost);
        return new Recovered(state, lost, image?.StoredBytes ?? 0, bytes);
    });

    // Each call has the store's own time limit; how many there are is the log's length.
    private static async Task<(MeshState State, long Bytes)> ReadAsync(MeshParts parts, MeshState state)
    {
        var bytes = 0L;
        var reader = new TransactionReader(state.Position, state.At);
        while (true)
        {
            var slice = await parts.Store.ReadAsync(reader.Position, false, CancellationToken.None);
            if (!slice.Holds) throw new BrokenLogException($"the log does not have {reader.Position} any more");
            foreach (var row in slice.Rows)
            {
                bytes += row.Payload.Length;
                (reader, var whole) = reader.Read(row, parts.Fold.Buckets);
                if (whole is not null) state = parts.Fold.Replay(state, whole);
            }
            if (!slice.IsAll) continue;
            return reader.Closed == reader.Position ? (state, bytes) : throw new BrokenLogException($"the log ends at {reader.Position}, within a transaction");
        }
    }
}
