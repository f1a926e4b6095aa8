using MeshDns.Actors.Runtime;
using MeshDns.Actors.Tests.Simulation;

namespace MeshDns.Actors.Tests.Runtime;

public sealed class ActorTests
{
    [Fact]
    public void A_handler_that_throws_raises_an_alarm_and_the_next_message_is_handled_once() => Simulated.Run(1, async world =>
    {
        var actor = new Recorder(world.NewSystem(), 16);
        actor.Start();
        foreach (var message in new[] { "a", "throw", "b", "c" }) Assert.True(actor.Tell(message));
        await world.UntilAsync(() => actor.Seen.Count == 4, "all messages");
        Assert.Equal(["a", "throw", "b", "c"], actor.Seen);
        Assert.Equal(2, actor.Starts);
        Assert.Single(world.Alarms);
    });

    [Fact]
    public void Failures_in_a_row_back_off_longer_and_longer_up_to_a_bound() => Simulated.Run(2, async world =>
    {
        var actor = new Recorder(world.NewSystem(), 64);
        actor.Start();
        for (var i = 0; i < 20; i++) actor.Tell("throw");
        await world.PassAsync(TimeSpan.FromSeconds(1));
        Assert.InRange(actor.Seen.Count, 3, 6);
        await world.PassAsync(TimeSpan.FromMinutes(3));
        Assert.Equal(20, actor.Seen.Count);
    });

    [Fact]
    public void A_start_that_fails_is_tried_again_and_no_message_is_lost() => Simulated.Run(3, async world =>
    {
        var actor = new Recorder(world.NewSystem(), 16) { FailingStarts = 3 };
        actor.Tell("a");
        actor.Start();
        await world.UntilAsync(() => actor.Seen.Count == 1, "the message");
        Assert.Equal(4, actor.Starts);
        Assert.Equal(3, world.Alarms.Count());
    });

    [Fact]
    public void A_full_mailbox_refuses() => Simulated.Run(4, async world =>
    {
        var actor = new Recorder(world.NewSystem(), 3);
        for (var i = 0; i < 3; i++) Assert.True(actor.Tell("a"));
        Assert.False(actor.Tell("b"));
        await Assert.ThrowsAsync<MeshUnavailableException>(() => actor.Ask<bool>(_ => "ask", TimeSpan.FromSeconds(1)));
    });

    [Fact]
    public void An_ask_ends_at_its_deadline_and_by_its_token() => Simulated.Run(5, async world =>
    {
        var actor = new Recorder(world.NewSystem(), 16);
        actor.Start();
        var began = world.Clock.Elapsed;
        await Assert.ThrowsAsync<MeshUnavailableException>(() => actor.Ask<bool>(_ => "never answered", TimeSpan.FromSeconds(5)));
        Assert.Equal(TimeSpan.FromSeconds(5), world.Clock.Elapsed - began);
        using var cancel = new CancellationTokenSource();
        var asked = actor.Ask<bool>(_ => "never answered", TimeSpan.FromSeconds(5), cancel.Token);
        cancel.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asked);
    });

    [Fact]
    public void Stopping_handles_what_waits_and_refuses_what_comes_after() => Simulated.Run(6, async world =>
    {
        var actor = new Recorder(world.NewSystem(), 16);
        actor.Start();
        for (var i = 0; i < 10; i++) actor.Tell("a");
        await actor.StopAsync();
        Assert.Equal(10, actor.Seen.Count);
        Assert.True(actor.Stopped);
        Assert.False(actor.Tell("late"));
    });

    [Fact]
    public void Stopping_does_not_wait_for_a_back_off() => Simulated.Run(7, async world =>
    {
        var actor = new Recorder(world.NewSystem(), 16);
        actor.Start();
        for (var i = 0; i < 12; i++) actor.Tell("throw");
        await world.PassAsync(TimeSpan.FromSeconds(12));
        var began = world.Clock.Elapsed;
        await actor.StopAsync();
        Assert.Equal(began, world.Clock.Elapsed);
        Assert.True(actor.Stopped);
    });

    [Fact]
    public void The_back_off_doubles_and_stays_within_its_bounds()
    {
        var system = new Simulated(8).NewSystem();
        for (var attempt = 0; attempt < 40; attempt++)
        {
            var floor = Math.Min(5000.0, 50.0 * Math.Pow(2, attempt));
            Assert.InRange(system.BackOff(attempt).TotalMilliseconds, floor, floor * 1.5);
        }
        Assert.True(system.BackOff(int.MaxValue) <= TimeSpan.FromSeconds(7.5));
    }

    private sealed class Recorder(ActorSystem system, int mailbox) : Actor<string>(system, "recorder", mailbox)
    {
        public List<string> Seen { get; } = [];

        public int Starts { get; private set; }

        public int FailingStarts { get; init; }

        public bool Stopped { get; private set; }

        protected override ValueTask StartingAsync() => ++Starts > FailingStarts ? ValueTask.CompletedTask : throw new InvalidOperationException("not yet");

        protected override ValueTask ReceiveAsync(string message)
        {
            Seen.Add(message);
            return message == "throw" ? throw new InvalidOperationException("as asked") : ValueTask.CompletedTask;
        }

        protected override ValueTask StoppedAsync()
        {
            Stopped = true;
            return ValueTask.CompletedTask;
        }
    }
}
