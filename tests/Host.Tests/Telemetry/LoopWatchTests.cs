using MeshDns.Host.Edge;
using MeshDns.Host.Telemetry;
using MeshDns.Host.Tests.Edge;
using MeshDns.Host.Tests.Resolve;
using MeshDns.Tests.Shared;

namespace MeshDns.Host.Tests.Telemetry;

public sealed class LoopWatchTests
{
    private readonly ManualTimeProvider _time = new();

    [Fact]
    public void A_loop_at_the_same_work_for_too_long_is_stuck_and_one_that_waits_or_turns_is_not()
    {
        var (waits, turns, works) = (new LoopBeat("waits"), new LoopBeat("turns"), new LoopBeat("works"));
        var watch = new LoopWatch(_time);
        foreach (var beat in (LoopBeat[])[waits, turns, works]) watch.Add(beat);
        works.Works();
        for (var i = 0; i < 3; i++)
        {
            turns.Waits();
            turns.Works();
            Assert.Equal(i < 2 ? [] : ["works"], watch.Stuck());
            _time.Advance((LoopWatch.Patience / 2) + TimeSpan.FromMilliseconds(1));
        }
        works.Waits();
        Assert.Equal([], watch.Stuck().Where(name => name == "works"));
    }

    [Fact]
    public void A_scheduler_that_does_not_run_what_it_is_given_is_stuck()
    {
        Action? given = null;
        var watch = new LoopWatch(_time);
        watch.Add("scheduler", done => given = done);
        Assert.Empty(watch.Stuck());
        given!();
        _time.Advance(2 * LoopWatch.Patience);
        Assert.Empty(watch.Stuck());
        _time.Advance(2 * LoopWatch.Patience);
        Assert.Equal(["scheduler"], watch.Stuck());
        given!();
        Assert.Empty(watch.Stuck());
    }

    [Fact]
    public async Task A_query_loop_that_hangs_is_told_and_one_that_has_nothing_to_do_is_not()
    {
        await using var edge = new EdgeBench(new EdgeOptions { UdpLoops = 1 });
        var watch = new LoopWatch(_time);
        foreach (var beat in edge.Server.Beats) watch.Add(beat);
        using var goOn = new ManualResetEventSlim();
        var hangs = new TaskCompletionSource();
        edge.Bench.Upstream.Before = _ =>
        {
            hangs.TrySetResult();
            goOn.Wait();
            return Task.CompletedTask;
        };
        using var client = edge.NewUdp();
        var told = new List<IReadOnlyList<string>>();
        Look();
        Look();
        client.Send(QueryPacket.Of("slow.example"));
        await hangs.Task;
        Look();
        Look();
        // Before anything is asserted: a loop that hangs could not be stopped.
        goOn.Set();
        Assert.Equal([[], [], [], [$"udp {edge.Endpoint} 0"]], told);
        EdgeBench.Receive(client);
        await EdgeBench.Until(() => watch.Stuck().Count == 0);

        void Look()
        {
            told.Add(watch.Stuck());
            _time.Advance(2 * LoopWatch.Patience);
        }
    }
}
