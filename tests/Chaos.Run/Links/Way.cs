namespace MeshDns.Chaos.Run.Links;

/// <summary>How bytes travel from one party to another: both directions of a link are two ways, so that one can fail alone.</summary>
/// <param name="Latency">Each piece arrives so much later.</param>
/// <param name="Jitter">And up to so much more; order is kept, as TCP keeps it.</param>
/// <param name="Loss">The share of pieces that wait for a retransmission.</param>
/// <param name="Reset">The share of pieces that break their connection.</param>
internal sealed record WayQuality(TimeSpan Latency = default, TimeSpan Jitter = default, double Loss = 0, double Reset = 0)
{
    public static WayQuality Perfect { get; } = new();
}

/// <summary>One way, switched while connections use it.</summary>
internal sealed class Way
{
    // Between the least and the most that TCP waits before it sends again.
    private const int RetransmissionMinMs = 200;
    private const int RetransmissionMaxMs = 900;

    private readonly Lock _gate = new();
    private TaskCompletionSource _open = Completed();
    private Watch? _watch;

    public WayQuality Quality { get; set; } = WayQuality.Perfect;

    /// <summary>True when connections over this way are broken off, and new ones as soon as they are made.</summary>
    public bool IsCut { get; private set; }

    /// <summary>Raised when the way is cut.</summary>
    public event Action? Cutting;

    /// <summary>Ends when bytes may go on; not while the way is stalled.</summary>
    public Task Open
    {
        get { lock (_gate) return _open.Task; }
    }

    /// <summary>Nothing arrives any more, and nobody is told: connections stay, as behind a lost cable.</summary>
    public void Stall()
    {
        lock (_gate) if (_open.Task.IsCompleted) _open = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    /// <summary>Every connection is reset, and every new one.</summary>
    public void Cut()
    {
        IsCut = true;
        Cutting?.Invoke();
    }

    /// <summary>Ends when bytes go on in which these are; they pass.</summary>
    public Task SeeAsync(byte[] wanted) => WatchAsync(wanted, stalls: false);

    /// <summary>Stalls as soon as bytes would go on in which these are, which are held back first; ends then.</summary>
    public Task StallBeforeAsync(byte[] wanted) => WatchAsync(wanted, stalls: true);

    /// <summary>A relay shows what it is about to send on.</summary>
    public void Show(ReadOnlySpan<byte> piece)
    {
        if (Volatile.Read(ref _watch) is not { } watch || piece.IndexOf(watch.Wanted) < 0 || Interlocked.CompareExchange(ref _watch, null, watch) != watch) return;
        if (watch.Stalls) Stall();
        watch.Seen.TrySetResult();
    }

    /// <summary>All is well again; what was held back arrives now.</summary>
    public void Heal()
    {
        IsCut = false;
        Quality = WayQuality.Perfect;
        Volatile.Write(ref _watch, null);
        lock (_gate) _open.TrySetResult();
    }

    /// <summary>When a piece that is sent now arrives.</summary>
    public TimeSpan Delay(Random random)
    {
        var quality = Quality;
        var delay = quality.Latency + (quality.Jitter * random.NextDouble());
        return random.NextDouble() < quality.Loss ? delay + TimeSpan.FromMilliseconds(random.Next(RetransmissionMinMs, RetransmissionMaxMs)) : delay;
    }

    public bool Breaks(Random random) => random.NextDouble() < Quality.Reset;

    private Task WatchAsync(byte[] wanted, bool stalls)
    {
        var watch = new Watch(wanted, stalls, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        Volatile.Write(ref _watch, watch);
        return watch.Seen.Task;
    }

    private static TaskCompletionSource Completed()
    {
        var source = new TaskCompletionSource();
        source.SetResult();
        return source;
    }

    private sealed record Watch(byte[] Wanted, bool Stalls, TaskCompletionSource Seen);
}
