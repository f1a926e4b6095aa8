using System.Net;
using MeshDns.Host.Edge;

namespace MeshDns.Host.Tests.Edge;

/// <summary>A timer's callback may be running when the timer is disposed; only its asynchronous disposal waits for it.</summary>
public sealed class StopRaceTests
{
    [Fact]
    public async Task A_bound_that_passes_at_the_moment_of_the_stop_finds_nothing_disposed()
    {
        await using var edge = new EdgeBench();
        var bench = edge.Bench;
        var time = new BusyTimers();
        var server = EdgeServer.Start([new IPEndPoint(IPAddress.Loopback, 0)], new EdgeOptions { UdpLoops = 1 }, bench.Resolver, bench.Answers, bench.Upstream, time);
        await server.StopAsync(TimeSpan.FromSeconds(5));
        Assert.Equal(2, time.Timers.Count);
        foreach (var timer in time.Timers) timer.Finish();
    }

    /// <summary>Timers whose callbacks have begun and not ended when they are disposed.</summary>
    private sealed class BusyTimers : TimeProvider
    {
        public List<BusyTimer> Timers { get; } = [];

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var timer = new BusyTimer(callback, state);
            lock (Timers) Timers.Add(timer);
            return timer;
        }
    }

    private sealed class BusyTimer(TimerCallback callback, object? state) : ITimer
    {
        private int _isDone;

        public void Finish()
        {
            if (Interlocked.Exchange(ref _isDone, 1) == 0) callback(state);
        }

        public bool Change(TimeSpan dueTime, TimeSpan period) => true;

        public void Dispose() { }

        public ValueTask DisposeAsync()
        {
            Finish();
            return ValueTask.CompletedTask;
        }
    }
}
