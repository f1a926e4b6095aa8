namespace MeshDns.Actors.Tests.Simulation;

/// <summary>Runs one ready task at a time, chosen by the seed, on the thread that pumps it. The same seed gives the same order.</summary>
internal sealed class SeededScheduler(Random random) : TaskScheduler
{
    private readonly Lock _gate = new();
    private readonly List<Task> _ready = [];
    private readonly Thread _thread = Thread.CurrentThread;

    /// <summary>Where a task came from another thread, which would make a run depend on the machine; null when none did.</summary>
    public string? Strayed { get; private set; }

    public override int MaximumConcurrencyLevel => 1;

    /// <summary>Runs one ready task; false when none is ready.</summary>
    public bool RunOne()
    {
        Task task;
        lock (_gate)
        {
            if (_ready.Count == 0) return false;
            var at = random.Next(_ready.Count);
            task = _ready[at];
            _ready[at] = _ready[^1];
            _ready.RemoveAt(_ready.Count - 1);
        }
        TryExecuteTask(task);
        return true;
    }

    protected override void QueueTask(Task task)
    {
        if (Thread.CurrentThread != _thread) Strayed ??= Environment.StackTrace;
        lock (_gate) _ready.Add(task);
    }

    protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) => false;

    protected override IEnumerable<Task> GetScheduledTasks() { lock (_gate) return [.. _ready]; }
}
