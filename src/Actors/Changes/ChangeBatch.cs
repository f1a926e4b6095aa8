using MeshDns.Actors.Log;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Messages;

namespace MeshDns.Actors.Changes;

/// <summary>
/// What is written together: all changes that wait, decided one by one on the state that those before them leave; a refused one leaves no trace in the others. Bulk, and what was in an append that
/// failed, goes alone.
/// </summary>
internal sealed class ChangeBatch(MeshFold fold, ChangeDecision decision)
{
    private const int MostChanges = 256;
    private const int MostDocuments = 2048;

    /// <summary>Takes what waits, decides it, and begins the append; replies that write nothing wait for a look.</summary>
    public void WriteChanges(ChangeLogTurn turn)
    {
        turn.DropImpatient();
        if (turn.State.Waiting.Count == 0) return;
        var at = Stamp(turn);
        var before = turn.State;
        var draft = new Draft(before.Mesh);
        var taken = Take(turn, draft, at);
        turn.Change(s => s with { Waiting = s.Waiting.RemoveRange(0, taken) });
        var quiet = draft.Quiet;
        if (draft.Facts.Count == 0 && draft.Keys.Count == 0)
        {
            // Tables that were made for the decision are kept: the next one may need them too.
            turn.Change(s => s with { Mesh = draft.Mesh, Unconfirmed = s.Unconfirmed.AddRange(quiet.Select(q => (q.Id, q.Reply))) });
            return;
        }
        // Quiet replies go with the append: what it follows on is what they were decided on.
        var transaction = new TransactionDraft(at, string.Join(' ', draft.Sources), draft.Facts, draft.Keys);
        if (turn.TryAppend(fold, transaction, draft.Mesh, [.. draft.Loud, .. quiet])) return;
        // A fact is larger than a row may be. Whose it is shows when each goes alone, and nothing of this turn is to show in what they then get.
        if (taken > 1) turn.Change(_ => before with { Waiting = [.. before.Waiting.Select((w, i) => i < taken ? w with { MustGoAlone = true } : w)] });
        else RefuseTooLarge(turn, before.Waiting[0]);
    }

    /// <summary>Writes what nodes note, and by how much the clocks have parted.</summary>
    public void WriteNotes(ChangeLogTurn turn)
    {
        var at = Stamp(turn);
        var (state, facts) = (turn.State.Mesh, new List<MeshEvent>());
        var replies = new List<(long, string, ChangeReply)>();
        if (turn.State.ClockStepMs > 0) Add(new ClockSetBack(turn.State.ClockStepMs) { At = at });
        foreach (var note in turn.State.Notes)
        {
            try
            {
                Add(At(note.Fact, at));
                replies.Add((note.Id, "", new ChangeReply { Outcome = ChangeOutcome.Applied }));
            }
            catch (InvalidOperationException e) { replies.Add((note.Id, "", ChangeReply.Refused(RefusalReason.Invalid, e.Message))); }
        }
        turn.Change(s => s with { ClockStepMs = 0, Notes = [] });
        if (facts.Count == 0) turn.Change(s => s with { Unconfirmed = s.Unconfirmed.AddRange(replies.Select(r => (r.Item1, r.Item3))) });
        else if (!turn.TryAppend(fold, new TransactionDraft(at, turn.State.Start.Node, facts, []), state, replies)) turn.End("what nodes note does not fit a row");

        void Add(MeshEvent fact)
        {
            state = fold.Fold(state, [fact]);
            facts.Add(fact);
        }
    }

    /// <summary>Writes that a past is lost: before anything else is granted.</summary>
    public void WriteLoss(ChangeLogTurn turn)
    {
        var at = Stamp(turn);
        var lost = turn.State.Lost!;
        turn.Change(s => s with { Lost = null });
        turn.Alarm("the log no longer has what a reader had read: every free VIP rests for a full quarantine");
        var facts = LostPast.Facts(turn.State.Mesh.Ledger, lost, at);
        if (!turn.TryAppend(fold, new TransactionDraft(at, turn.State.Start.Node, facts, []), fold.Fold(turn.State.Mesh, facts), [])) turn.End("what is known of a lost past does not fit a row");
    }

    private static long Stamp(ChangeLogTurn turn) => Math.Max(turn.State.Clock!.Value.Now(turn.Now), turn.State.Mesh.At);

    private int Take(ChangeLogTurn turn, Draft draft, long at)
    {
        var (taken, documents) = (0, 0);
        foreach (var waiting in turn.State.Waiting)
        {
            var isAlone = waiting.IsBulk || waiting.MustGoAlone || turn.State.Poison.GoesAlone(waiting.Mark);
            documents += waiting.Size;
            if (taken > 0 && (isAlone || taken >= MostChanges || documents > MostDocuments || draft.ReplyBytes > ChangeLogTurn.MostReplyBytes)) break;
            Decide(turn, draft, waiting, at);
            taken++;
            if (isAlone) break;
        }
        return taken;
    }

    private void Decide(ChangeLogTurn turn, Draft draft, WaitingChange waiting, long at)
    {
        var (id, key) = (waiting.Input.Id, waiting.Input.Key);
        if (Known(turn, draft, key) is { } known)
        {
            draft.Quiet.Add((id, waiting.Mark, known));
            return;
        }
        if (turn.State.Poison.IsPoisonous(waiting.Mark))
        {
            turn.Alarm($"a change of {waiting.Request.Source} is refused: it was alone in an append that failed, twice");
            Refuse(turn, draft, waiting, ChangeReply.Refused(RefusalReason.Unwritable, "its append failed twice, with nothing else in it; see the log of the allocator's node"));
            return;
        }
        DecidedChange decided;
        try { decided = decision.Decide(draft.Mesh, waiting.Request, at); }
        catch (BrokenLogException e)
        {
            // Of a table that rested until now: the others of the batch, and the incarnation, go on.
            turn.Alarm($"a change of {waiting.Request.Source} is refused, since {e.Message}; see './meshdns verify'");
            turn.Unavailable(id, e.Message);
            return;
        }
        draft.Mesh = decided.After;
        if (decided.Reply.Outcome == ChangeOutcome.Refused) Refuse(turn, draft, waiting, decided.Reply);
        // A caller's key is remembered also where nothing changed: done again later, the change could undo what came in between.
        else if (decided.Facts.Count == 0 && ReplyMemory.IsNodes(key.Key)) draft.Quiet.Add((id, waiting.Mark, decided.Reply));
        else draft.Add(waiting, decided);
    }

    // What was said before under this key, in the log, in this batch, or by a refusal of this term.
    private static ChangeReply? Known(ChangeLogTurn turn, Draft draft, SubmittedKey key)
    {
        var remembered = draft.Mesh.FindReply(key.Key) ?? draft.Keys.Find(k => k.Key == key.Key);
        if (remembered is not null)
            return remembered.Digest == key.Digest ? PackedReply.Read(remembered.Reply) with { IsReplayed = true } : ChangeReply.Refused(RefusalReason.KeyReused, "this Idempotency-Key was used with another request within the last 24 hours");
        if (turn.State.Refusals.Find(key.Key, key.Digest) is { } refused) return refused;
        if (key.IsRetry && draft.Mesh.MemoryOf(key.Key).ForgottenAt > key.SentAt)
            return new ChangeReply { Outcome = ChangeOutcome.Unknown, Detail = "an earlier allocator may have carried it out, and too much was written since to tell" };
        return null;
    }

    private static void Refuse(ChangeLogTurn turn, Draft draft, WaitingChange waiting, ChangeReply reply)
    {
        turn.Change(s => s with { Refusals = s.Refusals.With(waiting.Input.Key.Key, waiting.Input.Key.Digest, reply) });
        draft.Quiet.Add((waiting.Input.Id, waiting.Mark, reply));
    }

    private static void RefuseTooLarge(ChangeLogTurn turn, WaitingChange change)
    {
        var reply = ChangeReply.Refused(RefusalReason.TooLarge, $"a document of the change does not fit a row of the log ({LogRow.MaxBytes / 1024} kB, compressed)");
        var key = change.Input.Key;
        turn.Change(s => s with { Refusals = s.Refusals.With(key.Key, key.Digest, reply), Unconfirmed = s.Unconfirmed.Add((change.Input.Id, reply)) });
    }

    private static MeshEvent At(MeshEvent fact, long at) => fact switch
    {
        LogFact own => own with { At = at },
        VipEvent vip => vip with { At = at },
        _ => throw new InvalidOperationException($"nodes do not note a {fact.GetType().Name}"),
    };

    /// <summary>A batch while it is decided.</summary>
    private sealed class Draft(MeshState mesh)
    {
        public MeshState Mesh { get; set; } = mesh;

        public List<MeshEvent> Facts { get; } = [];

        public List<RememberedKey> Keys { get; } = [];

        public SortedSet<string> Sources { get; } = new(StringComparer.Ordinal);

        public int ReplyBytes { get; private set; }

        public List<(long Id, string Mark, ChangeReply Reply)> Loud { get; } = [];

        public List<(long Id, string Mark, ChangeReply Reply)> Quiet { get; } = [];

        public void Add(WaitingChange waiting, DecidedChange decided)
        {
            var packed = PackedReply.Of(decided.Reply);
            Facts.AddRange(decided.Facts);
            Keys.Add(new RememberedKey(waiting.Input.Key.Key, waiting.Input.Key.Digest, packed));
            if (packed.Length <= TransactionWriter.MaxInlineReply) ReplyBytes += packed.Length;
            Sources.Add(waiting.Request.Source);
            Loud.Add((waiting.Input.Id, waiting.Mark, decided.Reply));
        }
    }
}
