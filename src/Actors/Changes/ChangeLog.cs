using MeshDns.Actors.Log;

namespace MeshDns.Actors.Changes;

/// <summary>
/// The one writer of the log, as a state machine: requests, batches, appends, keys, refusals and failures go in, appends, looks and replies come out. No clock, no I/O, no randomness. An
/// incarnation answers nothing before its start row is durable, replies to what it wrote only after the append, and to what wrote nothing only after a look has shown that
/// it is still the newest (design.md, "A change").
/// </summary>
internal sealed class ChangeLog(MeshFold fold, ChangeDecision decision)
{
    /// <summary>More changes than this do not wait; the next is told so at once.</summary>
    public const int MostWaiting = 4096;

    /// <summary>More facts of nodes than this do not wait.</summary>
    public const int MostNotes = 64;

    private const int MostApart = 2;
    private const int MostApartWaiting = 64;
    private const long SweepEveryMs = 120_000;

    private readonly ChangeBatch _batch = new(fold, decision);

    /// <summary>A new incarnation.</summary>
    public static (ChangeLogState State, IReadOnlyList<ChangeLogOutput> Outputs) Begin(ChangeLogStart start, Moment now)
    {
        var turn = new ChangeLogTurn(new ChangeLogState { Start = start, Mesh = start.Recovered, Poison = start.Poison, SweptAt = now }, now);
        turn.Look();
        return turn.Done();
    }

    /// <summary>What an input leads to.</summary>
    public (ChangeLogState State, IReadOnlyList<ChangeLogOutput> Outputs) Handle(ChangeLogState state, ChangeLogInput input, Moment now)
    {
        var turn = new ChangeLogTurn(state, now);
        if (state.Phase == TermPhase.Over)
        {
            if (input is Submitted late) turn.Answer(late.Id, new NotMe(state.Start.Term));
            return turn.Done();
        }
        Take(turn, input);
        if (turn.State.Phase == TermPhase.Serving) Go(turn);
        return turn.Done();
    }

    private void Take(ChangeLogTurn turn, ChangeLogInput input)
    {
        switch (input)
        {
            case Submitted submitted: Submit(turn, submitted); break;
            case DecidedApart decided: turn.Change(s => s with { ApartRunning = s.ApartRunning - 1, Unconfirmed = s.Unconfirmed.Add((decided.Id, decided.Reply)) }); break;
            case Appended appended when turn.State.UnderWay?.Id == appended.Append: turn.Adopt(); break;
            case AppendFailed failed when turn.State.UnderWay?.Id == failed.Append: turn.FailAppend(failed.IsCollision); break;
            case LookedAtEnd looked when turn.State.Looking?.Id == looked.Look: Looked(turn, looked); break;
            case ClockRead read: turn.See(new LogClock(read.DatabaseMs, read.AskedAt)); break;
            case LookFailed failed when turn.State.Looking?.Id == failed.Look: LookHasFailed(turn, failed); break;
            case PastLost lost: turn.Change(s => s with { Lost = lost.With(s.Lost) }); break;
            case Noted noted: Note(turn, noted); break;
            case Ticked: Tick(turn); break;
            case Stopping: Stop(turn); break;
            default: break; // Something late, of what is over.
        }
    }

    private static void Submit(ChangeLogTurn turn, Submitted submitted)
    {
        var state = turn.State;
        if (submitted.Meant != state.Start.Term || state.Phase != TermPhase.Serving || state.IsStopping) turn.Answer(submitted.Id, new NotMe(state.Start.Term));
        else if (submitted.Request.DryRun)
        {
            if (state.ApartWaiting.Count() >= MostApartWaiting) turn.Unavailable(submitted.Id, "too many dry runs are waiting");
            else turn.Change(s => s with { ApartWaiting = s.ApartWaiting.Enqueue(new WaitingChange(submitted, turn.Now)) });
        }
        else if (state.Waiting.Count + state.Unconfirmed.Count >= MostWaiting) turn.Unavailable(submitted.Id, "too many changes are waiting");
        else turn.Change(s => s with { Waiting = s.Waiting.Add(new WaitingChange(submitted, turn.Now)) });
    }

    private static void Note(ChangeLogTurn turn, Noted noted)
    {
        if (turn.State.Notes.Count() >= MostNotes) turn.Unavailable(noted.Id, "too many facts of nodes are waiting");
        else turn.Change(s => s with { Notes = s.Notes.Enqueue(noted) });
    }

    private void Looked(ChangeLogTurn turn, LookedAtEnd looked)
    {
        var under = turn.State.Looking!;
        var clock = new LogClock(looked.DatabaseMs, under.AskedAt);
        turn.See(clock);
        if (turn.State.Phase == TermPhase.Looking)
        {
            turn.Change(s => s with { Looking = null });
            BeginTerm(turn, looked.End, clock);
        }
        // What was appended since it was asked it need not have seen.
        else if (looked.End.Term != turn.State.Start.Term || looked.End.Number < under.From)
            turn.End($"the log ends at {looked.End}: this incarnation, at {turn.State.Mesh.Position}, was superseded, or its past is gone");
        else
        {
            turn.Change(s => s with { Looking = null });
            foreach (var (id, reply) in under.Confirms) turn.Answer(id, new Final(reply with { Position = ChangeLogTurn.PositionOf(turn.State.Mesh) }));
        }
    }

    // The first look: recovery must have ended at the log's end, and a stamp must be of now.
    private void BeginTerm(ChangeLogTurn turn, LogPosition end, LogClock clock)
    {
        if (end != turn.State.Mesh.Position) turn.End($"the log ends at {end}, but recovery ended at {turn.State.Mesh.Position}");
        else if (!clock.IsFresh(turn.Now)) turn.Look();
        else if (StartOfTerm.Facts(turn.State.Start, clock.Now(turn.Now)) is var facts && !turn.TryAppend(fold, new TransactionDraft(Math.Max(clock.Now(turn.Now), turn.State.Mesh.At), turn.State.Start.Node, facts, []), fold.Fold(turn.State.Mesh, facts), []))
            turn.End("its start does not fit a row");
        else turn.Change(s => s with { Phase = TermPhase.Starting });
    }

    private static void LookHasFailed(ChangeLogTurn turn, LookFailed failed)
    {
        var confirms = turn.State.Looking!.Confirms;
        turn.Change(s => s with { Looking = null, LookIsDeferred = true });
        if (turn.State.Phase == TermPhase.Looking)
        {
            turn.Change(s => s with { Poison = s.Poison.Outage() });
            turn.End("the log's end cannot be read: " + failed.Why);
        }
        foreach (var (id, _) in confirms) turn.Unavailable(id, "the journal cannot be read, so that nobody can tell whether what is known here is the newest: " + failed.Why);
    }

    private static void Tick(ChangeLogTurn turn)
    {
        turn.DropImpatient();
        turn.Change(s => s with { LookIsDeferred = false });
        var state = turn.State;
        if (turn.Now.Since(state.SweptAt) < SweepEveryMs || state.UnderWay is not null) return;
        var tables = state.Swept is { } earlier ? state.Mesh.Tables.Rested(earlier) : state.Mesh.Tables;
        turn.Change(s => s with { Mesh = s.Mesh with { Tables = tables }, Swept = tables, SweptAt = turn.Now });
    }

    private static void Stop(ChangeLogTurn turn)
    {
        turn.Change(s => s with { IsStopping = true });
        if (turn.State.UnderWay is null) turn.End("it was told to stop");
    }

    // What can be done now, in order: a lost past before anything is granted, then what nodes note, then changes.
    private void Go(ChangeLogTurn turn)
    {
        while (turn.State.ApartRunning < MostApart && !turn.State.ApartWaiting.IsEmpty && turn.State.Clock is { } clock) turn.DecideApart(clock);
        while (turn.State is { Phase: TermPhase.Serving, UnderWay: null, IsStopping: false } && turn.HasWork)
        {
            if (turn.State.Clock?.IsFresh(turn.Now) != true) break;
            if (turn.State.Lost is not null) _batch.WriteLoss(turn);
            else if (turn.State.ClockStepMs > 0 || !turn.State.Notes.IsEmpty) _batch.WriteNotes(turn);
            else _batch.WriteChanges(turn);
        }
        if (turn.State.Phase == TermPhase.Serving && turn.State is { Looking: null, LookIsDeferred: false } && turn.NeedsLook) turn.Look();
    }
}
