using MeshDns.Actors.Runtime;

namespace MeshDns.Actors.Tests.Simulation;

/// <summary>One deterministic world: a seeded scheduler, a virtual clock and a log. Time moves on when nothing is left to do.</summary>
internal sealed class Simulated
{
    private const int MaxStepsAtOneTime = 2_000_000;

    private readonly SeededScheduler _scheduler;
    private readonly List<LogLine> _log = [];

    public Simulated(int seed)
    {
        Random = new Random(seed);
        _scheduler = new SeededScheduler(new Random(seed ^ 0x5EED));
    }

    /// <summary>The world's randomness; a body draws from it between awaits only, so that a seed repeats a run.</summary>
    public Random Random { get; }

    public SimulatedClock Clock { get; } = new();

    public IReadOnlyList<LogLine> Log => _log;

    public IEnumerable<LogLine> Alarms => _log.Where(l => l.Level == ActorLogLevel.Alarm);

    public ActorSystem NewSystem(TimeProvider? time = null, string? node = null) =>
        new(_scheduler, time ?? Clock, new Random(Random.Next()), (level, source, message, error) => _log.Add(new LogLine(level, node is null ? source : node + " " + source, message, error, Clock.Elapsed)));

    /// <summary>Runs a world to the end of its body.</summary>
    public static void Run(int seed, Func<Simulated, Task> body)
    {
        var world = new Simulated(seed);
        world.Run(() => body(world));
    }

    public void Run(Func<Task> body)
    {
        // The test runner's own context would take continuations away from the scheduler.
        var context = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);
        try { Pump(body); }
        catch (Exception e) when (_log.Count > 0)
        {
            throw new InvalidOperationException($"{e.Message}\nat {Clock.Elapsed} of virtual time; the log ends:\n{string.Join('\n', _log.TakeLast(20))}", e);
        }
        finally { SynchronizationContext.SetSynchronizationContext(context); }
    }

    private void Pump(Func<Task> body)
    {
        var done = Task.Factory.StartNew(body, CancellationToken.None, TaskCreationOptions.DenyChildAttach, _scheduler).Unwrap();
        var limit = Clock.Elapsed + TimeSpan.FromDays(400);
        var steps = 0;
        while (!done.IsCompleted)
        {
            if (_scheduler.RunOne())
            {
                if (++steps > MaxStepsAtOneTime) throw new InvalidOperationException("the simulation does not come to rest: something loops without waiting");
                continue;
            }
            steps = 0;
            if (done.IsCompleted) break;
            if (!Clock.AdvanceToNext()) throw new InvalidOperationException("the simulation is stuck: nothing is ready and no timer is pending");
            if (Clock.Elapsed > limit) throw new InvalidOperationException("the simulation does not end");
        }
        done.GetAwaiter().GetResult();
        if (_scheduler.Strayed is { } stray) throw new InvalidOperationException("a task came from another thread: " + stray);
    }

    /// <summary>Lets a span of virtual time pass.</summary>
    public Task PassAsync(TimeSpan time) => Task.Delay(time, Clock);

    /// <summary>Polls a condition in virtual time.</summary>
    public async Task UntilAsync(Func<bool> condition, string what, int seconds = 120)
    {
        for (var i = 0; i < seconds * 100; i++)
        {
            if (condition()) return;
            await PassAsync(TimeSpan.FromMilliseconds(10));
        }
        Assert.Fail($"{what} did not come within {seconds} virtual seconds");
    }
}

internal sealed record LogLine(ActorLogLevel Level, string Source, string Message, Exception? Error, TimeSpan At = default);
