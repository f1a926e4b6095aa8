namespace MeshDns.Actors.Runtime;

/// <summary>How much a log line matters.</summary>
public enum ActorLogLevel
{
    /// <summary>What an operator follows.</summary>
    Information,

    /// <summary>Something was refused or retried.</summary>
    Warning,

    /// <summary>A promise is at risk; someone should look.</summary>
    Alarm,
}

/// <summary>Takes a log line. Must not block and must not throw.</summary>
public delegate void ActorLog(ActorLogLevel level, string source, string message, Exception? error);

/// <summary>
/// What all actors of a node run on: a scheduler, a clock, a source of randomness and a log. In production the scheduler is the
/// default one; a test passes a single seeded one and a virtual clock, and the whole node runs in it deterministically.
/// </summary>
public sealed class ActorSystem
{
    private readonly Lock _randomLock = new();
    private readonly Random _random;

    /// <summary>Takes the four; the random source is used under a lock, for terms and back-off jitter only.</summary>
    public ActorSystem(TaskScheduler scheduler, TimeProvider time, Random random, ActorLog log)
    {
        Scheduler = scheduler;
        Time = time;
        Log = log;
        _random = random;
    }

    /// <summary>Where actors run.</summary>
    public TaskScheduler Scheduler { get; }

    /// <summary>The clock.</summary>
    public TimeProvider Time { get; }

    /// <summary>The log.</summary>
    public ActorLog Log { get; }

    /// <summary>A fraction of at least 0 and below 1, for jitter.</summary>
    public double NextFraction()
    {
        lock (_randomLock) return _random.NextDouble();
    }

    /// <summary>A random term: 16 hexadecimal digits.</summary>
    public string NextTerm()
    {
        lock (_randomLock) return _random.NextInt64(long.MaxValue).ToString("x16", System.Globalization.CultureInfo.InvariantCulture);
    }

    /// <summary>Runs a task on the system's scheduler.</summary>
    public Task Run(Func<Task> body) => Task.Factory.StartNew(body, CancellationToken.None, TaskCreationOptions.DenyChildAttach, Scheduler).Unwrap();

    /// <summary>The wait before attempt <paramref name="attempt"/> (0 first): doubles from 50 ms to 5 s, with up to half of it as jitter.</summary>
    public TimeSpan BackOff(int attempt)
    {
        var ms = Math.Min(5000.0, 50.0 * (1 << Math.Min(attempt, 10)));
        return TimeSpan.FromMilliseconds(ms * (1 + (0.5 * NextFraction())));
    }
}
