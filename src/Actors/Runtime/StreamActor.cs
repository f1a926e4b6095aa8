using MeshDns.Actors.Journal;
using MeshDns.Contracts.Events;

namespace MeshDns.Actors.Runtime;

/// <summary>
/// The generic persistent actor: hosts a pure core on one stream of the journal. Recovers by claim, snapshot and replay; then
/// decides batches, holds them until the coordinator's one transaction is durable, and takes them on. It never replies before that:
/// the coordinator replies, after the append.
/// </summary>
public sealed class StreamActor<TState, TCommand, TReply> : Actor<StreamActor<TState, TCommand, TReply>.Message>, IStreamOwner<TState, TCommand, TReply>
    where TState : class where TReply : class
{
    private const int MailboxSize = 1024;
    private const int MaxWaiting = 256;

    // A snapshot is written when at least this many events came since the last; see SnapshotIsDue.
    private const long SnapshotEvery = 2000;

    private static readonly TimeSpan _holdLimit = TimeSpan.FromSeconds(10);

    private readonly IStreamCore<TState, TCommand, TReply> _core;
    private readonly IJournal _journal;
    private readonly NodeIdentity _node;
    private readonly Func<TCommand, long, TCommand> _stamp;
    private readonly Func<TState, long, IReadOnlyList<MeshEvent>> _onClaim;
    private readonly Queue<Prepare> _waiting = new();
    private StreamView<TState>? _view;
    private StreamClaim? _claim;
    private bool _isOwner;
    private bool _isDamaged;
    private long _claimedAt;
    private long _snapshotSeq;
    private long _snapshotRows;
    private Held? _held;

    /// <summary>Makes the owner of a stream.</summary>
    /// <param name="system">What it runs on.</param>
    /// <param name="journal">Where its events live.</param>
    /// <param name="node">Who claims the stream.</param>
    /// <param name="stream">The stream.</param>
    /// <param name="core">The pure core.</param>
    /// <param name="stamp">Puts the journal's time into a command, for cores whose commands carry the owner's time.</param>
    /// <param name="onClaim">The facts to append first after a recovery, given the state and the journal's time.</param>
    public StreamActor(ActorSystem system, IJournal journal, NodeIdentity node, string stream, IStreamCore<TState, TCommand, TReply> core, Func<TCommand, long, TCommand> stamp, Func<TState, long, IReadOnlyList<MeshEvent>> onClaim)
        : base(system, stream, MailboxSize)
    {
        _journal = journal;
        _node = node;
        Stream = stream;
        _core = core;
        _stamp = stamp;
        _onClaim = onClaim;
    }

    /// <inheritdoc/>
    public string Stream { get; }

    /// <inheritdoc/>
    public StreamView<TState> View => Volatile.Read(ref _view) ?? throw new MeshUnavailableException($"{Stream} has not recovered yet");

    /// <summary>True when it has recovered and may decide.</summary>
    public bool IsReady => Volatile.Read(ref _view) is not null;

    /// <summary>Hands it a claim that its node made for many streams at once; it recovers with it.</summary>
    public bool Adopt(StreamClaim claim) => Tell(new Message(new Adopted(claim, System.Time.GetTimestamp())));

    /// <inheritdoc/>
    public Task<Prepared<TReply>> PrepareAsync(Guid batch, IReadOnlyList<ChangeCommand<TCommand>> commands, TimeSpan deadline, CancellationToken cancel) => Volatile.Read(ref _isDamaged)
        ? Task.FromException<Prepared<TReply>>(new MeshUnavailableException($"{Stream} cannot be replayed; see the log of its owner"))
        : Ask<Prepared<TReply>>(reply => new Message(new Prepare(batch, commands, System.Time.GetTimestamp(), deadline, reply)), deadline, cancel);

    /// <inheritdoc/>
    public Task CommitAsync(Guid batch, TimeSpan deadline) => Ask<bool>(reply => new Message(new Settle(batch, Settlement.Commit, reply)), deadline);

    /// <inheritdoc/>
    public void Release(Guid batch) => Tell(new Message(new Settle(batch, Settlement.Release, null)));

    /// <inheritdoc/>
    public void Recover(Guid batch) => Tell(new Message(new Settle(batch, Settlement.Recover, null)));

    /// <inheritdoc/>
    protected override async ValueTask ReceiveAsync(Message message)
    {
        switch (message.Content)
        {
            case Adopted adopted:
                _isOwner = true;
                await RecoverAsync(adopted.Claim, adopted.At);
                break;
            case Prepare prepare: await OnPrepareAsync(prepare); break;
            case Settle settle: await OnSettleAsync(settle); break;
        }
    }

    /// <inheritdoc/>
    protected override async ValueTask StartingAsync()
    {
        // After a replay that failed, and after a bug: the stream is still ours, and only a new replay says what is true.
        if (_isOwner && _view is null) await RecoverAsync(null, 0);
    }

    /// <inheritdoc/>
    protected override async ValueTask StoppedAsync()
    {
        if (_view is { } view && view.Fence.Seq > _snapshotSeq) await SaveSnapshotAsync(view);
    }

    private async Task RecoverAsync(StreamClaim? claim, long claimedAt)
    {
        // The epoch first, then the replay: an append in doubt can no longer commit behind the replay's back.
        EndHold();
        Volatile.Write(ref _view, null);
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                if (claim is null)
                {
                    claimedAt = System.Time.GetTimestamp();
                    var row = (await _journal.ReadOwnershipAsync(Stopping)).First(r => r.Stream == Stream);
                    var claims = await _journal.ClaimAsync(_node, [new StreamWish(Stream, row.Term, row.Epoch)], System.NextTerm(), Stopping);
                    claim = claims.Count == 1 ? claims[0] : throw new JournalUnavailableException($"{Stream} has another owner");
                }
                await ReplayAsync(claim, claimedAt);
                Volatile.Write(ref _isDamaged, false);
                return;
            }
            catch (Exception e) when (e is InvalidOperationException or FormatException)
            {
                Volatile.Write(ref _isDamaged, true);
                throw;
            }
            catch (Exception e) when (e is JournalUnavailableException or JournalInDoubtException)
            {
                System.Log(ActorLogLevel.Warning, Stream, "cannot recover yet: " + e.Message, null);
                claim = null;
                await Task.Delay(System.BackOff(attempt), System.Time, Stopping);
            }
        }
    }

    private async Task ReplayAsync(StreamClaim claim, long claimedAt)
    {
        var (history, state) = await ReadAsync();
        var seq = history.SnapshotSeq;
        foreach (var row in history.Rows)
        {
            if (row.Seq != ++seq) throw new InvalidOperationException($"{Stream} has a gap: {row.Seq} where {seq} was expected");
            state = _core.Apply(state, EventCodec.Decode(row.Kind, row.Payload));
        }
        if (seq != claim.Fence.Seq) throw new InvalidOperationException($"{Stream} ends at {seq}, but its ownership row says {claim.Fence.Seq}");
        _claim = claim;
        _claimedAt = claimedAt;
        _snapshotSeq = history.SnapshotSeq;
        _snapshotRows = history.SnapshotSeq == 0 ? 0 : history.Rows.Count;
        var fence = claim.Fence;
        if (_onClaim(state, Now) is { Count: > 0 } facts)
        {
            var result = await _journal.AppendAsync(new AppendRequest([new StreamAppend(fence, facts)], []), Stopping);
            if (result.Outcome != AppendOutcome.Committed) throw new JournalUnavailableException($"{Stream} could not write after its claim: {result.Outcome}");
            state = facts.Aggregate(state, _core.Apply);
            fence = fence with { Seq = fence.Seq + facts.Count };
        }
        Volatile.Write(ref _view, new StreamView<TState>(state, fence));
    }

    // A snapshot only shortens a replay: one that cannot be read is replaced by the events it stood for, and written anew at the next chance.
    private async Task<(StreamHistory History, TState State)> ReadAsync()
    {
        var history = await _journal.ReadAsync(Stream, fromStart: false, Stopping);
        try { return (history, history.Snapshot is { } snapshot ? _core.Restore(snapshot) : _core.Empty); }
        catch (FormatException e)
        {
            System.Log(ActorLogLevel.Alarm, Stream, "replays every event, because its snapshot cannot be read", e);
            return (await _journal.ReadAsync(Stream, fromStart: true, Stopping), _core.Empty);
        }
    }

    private long Now => _claim!.Now + (long)System.Time.GetElapsedTime(_claimedAt).TotalMilliseconds;

    private async Task OnPrepareAsync(Prepare prepare)
    {
        if (_held is { } held && held.Batch != prepare.Batch)
        {
            if (_waiting.Count >= MaxWaiting) prepare.Reply.TrySetException(new MeshUnavailableException($"{Stream} has too many changes waiting"));
            else _waiting.Enqueue(prepare);
            return;
        }
        if (_view is null)
        {
            if (_claim is null) { prepare.Reply.TrySetException(new MeshUnavailableException($"{Stream} has not recovered yet")); return; }
            await RecoverAsync(null, 0);
        }
        Decide(prepare);
    }

    private void Decide(Prepare prepare)
    {
        EndHold();
        var view = _view!;
        var state = view.State;
        var events = new List<MeshEvent>();
        var replies = new List<PreparedChange<TReply>>(prepare.Commands.Count);
        var refused = false;
        foreach (var (change, command) in prepare.Commands)
        {
            var decision = _core.Decide(state, _stamp(command, Now));
            refused |= decision.Refused is not null;
            state = decision.State;
            events.AddRange(decision.Events);
            replies.Add(new PreparedChange<TReply>(change, decision.Reply, decision.Events, decision.Refused));
        }
        // A batch with a refusal is prepared again without it; nothing is held for it.
        if (!refused) Hold(prepare.Batch, state, events.Count);
        prepare.Reply.TrySetResult(new Prepared<TReply>(refused ? null : new StreamAppend(view.Fence, events), replies));
        if (refused) NextWaiting();
    }

    private void Hold(Guid batch, TState state, int events)
    {
        // Again and again until it is heard: a mailbox that is full just then must not leave the stream held for ever.
        var timer = System.Time.CreateTimer(_ => Recover(batch), null, _holdLimit, _holdLimit);
        _held = new Held(batch, state, events, timer);
    }

    private void EndHold()
    {
        _held?.Timer.Dispose();
        _held = null;
    }

    private async Task OnSettleAsync(Settle settle)
    {
        if (_held is not { } held || held.Batch != settle.Batch)
        {
            // The hold ran out before: the replay that followed has the batch, or will.
            settle.Done?.TrySetResult(false);
            return;
        }
        EndHold();
        switch (settle.Settlement)
        {
            case Settlement.Commit:
                var view = _view!;
                var next = new StreamView<TState>(held.State, view.Fence with { Seq = view.Fence.Seq + held.Events });
                Volatile.Write(ref _view, next);
                settle.Done?.TrySetResult(true);
                if (SnapshotIsDue(next)) await SaveSnapshotAsync(next);
                break;
            case Settlement.Recover:
                System.Log(ActorLogLevel.Warning, Stream, "raises its epoch and replays: the outcome of a change is not known here", null);
                await RecoverAsync(null, 0);
                break;
        }
        NextWaiting();
    }

    // The next change that still has a caller; the rest of the queue waits for its own settlement.
    private void NextWaiting()
    {
        while (_held is null && _view is not null && _waiting.TryDequeue(out var prepare))
            if (System.Time.GetElapsedTime(prepare.AskedAt) < prepare.Deadline) Decide(prepare);
    }

    // Writing a snapshot costs as much as the state is large, so the next one is due after as many events as the replay would save.
    private bool SnapshotIsDue(StreamView<TState> view) => view.Fence.Seq - _snapshotSeq >= Math.Max(SnapshotEvery, _snapshotRows);

    private async Task SaveSnapshotAsync(StreamView<TState> view)
    {
        try
        {
            var payload = _core.Snapshot(view.State);
            if (!await _journal.SaveSnapshotAsync(view.Fence, payload, CancellationToken.None)) return;
            _snapshotSeq = view.Fence.Seq;
            // About one event for each 100 bytes of state.
            _snapshotRows = payload.Length / 100;
        }
        catch (Exception e) when (e is JournalUnavailableException or JournalInDoubtException)
        {
            // The journal has everything; a snapshot only shortens the replay.
            System.Log(ActorLogLevel.Warning, Stream, "could not save a snapshot: " + e.Message, null);
        }
    }

    /// <summary>What the actor is told.</summary>
    public readonly record struct Message
    {
        internal Message(object content) => Content = content;

        internal object Content { get; }
    }

    private enum Settlement
    {
        Commit,
        Release,
        Recover,
    }

    private sealed record Adopted(StreamClaim Claim, long At);

    private sealed record Prepare(Guid Batch, IReadOnlyList<ChangeCommand<TCommand>> Commands, long AskedAt, TimeSpan Deadline, TaskCompletionSource<Prepared<TReply>> Reply);

    private sealed record Settle(Guid Batch, Settlement Settlement, TaskCompletionSource<bool>? Done);

    private sealed record Held(Guid Batch, TState State, int Events, ITimer Timer);
}
