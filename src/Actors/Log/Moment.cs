namespace MeshDns.Actors.Log;

/// <summary>
/// A moment by both clocks of a process. Between two moments lies the longer of the two times: a monotonic clock stands still while a machine is suspended, a wall
/// clock may be set back; together they never make knowledge seem younger than it is unless both err.
/// </summary>
/// <param name="MonotonicMs">The monotonic clock, milliseconds from any zero.</param>
/// <param name="WallMs">The wall clock, milliseconds since the Unix epoch.</param>
public readonly record struct Moment(long MonotonicMs, long WallMs)
{
    /// <summary>Milliseconds since an earlier moment of the same process; never below 0.</summary>
    public long Since(Moment earlier) => Math.Max(0, Math.Max(MonotonicMs - earlier.MonotonicMs, WallMs - earlier.WallMs));

    /// <summary>The moment now.</summary>
    public static Moment Of(TimeProvider time) =>
        new((long)time.GetElapsedTime(0).TotalMilliseconds, time.GetUtcNow().ToUnixTimeMilliseconds());
}
