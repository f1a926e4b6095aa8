using MeshDns.Host.Telemetry;
using Microsoft.Extensions.Logging;

namespace MeshDns.Host.Upstream.Servers;

/// <summary>
/// The one thread that asks upstreams, and the only one that touches flights, attempts, sockets and timers: so none of them needs a lock, a task or a
/// hop between threads. It waits in one system call for replies, for new work and for time, and each turn handles everything that is there: receive,
/// time, new work, send.
/// </summary>
internal sealed class UpstreamLoop : IDisposable
{
    private static readonly TimeSpan _pauseAfterFault = TimeSpan.FromMilliseconds(10);

    private readonly UpstreamClock _clock;
    private readonly ILogger _logger;
    private readonly ITimer _timer;
    private readonly Thread _thread;
    private readonly Lock _gate = new();
    private List<Action> _posted = [];
    private List<Action> _taken = [];
    private ILoopWork? _work;
    private bool _isClosed;
    private long _armedAtMs = long.MaxValue;
    private int _isAwake;
    private volatile bool _hasTimerFired;
    private volatile bool _isStopping;

    public UpstreamLoop(UpstreamClock clock, UpstreamCounters counters, ILogger logger, UpstreamWire wire)
    {
        Wire = wire;
        _clock = clock;
        _logger = logger;
        Counters = counters;
        _timer = clock.Time.CreateTimer(static loop => ((UpstreamLoop)loop!).OnTimer(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _thread = new Thread(Run) { Name = "upstream", IsBackground = true };
    }

    /// <summary>Whether it turns.</summary>
    public LoopBeat Beat { get; } = new("upstream");

    /// <summary>The timers.</summary>
    public TimerWheel Wheel { get; } = new();

    /// <summary>The sockets.</summary>
    public UpstreamWire Wire { get; }

    /// <summary>Ids and ports are drawn from it.</summary>
    public RandomIds Random { get; } = new();

    /// <summary>The counters.</summary>
    public UpstreamCounters Counters { get; }

    /// <summary>The time on the <see cref="UpstreamClock"/>, read once a turn.</summary>
    public long NowMs { get; private set; }

    /// <summary>The same as a timestamp.</summary>
    public long NowTimestamp { get; private set; }

    /// <summary>The number of the turn.</summary>
    public long Turn { get; private set; }

    /// <summary>Cancels at a time, even if the loop has ended.</summary>
    public CancellationTokenSource NewDeadline(long dueAtMs) => new(TimeSpan.FromMilliseconds(Math.Max(1, dueAtMs - NowMs)), _clock.Time);

    /// <summary>Milliseconds from a timestamp to now.</summary>
    public double ElapsedMs(long timestamp) => _clock.Time.GetElapsedTime(timestamp, NowTimestamp).TotalMilliseconds;

    /// <summary>Says whose work it does.</summary>
    public void Serve(ILoopWork work)
    {
        _work = work;
        ReadClock();
    }

    /// <summary>Begins.</summary>
    public void Start() => _thread.Start();

    /// <summary>Has something rare done on the loop's thread. Any thread; after the end nothing happens.</summary>
    public void Post(Action work)
    {
        lock (_gate)
            _posted.Add(work);
        Wake();
    }

    /// <summary>Makes the loop look for work, if it does not already. Any thread; a system call only when the loop waits.</summary>
    public void Wake()
    {
        if (Interlocked.Exchange(ref _isAwake, 1) != 0)
            return;
        lock (_gate)
            if (!_isClosed)
                Wire.Wake();
    }

    /// <summary>Ends what is under way, closes the sockets and ends the thread.</summary>
    public void Dispose()
    {
        _isStopping = true;
        Wake();
        if (!_thread.ThreadState.HasFlag(ThreadState.Unstarted))
            _thread.Join();
        _timer.Dispose();
        lock (_gate)
        {
            _isClosed = true;
            Wire.Dispose();
        }
    }

    /// <summary>Reads the clock again: what is taken in after the turn began must not seem to have come before.</summary>
    public void ReadClock()
    {
        NowTimestamp = _clock.Time.GetTimestamp();
        NowMs = _clock.ToMs(NowTimestamp);
    }

    /// <summary>Waits, and does all there is to do.</summary>
    public void RunTurn()
    {
        Beat.Waits();
        ReadOnlySpan<WireSocket?> ready = Wire.Wait();
        Beat.Works();
        Volatile.Write(ref _isAwake, 1);
        TakeTimer();
        ReadClock();
        Turn++;
        foreach (WireSocket? port in ready)
            port?.Receive();
        Wheel.Expire(NowMs);
        DoPosted();
        bool isDone = _work!.Work();
        SendAll();
        Arm();
        _work.Flush();
        // Whoever brings work after this wakes us; what came before it is looked for once more.
        if (!isDone)
        {
            Wire.Wake();
            return;
        }
        Interlocked.Exchange(ref _isAwake, 0);
        if (_work.HasWork || HasPosted || _hasTimerFired || _isStopping)
            Wake();
    }

    /// <summary>Logs a fault of ours. Any thread.</summary>
    public void Report(Exception fault)
    {
        try
        {
            _logger.LogError(fault, "The upstream loop met a fault of ours and goes on");
        }
        catch (Exception)
        {
            // A log that fails must not end the loop.
        }
    }

    // Before the clock is read: one that fires after that is the next turn's, or what is due at it would be reckoned from a time that is over.
    private void TakeTimer()
    {
        if (!_hasTimerFired)
            return;
        _hasTimerFired = false;
        _armedAtMs = long.MaxValue;
    }

    private void OnTimer()
    {
        _hasTimerFired = true;
        Wake();
    }

    private void Run()
    {
        while (!_isStopping)
        {
            try
            {
                RunTurn();
            }
            catch (Exception fault)
            {
                Report(fault);
                Wire.Wake(); // What the turn left undone is seen to by another.
                Thread.Sleep(_pauseAfterFault); // One that comes each turn must not fill the log and the core.
            }
        }
        try
        {
            _work!.Close();
        }
        catch (Exception fault)
        {
            Report(fault);
        }
    }

    private bool HasPosted
    {
        get
        {
            lock (_gate)
                return _posted.Count != 0;
        }
    }

    private void DoPosted()
    {
        lock (_gate)
        {
            if (_posted.Count == 0)
                return;
            (_posted, _taken) = (_taken, _posted);
        }
        foreach (Action work in _taken)
            Do(work);
        _taken.Clear();
    }

    private void Do(Action work)
    {
        try
        {
            work();
        }
        catch (Exception fault)
        {
            Report(fault);
        }
    }

    // A port that cannot send ends its attempts, and their flights may ask the next server.
    private void SendAll()
    {
        do
        {
            Wire.Send();
            List<WireSocket> failed = Wire.Failed;
            for (int i = 0; i < failed.Count; i++)
                failed[i].OnError();
            failed.Clear();
        }
        while (Wire.Unsent != 0);
    }

    // While there are others, a timer that was set for earlier is left to fire for nothing: cheaper than to set it anew with each query.
    private void Arm()
    {
        long dueAtMs = Wheel.NextDueMs ?? long.MaxValue;
        if (dueAtMs == long.MaxValue && _armedAtMs != long.MaxValue)
            _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        else if (dueAtMs < _armedAtMs)
            SetTimer(dueAtMs);
        else
            return;
        _armedAtMs = dueAtMs;
    }

    // By the time that it is and not by that of the turn's beginning, and anew if time goes on meanwhile: it would fire that much too late.
    private void SetTimer(long dueAtMs)
    {
        do
        {
            ReadClock();
            if (dueAtMs > NowMs)
                _timer.Change(TimeSpan.FromMilliseconds(dueAtMs - NowMs), Timeout.InfiniteTimeSpan);
            else
                _hasTimerFired = true;
        }
        while (_clock.NowMs != NowMs);
    }
}
