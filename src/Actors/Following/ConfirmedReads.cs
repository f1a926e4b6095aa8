using MeshDns.Actors.Log;
using MeshDns.Actors.Store;

namespace MeshDns.Actors.Following;

/// <summary>Reads of the log that count: where a standby has to confirm commits, an old primary that is cut off could go on telling what nobody else has. For one reader.</summary>
/// <param name="store">The log.</param>
/// <param name="confirmEvery">So often what is read is confirmed, new or not; null: there is no standby.</param>
/// <param name="time">The clock.</param>
internal sealed class ConfirmedReads(ILogStore store, Func<TimeSpan>? confirmEvery, TimeProvider time)
{
    private Moment? _confirmedAt;

    /// <summary>What comes after a place, and how old that was when it was asked for, milliseconds.</summary>
    /// <exception cref="StoreUnavailableException">The log cannot be read now.</exception>
    public async Task<(LogSlice Slice, long AgeMs)> ReadAsync(LogPosition after, CancellationToken cancel)
    {
        var askedAt = Moment.Of(time);
        var isConfirmed = confirmEvery is not null && (_confirmedAt is not { } last || askedAt.Since(last) >= confirmEvery().TotalMilliseconds);
        var slice = await store.ReadAsync(after, isConfirmed, cancel);
        // Rows that a standby has not may vanish with their server: they are read again together with a confirmed look.
        if (confirmEvery is not null && !isConfirmed && (slice.Rows.Count > 0 || !slice.Holds))
        {
            slice = await store.ReadAsync(after, true, cancel);
            isConfirmed = true;
        }
        if (isConfirmed) _confirmedAt = askedAt;
        return (slice, confirmEvery is not null && _confirmedAt is { } at ? askedAt.Since(at) : 0);
    }
}
