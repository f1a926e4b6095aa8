using System.Diagnostics;

namespace MeshDns.Chaos.Run;

/// <summary>The observer's clock: Unix milliseconds at the start, counted on by a clock that nobody steps.</summary>
internal sealed class Clock
{
    private readonly long _start = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
    private readonly long _began = Stopwatch.GetTimestamp();

    public long Now => _start + (long)Elapsed.TotalMilliseconds;

    public TimeSpan Elapsed => Stopwatch.GetElapsedTime(_began);
}
