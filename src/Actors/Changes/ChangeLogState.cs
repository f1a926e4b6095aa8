using System.Collections.Immutable;
using MeshDns.Actors.Log;
using MeshDns.Contracts.Messages;

namespace MeshDns.Actors.Changes;

/// <summary>How a new incarnation begins.</summary>
internal sealed record ChangeLogStart
{
    /// <summary>What replay gave.</summary>
    public required MeshState Recovered { get; init; }

    /// <summary>The incarnation's own term.</summary>
    public required string Term { get; init; }

    /// <summary>The node that it runs on.</summary>
    public required string Node { get; init; }

    /// <summary>What an empty log is founded with.</summary>
    public required Founding Founding { get; init; }

    /// <summary>What earlier incarnations in this process remember.</summary>
    public PoisonMemory Poison { get; init; } = PoisonMemory.Empty;

    /// <summary>Leases that a reader knew of a past that the log no longer has; null when none is known to be lost.</summary>
    public PastLost? Lost { get; init; }
}

/// <summary>What an empty log begins with; a log that is there keeps its own.</summary>
/// <param name="ClusterId">Drawn when the tables were made.</param>
/// <param name="Settings">What all nodes share.</param>
/// <param name="IsAlone">True of a node alone on its file, whose settings hold at each start; a cluster's are facts of the log.</param>
internal sealed record Founding(string ClusterId, SharedSettings Settings, bool IsAlone = false);

/// <summary>Where an incarnation stands.</summary>
internal enum TermPhase
{
    /// <summary>It looks at the log's end and at its clock.</summary>
    Looking,

    /// <summary>Its start is being written; it answers nothing.</summary>
    Starting,

    /// <summary>It serves.</summary>
    Serving,

    /// <summary>It is over.</summary>
    Over,
}

/// <summary>Everything that the writer of the log knows. Immutable.</summary>
internal sealed record ChangeLogState
{
    /// <summary>How it began.</summary>
    public required ChangeLogStart Start { get; init; }

    /// <summary>What is durable.</summary>
    public required MeshState Mesh { get; init; }

    public TermPhase Phase { get; init; }

    /// <summary>The journal's clock at the last look; null before the first.</summary>
    public LogClock? Clock { get; init; }

    /// <summary>By how much quarantines are to be lengthened with the next transaction: the clocks have parted.</summary>
    public long ClockStepMs { get; init; }

    /// <summary>Changes that wait, in the order in which they came.</summary>
    public ImmutableList<WaitingChange> Waiting { get; init; } = [];

    public ImmutableQueue<Noted> Notes { get; init; } = [];

    /// <summary>What readers know of a past that is gone, all of them together, until it is written; null for nothing.</summary>
    public PastLost? Lost { get; init; }

    /// <summary>The append under way.</summary>
    public AppendUnderWay? UnderWay { get; init; }

    /// <summary>Replies that wrote nothing and wait for a look that begins after them.</summary>
    public ImmutableList<(long Id, ChangeReply Reply)> Unconfirmed { get; init; } = [];

    /// <summary>The look under way.</summary>
    public LookUnderWay? Looking { get; init; }

    /// <summary>True after a look that failed, until some time has passed.</summary>
    public bool LookIsDeferred { get; init; }

    /// <summary>Refusals of this term.</summary>
    public RefusalMemory Refusals { get; init; } = RefusalMemory.Empty;

    public PoisonMemory Poison { get; init; } = PoisonMemory.Empty;

    /// <summary>Dry runs that are being decided, and those that wait.</summary>
    public int ApartRunning { get; init; }

    public ImmutableQueue<WaitingChange> ApartWaiting { get; init; } = [];

    /// <summary>The tables at the last sweep, and when it was.</summary>
    public BucketTables? Swept { get; init; }

    public Moment SweptAt { get; init; }

    public long LastId { get; init; }

    /// <summary>True when it is to end after the append under way.</summary>
    public bool IsStopping { get; init; }
}

/// <summary>An append and what hangs on it.</summary>
/// <param name="Id">Which.</param>
/// <param name="After">The state once it is durable.</param>
/// <param name="Written">The rows.</param>
/// <param name="Replies">What is answered then, with the marks of the changes.</param>
internal sealed record AppendUnderWay(long Id, MeshState After, WrittenTransaction Written, IReadOnlyList<(long Id, string Mark, ChangeReply Reply)> Replies);

/// <summary>A look and the replies that wait for it.</summary>
internal sealed record LookUnderWay(long Id, Moment AskedAt, long From, ImmutableList<(long Id, ChangeReply Reply)> Confirms);

/// <summary>One turn of the writer: the state as it becomes, and what is wanted meanwhile.</summary>
internal sealed class ChangeLogTurn(ChangeLogState state, Moment now)
{
    // How many packed bytes of replies a closing row takes: many small ones together must not make it too large.
    public const int MostReplyBytes = 120 * 1024;

    private readonly List<ChangeLogOutput> _outputs = [];

    public ChangeLogState State { get; private set; } = state;

    public Moment Now => now;

    /// <summary>True when something waits to be written.</summary>
    public bool HasWork => State.ClockStepMs > 0 || State.Lost is not null || !State.Notes.IsEmpty || State.Waiting.Count > 0;

    /// <summary>True when a look would bring something on: a stamp for what waits, or a confirmation.</summary>
    public bool NeedsLook => State.Unconfirmed.Count > 0 || ((State.Clock?.IsFresh(now) != true) && State.UnderWay is null && (HasWork || !State.ApartWaiting.IsEmpty));

    public static IReadOnlyDictionary<string, long> PositionOf(MeshState mesh) => new Dictionary<string, long> { [LogRow.MeshTag] = mesh.Position.Number };

    public (ChangeLogState, IReadOnlyList<ChangeLogOutput>) Done() => (State, _outputs);

    public void Change(Func<ChangeLogState, ChangeLogState> change) => State = change(State);

    public void Answer(long id, ChangeLogAnswer reply) => _outputs.Add(new Answer(id, reply));

    public void Unavailable(long id, string why) => Answer(id, new Final(new ChangeReply { Outcome = ChangeOutcome.Unavailable, Detail = why }));

    public void Alarm(string text) => _outputs.Add(new RaiseAlarm(text));

    /// <summary>The journal's clock was read. One read that took long says when it was asked and not when it was answered: it can't be held against the last one.</summary>
    public void See(LogClock clock)
    {
        if (!clock.IsFresh(now) || (State.Clock is { } last && clock.AskedAt.MonotonicMs < last.AskedAt.MonotonicMs)) return;
        if (State.Clock is { } earlier && clock.StepSince(earlier) is > 0 and var step)
        {
            Alarm($"the journal's clock and this node's have parted by {step} ms; every quarantine that runs is lengthened by it");
            State = State with { ClockStepMs = State.ClockStepMs + step };
        }
        State = State with { Clock = clock };
    }

    /// <summary>Asks for a look; the replies that wait go with it.</summary>
    public void Look()
    {
        var id = State.LastId + 1;
        State = State with { LastId = id, Looking = new LookUnderWay(id, now, State.Mesh.Position.Number, State.Unconfirmed), Unconfirmed = [] };
        _outputs.Add(new Look(id));
    }

    public void DecideApart(LogClock clock)
    {
        var rest = State.ApartWaiting.Dequeue(out var dry);
        State = State with { ApartWaiting = rest, ApartRunning = State.ApartRunning + 1 };
        _outputs.Add(new DecideApart(dry.Input.Id, State.Mesh, dry.Request, Math.Max(clock.Now(now), State.Mesh.At)));
    }

    /// <summary>Begins an append; false when a fact does not fit a row, and nothing is begun.</summary>
    public bool TryAppend(MeshFold fold, TransactionDraft draft, MeshState decided, IReadOnlyList<(long Id, string Mark, ChangeReply Reply)> replies)
    {
        var before = State.Mesh;
        if (new TransactionWriter(fold.Buckets).Write(draft, before.Position, State.Start.Term, bucket => before.LastOf[bucket]) is not { } written) return false;
        var id = State.LastId + 1;
        State = State with { LastId = id, UnderWay = new AppendUnderWay(id, MeshFold.Remember(decided, written.Whole), written, replies) };
        _outputs.Add(new Append(id, written.Rows));
        return true;
    }

    /// <summary>The append is durable: reply, and tell readers.</summary>
    public void Adopt()
    {
        var under = State.UnderWay!;
        var position = PositionOf(under.After);
        State = State with
        {
            UnderWay = null,
            Mesh = under.After,
            Phase = TermPhase.Serving,
            Poison = under.Replies.Aggregate(State.Phase == TermPhase.Starting ? State.Poison.Started() : State.Poison, (poison, reply) => poison.Cleared(reply.Mark)),
        };
        foreach (var (id, _, reply) in under.Replies) Answer(id, new Final(reply with { Position = position }));
        _outputs.Add(new TellReaders(under.After.Position, under.Written.Rows));
        if (State.IsStopping) End("it was told to stop");
    }

    public void FailAppend(bool isCollision)
    {
        var under = State.UnderWay!;
        if (State.Phase == TermPhase.Starting) State = State with { Poison = State.Poison.Outage() };
        else if (!isCollision) State = State with { Poison = State.Poison.Failed([.. under.Replies.Select(r => r.Mark).Where(m => m.Length > 0).Distinct()]) };
        End(isCollision ? "another incarnation has written" : "an append failed, and only replay can tell whether it is there");
    }

    /// <summary>Ends the incarnation: whoever waits is told to ask the next one.</summary>
    public void End(string why)
    {
        foreach (var (id, _, _) in State.UnderWay?.Replies ?? []) Answer(id, new TermOver(MayBeDone: true));
        foreach (var waiting in State.Waiting.Concat(State.ApartWaiting)) Answer(waiting.Input.Id, new TermOver(MayBeDone: false));
        foreach (var (id, _) in State.Unconfirmed.Concat(State.Looking?.Confirms ?? [])) Answer(id, new TermOver(MayBeDone: false));
        foreach (var note in State.Notes) Answer(note.Id, new TermOver(MayBeDone: false));
        State = State with { Phase = TermPhase.Over, UnderWay = null, Looking = null, Waiting = [], ApartWaiting = [], Unconfirmed = [], Notes = [], Lost = null };
        _outputs.Add(new EndTerm(State.Poison, why));
    }

    /// <summary>Whoever has waited long enough is told that nothing happened.</summary>
    public void DropImpatient()
    {
        foreach (var waiting in State.Waiting.Where(w => !w.IsPatient(now)).ToArray())
        {
            State = State with { Waiting = State.Waiting.Remove(waiting) };
            Unavailable(waiting.Input.Id, "the deadline passed before anything was written");
        }
        var patient = State.ApartWaiting.Where(w => w.IsPatient(now)).ToArray();
        foreach (var waiting in State.ApartWaiting.Except(patient)) Unavailable(waiting.Input.Id, "the deadline passed before it was decided");
        State = State with { ApartWaiting = [.. patient] };
    }
}
