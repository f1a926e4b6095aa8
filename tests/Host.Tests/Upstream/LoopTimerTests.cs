using MeshDns.Host.Upstream;
using MeshDns.Host.Upstream.Servers;
using MeshDns.Tests.Shared;
using Microsoft.Extensions.Logging.Abstractions;

namespace MeshDns.Host.Tests.Upstream;

/// <summary>The loop's one timer, for all that is due on its wheel.</summary>
public sealed class LoopTimerTests
{
    private readonly ManualTimeProvider _time = new();

    private readonly Work _work = new();

    [Fact]
    public async Task What_falls_due_while_a_turn_works_is_seen_to_by_the_next_without_more_time()
    {
        using UpstreamLoop loop = Open();
        Timer timer = Set(loop, 1800);
        Turn(loop);
        _work.During = () => _time.Advance(TimeSpan.FromMilliseconds(1800));
        Turn(loop);
        Assert.False(timer.IsDone);
        await TurnByItselfAsync(loop);
        Assert.True(timer.IsDone);
    }

    [Fact]
    public async Task What_is_due_when_the_timer_is_to_be_set_for_it_is_seen_to_at_once()
    {
        using UpstreamLoop loop = Open();
        Timer timer = Set(loop, 500);
        _work.During = () => _time.Advance(TimeSpan.FromMilliseconds(799));
        Turn(loop);
        Assert.False(timer.IsDone);
        await TurnByItselfAsync(loop);
        Assert.True(timer.IsDone);
    }

    [Fact]
    public async Task The_timer_is_set_by_the_time_that_it_is_then()
    {
        using UpstreamLoop loop = Open();
        Timer timer = Set(loop, 500);
        _work.During = () => _time.Advance(TimeSpan.FromMilliseconds(400));
        Turn(loop);
        _time.Advance(TimeSpan.FromMilliseconds(100));
        await TurnByItselfAsync(loop);
        Assert.True(timer.IsDone);
    }

    private UpstreamLoop Open()
    {
        var loop = new UpstreamLoop(new UpstreamClock(_time), new UpstreamCounters(), NullLogger.Instance, SystemWire.Open());
        loop.Serve(_work);
        return loop;
    }

    private static Timer Set(UpstreamLoop loop, long inMs)
    {
        var timer = new Timer();
        loop.Wheel.Set(timer, loop.NowMs + inMs);
        return timer;
    }

    private static async Task TurnByItselfAsync(UpstreamLoop loop) => await Task.Run(loop.RunTurn).WaitAsync(TimeSpan.FromSeconds(30));

    private static void Turn(UpstreamLoop loop)
    {
        loop.Wake();
        loop.RunTurn();
    }

    private sealed class Timer : WheelTimer
    {
        public bool IsDone { get; private set; }

        public override void OnDue(long nowMs) => IsDone = true;
    }

    private sealed class Work : ILoopWork
    {
        public Action? During { get; set; }

        public bool HasWork => false;

        bool ILoopWork.Work()
        {
            During?.Invoke();
            During = null;
            return true;
        }

        public void Flush()
        {
        }

        public void Close()
        {
        }
    }
}
