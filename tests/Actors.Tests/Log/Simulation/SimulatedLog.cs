using MeshDns.Actors.Log;

namespace MeshDns.Actors.Tests.Log.Simulation;

/// <summary>How a node reaches the database.</summary>
internal enum LinkState
{
    Well,
    Cut,

    /// <summary>What it says arrives, and it hears no reply.</summary>
    Deaf,
    Slow,
}

/// <summary>
/// The journal with the contract that was measured of Akka.Persistence.Sql on PostgreSQL: INSERT and COMMIT are two round trips, a client between them holds the next number for three seconds at most, an answer may be lost or late,
/// and a call that its client gave up may still arrive.
/// </summary>
internal sealed class SimulatedLog
{
    public const long AppendTimeoutMs = 4000;
    private const long LookTimeoutMs = 1200;
    private const long ReadTimeoutMs = 1200;
    private const long IdleInTransactionMs = 3000;
    private const long LockTimeoutMs = 3000;

    private readonly LogWorld _world;
    private readonly Random _random;
    private readonly Dictionary<string, LinkState> _links = [];
    private readonly HashSet<string> _atOld = [];
    private LogDatabase? _old;

    public SimulatedLog(LogWorld world, ChainCheck chain)
    {
        _world = world;
        _random = new Random(world.Random.Next());
        Primary = new LogDatabase(world.Agenda, chain);
    }

    public LogDatabase Primary { get; private set; }

    public bool IsDown { get; private set; }

    /// <summary>How often a past was lost.</summary>
    public int Losses { get; private set; }

    public bool HasOldPrimary => _old is not null;

    /// <summary>Raised after each commit that clients of the primary can see.</summary>
    public event Action? Committed;

    public LinkState LinkOf(string name) => _links.GetValueOrDefault(name);

    public void SetLink(string name, LinkState state) => _links[name] = state;

    public void Heal()
    {
        _links.Clear();
        IsDown = false;
        EndOld();
    }

    public void GoDown()
    {
        IsDown = true;
        Drop(Primary);
    }

    public void ComeUp() => IsDown = false;

    /// <summary>A standby that lagged is promoted: what came after the copy is gone.</summary>
    public void Promote(LogDatabase copy)
    {
        Drop(Primary);
        copy.ClockOffsetMs = Primary.ClockOffsetMs;
        Primary = copy;
        Losses++;
    }

    /// <summary>The primary and some nodes are cut off together; the standby, which had everything that was confirmed, takes its place for all others.</summary>
    public void CutOff(IEnumerable<string> nodes)
    {
        _old = Primary;
        Primary = _old.Copy();
        // What waited for the standby may have got there.
        if (_old.Open is { } open && _random.Next(2) == 0 && Primary.Takes(open.Rows)) Primary.Add(open.Rows);
        Drop(_old);
        _old.IsCutOff = true;
        _atOld.UnionWith(nodes);
    }

    /// <summary>A standby that nothing waits for is promoted while some nodes still reach the old primary: there are two pasts, until those nodes change over.</summary>
    public void Fork(IEnumerable<string> nodes)
    {
        CutOff(nodes);
        _old!.IsCutOff = false;
    }

    /// <summary>True when both have as many rows.</summary>
    public bool AreEqual => _old is { } old && old.End.Number == Primary.End.Number;

    public void EndOld()
    {
        if (_old is { } old)
        {
            Drop(old);
            if (!old.IsCutOff) Losses++;
        }
        _old = null;
        _atOld.Clear();
    }

    /// <summary>A process has died: the server learns it by its sockets, or not at all when its machine went with it.</summary>
    public void Abandon(LogProcess process)
    {
        if (_random.Next(2) == 0) return;
        foreach (var database in Databases) if (database.Open?.Process == process) Release(database);
    }

    public void Look(LogProcess from, Action<(LogPosition End, long DatabaseMs)?> done) =>
        Call<(LogPosition, long)?>(from, LookTimeoutMs, database => database.IsCutOff ? null : (database.End, database.ClockMs), done);

    /// <summary>Rows after a place.</summary>
    /// <param name="from">Who reads.</param>
    /// <param name="after">The place.</param>
    /// <param name="most">So many at most.</param>
    /// <param name="isConfirmed">True: in one transaction with a look, so that all of it is where a standby has it.</param>
    /// <param name="done">Gets what was read; null when it failed.</param>
    public void Read(LogProcess from, LogPosition after, int most, bool isConfirmed, Action<LogRead?> done) =>
        Call(from, ReadTimeoutMs, database => isConfirmed && database.IsCutOff ? null : database.Read(after, most, _world.Bug == LogBug.PositionWithoutTerm), done);

    /// <summary>Anything that one statement may ask.</summary>
    public void Query<T>(LogProcess from, Func<LogDatabase, T?> statement, Action<T?> done) where T : class => Call(from, ReadTimeoutMs, statement, done);

    public void Append(LogProcess from, IReadOnlyList<LogRow> rows, Action<AppendEnd> done)
    {
        var append = new LogAppend(from, rows, done);
        from.After(AppendTimeoutMs, () =>
        {
            append.IsCancelled |= _random.Next(2) == 0;
            append.Settle(AppendEnd.InDoubt);
        });
        // Queued in its client, or on its way: it outlives its client's patience, and in the second case its client.
        var delay = _world.IsCalm || _random.Next(150) != 0 ? Latency(from.Name) : _random.Next(8000);
        if (_random.Next(2) == 0) from.After(delay, () => Arrive(append));
        else _world.Agenda.After(delay, () => Arrive(append));
    }

    private IEnumerable<LogDatabase> Databases => _old is { } old ? [Primary, old] : [Primary];

    private LogDatabase DatabaseOf(string name) => _old is { } old && _atOld.Contains(name) ? old : Primary;

    private bool IsCut(string name) => IsDown || LinkOf(name) == LinkState.Cut;

    private long Latency(string name) => LinkOf(name) == LinkState.Slow ? _random.Next(800) : _random.Next(3) == 0 ? _random.Next(8) : 1;

    private void Call<T>(LogProcess from, long timeoutMs, Func<LogDatabase, T?> server, Action<T?> done)
    {
        var isSettled = false;
        from.After(timeoutMs, () => Settle(default));
        // A server that is not there refuses at once, one that cannot be reached says nothing.
        if (IsDown && _random.Next(2) == 0) from.After(2, () => Settle(default));
        _world.Agenda.After(Latency(from.Name), () =>
        {
            if (IsCut(from.Name) || IsLost()) return;
            var answer = server(DatabaseOf(from.Name));
            if (answer is null) return;
            Back(from, () => Settle(answer));
        });

        void Settle(T? answer)
        {
            if (isSettled) return;
            isSettled = true;
            done(answer);
        }
    }

    private bool IsLost() => !_world.IsCalm && _random.Next(400) == 0;

    private void Back(LogProcess to, Action arrive)
    {
        if (LinkOf(to.Name) == LinkState.Deaf || IsLost()) return;
        var delay = _world.IsCalm || _random.Next(300) != 0 ? Latency(to.Name) : _random.Next(8000);
        _world.Agenda.After(delay, () =>
        {
            if (IsCut(to.Name) || LinkOf(to.Name) == LinkState.Deaf) return;
            to.Run(arrive);
        });
    }

    private void Arrive(LogAppend append)
    {
        if (append.IsCancelled || IsCut(append.Process.Name) || IsLost()) return;
        Insert(DatabaseOf(append.Process.Name), append);
    }

    private void Insert(LogDatabase database, LogAppend append)
    {
        if (database.Open is not null)
        {
            var place = database.Waiting.AddLast(append);
            _world.Agenda.After(LockTimeoutMs, () =>
            {
                if (place.List is null) return;
                database.Waiting.Remove(place);
                Back(append.Process, () => append.Settle(AppendEnd.InDoubt));
            });
            return;
        }
        if (!database.Takes(append.Rows))
        {
            Back(append.Process, () => append.Settle(AppendEnd.Collision));
            return;
        }
        database.Open = append;
        _world.Agenda.After(IdleInTransactionMs, () => RollBack(database, append));
        // COMMIT is the client's: it hears that the INSERT was done and says so, unless it is held, dead, or gives up meanwhile.
        Back(append.Process, () =>
        {
            if (append.IsSettled) _world.Agenda.After(1, () => RollBack(database, append));
            else _world.Agenda.After(Latency(append.Process.Name), () => Commit(database, append));
        });
    }

    private void Commit(LogDatabase database, LogAppend append)
    {
        if (database.Open != append || IsCut(append.Process.Name)) return;
        if (database.IsCutOff)
        {
            append.IsCommitting = true;
            // It waits for a standby that never answers. Cancelled, the server calls it done, and it is there to be read.
            _world.Agenda.After(AppendTimeoutMs, () =>
            {
                if (database.Open != append) return;
                database.Add(append.Rows);
                Release(database);
            });
            return;
        }
        database.Add(append.Rows);
        Release(database);
        Back(append.Process, () => append.Settle(AppendEnd.Done));
        Committed?.Invoke();
    }

    private void RollBack(LogDatabase database, LogAppend append)
    {
        if (database.Open != append || append.IsCommitting) return;
        Release(database);
        Back(append.Process, () => append.Settle(AppendEnd.InDoubt));
    }

    private void Release(LogDatabase database)
    {
        database.Open = null;
        while (database.Open is null && database.Waiting.First is { } next)
        {
            database.Waiting.RemoveFirst();
            Insert(database, next.Value);
        }
    }

    private static void Drop(LogDatabase database)
    {
        database.Open = null;
        database.Waiting.Clear();
    }
}
