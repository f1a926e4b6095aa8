namespace MeshDns.Host.Telemetry;

/// <summary>
/// Which loops are stuck: at the same work for longer than any takes. Looked at when somebody asks and at no other time, so that the first to ask after a loop got
/// stuck begins the time and a later one is told. A loop that waits for work is well: the system wakes it.
/// </summary>
internal sealed class LoopWatch(TimeProvider time)
{
    /// <summary>The longest turn of a loop takes milliseconds; a machine that stops all threads for seconds stops who asks too.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly Lock _gate = new();
    private readonly List<Watched> _watched = [];

    /// <summary>Watches a loop.</summary>
    public void Add(LoopBeat beat)
    {
        lock (_gate) _watched.Add(new Watched { Beat = beat });
    }

    /// <summary>Watches what has no loop of its own and runs what it is given, such as a scheduler.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="post">Gives it something to run.</param>
    public void Add(string name, Action<Action> post)
    {
        lock (_gate) _watched.Add(new Watched { Beat = new LoopBeat(name), Post = post });
    }

    /// <summary>The names of those that are stuck.</summary>
    public IReadOnlyList<string> Stuck()
    {
        var now = time.GetTimestamp();
        lock (_gate) return [.. _watched.Where(each => IsStuck(each, now)).Select(each => each.Beat.Name)];
    }

    private bool IsStuck(Watched each, long now)
    {
        var turn = each.Beat.Turn;
        if (turn % 2 == 1 && turn == each.SeenTurn) return time.GetElapsedTime(each.SeenAt, now) > Patience;
        (each.SeenTurn, each.SeenAt) = (turn, now);
        if (turn % 2 == 1 || each.Post is null) return false;
        each.Beat.Works();
        each.SeenTurn = each.Beat.Turn;
        each.Post(each.Beat.Waits);
        return false;
    }

    private sealed class Watched
    {
        public required LoopBeat Beat { get; init; }

        public Action<Action>? Post { get; init; }

        public long SeenTurn { get; set; }

        public long SeenAt { get; set; }
    }
}
