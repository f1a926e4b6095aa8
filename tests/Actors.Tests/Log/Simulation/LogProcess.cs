using MeshDns.Actors.Log;

namespace MeshDns.Actors.Tests.Log.Simulation;

/// <summary>One process of a node: it can die, be held (SIGSTOP), sleep with its machine (its monotonic clock stands still then), and its wall clock can be set.</summary>
internal sealed class LogProcess(Agenda agenda, string name, long wallOffsetMs)
{
    /// <summary>The wall clocks' zero of the worlds.</summary>
    public const long EpochMs = 1_700_000_000_000;

    private readonly Queue<Action> _held = new();
    private long _stoodStillMs;
    private long _pausedAt;

    public string Name => name;

    public long WallOffsetMs { get; set; } = wallOffsetMs;

    public bool IsCrashed { get; private set; }

    public bool IsPaused { get; private set; }

    public bool IsRunning => !IsCrashed && !IsPaused;

    public Moment Now => new(1_000_000 + agenda.NowMs - _stoodStillMs, EpochMs + agenda.NowMs + WallOffsetMs);

    /// <summary>Does something in the process: now, when it goes on, or never when it is dead.</summary>
    public void Run(Action what)
    {
        if (IsCrashed) return;
        if (IsPaused) _held.Enqueue(what);
        else what();
    }

    /// <summary>A timer of the process.</summary>
    public void After(long delayMs, Action what) => agenda.After(delayMs, () => Run(what));

    /// <summary>A timer that comes again for as long as the process lives.</summary>
    public void Every(long periodMs, Action what) => After(periodMs, () =>
    {
        what();
        Every(periodMs, what);
    });

    public void Crash()
    {
        IsCrashed = true;
        _held.Clear();
    }

    public void Pause()
    {
        if (IsPaused) return;
        IsPaused = true;
        _pausedAt = agenda.NowMs;
    }

    /// <summary>Goes on.</summary>
    /// <param name="slept">True when its machine slept: then the monotonic clock stood still.</param>
    public void Resume(bool slept)
    {
        if (!IsPaused) return;
        IsPaused = false;
        if (slept) _stoodStillMs += agenda.NowMs - _pausedAt;
        // What came meanwhile lies in sockets and queues, in its order; a crash or a new pause may end this half-way.
        for (var left = _held.Count; left > 0 && IsRunning; left--) _held.Dequeue()();
    }
}
