using MeshDns.Actors.Log;

namespace MeshDns.Actors.Changes;

/// <summary>
/// The journal's time between two looks at it: the database's clock at the last look, and the monotonic time since. Only a look of the last two seconds stamps a fact:
/// after a suspend the monotonic clock says that no time has passed, and a quarantine stamped by it would end early.
/// </summary>
/// <param name="DatabaseMs">The database's clock at the look, milliseconds since the Unix epoch.</param>
/// <param name="AskedAt">Just before it was asked.</param>
internal readonly record struct LogClock(long DatabaseMs, Moment AskedAt)
{
    /// <summary>A look stamps for so long.</summary>
    public const long FreshMs = 2000;

    /// <summary>Clocks that part by more between two looks are not believed.</summary>
    public const long MostStepMs = 5000;

    /// <summary>True when the look may stamp a fact now.</summary>
    public bool IsFresh(Moment now) => now.Since(AskedAt) <= FreshMs;

    /// <summary>The journal's time now.</summary>
    public long Now(Moment now) => DatabaseMs + Math.Max(0, now.MonotonicMs - AskedAt.MonotonicMs);

    /// <summary>
    /// By how much the database's clock and this process's monotonic one have parted since an earlier look, either way (a suspend, a clock that was set); 0 when not by more than
    /// <see cref="MostStepMs"/>. Every quarantine that runs is lengthened by it: nobody knows which of the two was right.
    /// </summary>
    public long StepSince(LogClock earlier)
    {
        var expected = earlier.DatabaseMs + (AskedAt.MonotonicMs - earlier.AskedAt.MonotonicMs);
        var step = Math.Abs(DatabaseMs - expected);
        return step > MostStepMs ? step : 0;
    }
}
