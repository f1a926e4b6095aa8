using MeshDns.Actors.Directory;
using MeshDns.Actors.Journal;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Messages;

namespace MeshDns.Actors.Runtime;

/// <summary>
/// The generic persistent actor: hosts a pure core on one stream of the journal. It sleeps until its node has claimed the stream. Then it
/// recovers by snapshot and replay, decides batches, holds them until the coordinator's one transaction is durable, and takes them on. It never
/// replies before that: the coordinator replies, after the append. It sleeps again when the stream is given up or turns out to be another node's, and
/// lets its state rest packed while nobody needs it (docs/adr/0020).
/// </summary>
public sealed class StreamActor<TState, TCommand, TReply> : Actor<StreamActor<TState, TCommand, TReply>.Message>, IStreamOwner<TState, TCommand, TReply>
    where TState : class where TReply : class
{
    private const int MailboxSize = 1024;
    private const int MaxWaiting = 256;
    private const int MaxFailedRecoveries = 3;
    private static readonly Refusal _isHeld = new(RefusalReason.Contention, "another batch holds the stream");
    private readonly IStreamCore<TState, TCommand, TReply> _core;
    private readonly IJournal _journal;
    private readonly StreamReplay<TState, TCommand, TReply> _replay;
    private readonly NodeIdentity _node;
    private readonly Func<TCommand, long, TCommand> _stamp;
    private readonly Func<TState, StreamRecovery, IReadOnlyList<MeshEvent>>? _onClaim;
    private readonly Passivation<TState> _passivation;
    private readonly StreamSnapshots _snapshots;
    private readonly Queue<Prepare> _waiting = new();
    private readonly List<TaskCompletionSource<bool>> _givingUp = [];
    private StreamView<TState>? _view;
    private StreamClaim? _claim;
    private StreamPosition _written;
    private bool _isOwner;
    private int _adopting;
    private bool _isDamaged;
    private bool _isRewound;
    private bool _abstains;
    private int _failedRecoveries;
    private long _claimedAt;
    private bool _isSnapshotDamaged;
    private Held<TState>? _held;

    /// <summary>Makes the owner of a stream.</summary>
    /// <param name="system">What it runs on.</param>
    /// <param name="journal">Where its events live.</param>
    /// <param name="node">Who claims the stream.</param>
    /// <param name="stream">The stream.</param>
    /// <param name="core">The pure core.</param>
    /// <param name="stamp">Puts the journal's time into a command, for cores whose commands carry the owner's time.</param>
    /// <param name="onClaim">The facts to append first after a recovery, given the state and what was found; null for none.</param>
    /// <param name="passivateAfter">A state that nobody used for so long, at most three times, is packed; null for never.</param>
    public StreamActor(ActorSystem system, IJournal journal, NodeIdentity node, string stream, IStreamCore<TState, TCommand, TReply> core, Func<TCommand, long, TCommand> stamp,
        Func<TState, StreamRecovery, IReadOnlyList<MeshEvent>>? onClaim = null, TimeSpan? passivateAfter = null)
        : base(system, stream, MailboxSize)
    {
        _journal = journal;
        _node = node;
        Stream = stream;
        _core = core;
        _replay = new StreamReplay<TState, TCommand, TReply>(system, journal, stream, core);
        _stamp = stamp;
        _onClaim = onClaim;
        _snapshots = new StreamSnapshots(system, journal, stream);
        _passivation = new Passivation<TState>(system, passivateAfter, core.Snapshot, bytes => core.Restore(bytes), _snapshots, signal => Tell(new Message(signal)));
    }

    /// <inheritdoc/>
    public string Stream { get; }

    /// <inheritdoc/>
    public StreamView<TState> View => Volatile.Read(ref _view) ?? throw Away();

    /// <summary>True when it has recovered and may decide.</summary>
    public bool IsReady => Volatile.Read(ref _view) is not null;

    /// <summary>True while the state is packed.</summary>
    public bool IsPassive => Volatile.Read(ref _view) is { IsPassive: true };

    /// <summary>True while its node has claimed the stream and neither given it up nor found it to be another's.</summary>
    public bool IsOwner => Volatile.Read(ref _isOwner);

    /// <summary>True while it has been handed a claim that it has not looked at yet.</summary>
    public bool IsAdopting => Volatile.Read(ref _adopting) > 0;

    /// <summary>True when the stream could not be recovered here three times in a row, so that its node should not want it.</summary>
    public bool Abstains => Volatile.Read(ref _abstains);

    /// <summary>The epoch of the claim; 0 when it is not owner.</summary>
    public long Epoch => IsOwner && Volatile.Read(ref _claim) is { } claim ? claim.Fence.Epoch : 0;

    /// <summary>A snapshot is written when the stream is given up with at least so many events since the last one; fewer are replayed as fast.</summary>
    public long SnapshotWhenLeaving { get; init; } = 500;

    /// <summary>Told of each state that was packed, with the bytes of its snapshot. On any thread; must return at once and not throw.</summary>
    public Action<int> Passivated { get; init; } = _ => { };

    /// <summary>A position of the stream that the node's reader has seen; asked at each recovery, to find out whether the journal was rewound.</summary>
    public Func<StreamPosition> ReaderPosition { get; init; } = () => default;

    /// <summary>Hands it a claim that its node made for many streams at once; it recovers with it.</summary>
    /// <param name="claim">The claim.</param>
    /// <param name="askedAt">A timestamp of the system's clock from before the claim was sent.</param>
    public bool Adopt(StreamClaim claim, long askedAt)
    {
        Interlocked.Increment(ref _adopting);
        if (Tell(new Message(new Adopted(claim, askedAt)))) return true;
        Interlocked.Decrement(ref _adopting);
        return false;
    }

    /// <summary>The journal shows another owner with this epoch: if its own is lower, it is owner no longer.</summary>
    public void Lose(long epoch) => Tell(new Message(new Lost(epoch)));

    /// <summary>Somebody has seen events that are no longer in the journal: it recovers anew and writes that down.</summary>
    public bool Rewound() => Tell(new Message(new RewoundElsewhere()));

    /// <summary>Takes no more batches, waits for the one it holds, and gives the stream up in the journal.</summary>
    /// <exception cref="MeshUnavailableException">Not within the deadline; it goes on all the same.</exception>
    public Task GiveUpAsync(TimeSpan deadline) => Ask<bool>(reply => new Message(new GiveUp(reply)), deadline);

    /// <inheritdoc/>
    public Task<Prepared<TReply>> PrepareAsync(Guid batch, IReadOnlyList<ChangeCommand<TCommand>> commands, TimeSpan hold, TimeSpan deadline, CancellationToken cancel, bool noWait = false) => Volatile.Read(ref _isDamaged) || !IsOwner
        ? Task.FromException<Prepared<TReply>>(Away())
        : Ask<Prepared<TReply>>(reply => new Message(new Prepare(batch, commands, System.Time.GetTimestamp(), hold, deadline, noWait, reply)), deadline, cancel);

    /// <inheritdoc/>
    public Task CommitAsync(Guid batch, TimeSpan deadline) => Ask<bool>(reply => new Message(new Settle(batch, BatchOutcome.Commit, reply)), deadline);

    /// <inheritdoc/>
    public void Release(Guid batch) => Tell(new Message(new Settle(batch, BatchOutcome.Release, null)));

    /// <inheritdoc/>
    public void Recover(Guid batch) => Tell(new Message(new Settle(batch, BatchOutcome.Recover, null)));

    /// <inheritdoc/>
    protected override async ValueTask ReceiveAsync(Message message)
    {
        switch (message.Content)
        {
            case Adopted adopted:
                var isNewer = !IsOwner || adopted.Claim.Fence.Epoch > Epoch;
                if (isNewer) Volatile.Write(ref _isOwner, true);
                Interlocked.Decrement(ref _adopting);
                if (!isNewer) break;
                await RecoverAsync(adopted.Claim, adopted.AskedAt);
                break;
            case Prepare prepare: await OnPrepareAsync(prepare); break;
            case Settle settle: await OnSettleAsync(settle); break;
            case Lost lost: if (IsOwner && Epoch < lost.Epoch) Sleep("another node owns it"); break;
            case RewoundElsewhere:
                _isRewound = true;
                if (IsOwner) await RecoverAsync(null, 0);
                break;
            case LookAtUse: if (_view is { } idle && _held is null && _passivation.LetGoIfIdle(idle) is > 0 and var bytes) Passivated(bytes); break;
            case SnapshotDamaged damaged:
                if (!ReferenceEquals(damaged.View, _view)) break;
                System.Log(ActorLogLevel.Alarm, Stream, "replays every event, because its snapshot cannot be read", damaged.Why);
                _isSnapshotDamaged = true;
                await RecoverAsync(null, 0);
                break;
            case GiveUp giveUp:
                _givingUp.Add(giveUp.Done);
                await GiveUpIfFreeAsync();
                break;
        }
    }

    /// <inheritdoc/>
    protected override async ValueTask StartingAsync()
    {
        // After a replay that failed, and after a bug: the stream is still ours, and only a new replay says what is true.
        if (!_isOwner || _view is not null) return;
        if (_failedRecoveries >= MaxFailedRecoveries) await AbstainAsync();
        else await RecoverAsync(null, 0);
    }

    /// <inheritdoc/>
    protected override async ValueTask StoppedAsync()
    {
        if (_view is { } view) await SaveWhenLeavingAsync(view);
        _passivation.Dispose();
        foreach (var done in _givingUp) done.TrySetResult(true);
    }

    private async Task RecoverAsync(StreamClaim? claim, long askedAt)
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
                    askedAt = System.Time.GetTimestamp();
                    claim = await _replay.ClaimAnewAsync(_node, Stopping);
                    if (claim is null) { Sleep("another node owns it"); return; }
                }
                await ReplayAsync(claim, askedAt);
                Volatile.Write(ref _isDamaged, false);
                Volatile.Write(ref _abstains, false);
                _failedRecoveries = 0;
                return;
            }
            catch (Exception e) when (e is InvalidOperationException or FormatException)
            {
                _failedRecoveries++;
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

    private async Task ReplayAsync(StreamClaim claim, long askedAt)
    {
        Volatile.Write(ref _claim, claim);
        _claimedAt = askedAt;
        var (history, state) = await _replay.RunAsync(claim.Fence, _isSnapshotDamaged, mayStayPacked: _passivation.IsOn && _onClaim is null, Stopping);
        _isSnapshotDamaged = false;
        _snapshots.Found(claim.Fence, history);
        var fence = claim.Fence;
        var isRewound = _isRewound || !await _replay.HasPastAsync(history, [_written, ReaderPosition()], Stopping);
        if (state is not null && _onClaim?.Invoke(state, new StreamRecovery(Now, claim.Timeline, isRewound)) is { Count: > 0 } facts)
        {
            var result = await _journal.AppendAsync(new AppendRequest([new StreamAppend(fence, facts)], []), Stopping);
            if (result.Outcome != AppendOutcome.Committed) throw new JournalUnavailableException($"{Stream} could not write after its claim: {result.Outcome}");
            state = facts.Aggregate(state, _core.Apply);
            fence = fence with { Seq = fence.Seq + facts.Count };
        }
        _isRewound = false;
        _written = fence.Seq > claim.Fence.Seq ? PositionOf(fence) : history.Rows is [.., var last] ? new StreamPosition(last.Term, last.Epoch, last.Seq) : isRewound ? default : _written;
        Volatile.Write(ref _view, state is null ? _passivation.Passive(history.Snapshot!, fence) : _passivation.Replayed(state, fence));
    }

    private static StreamPosition PositionOf(Fence fence) => new(fence.Term, fence.Epoch, fence.Seq);

    // The stream is another's, or nobody's: whoever waits is told, and nothing is decided until the next claim.
    private void Sleep(string why)
    {
        System.Log(ActorLogLevel.Information, Stream, "is not owned here any more: " + why, null);
        EndHold();
        _passivation.Rest();
        Volatile.Write(ref _isOwner, false);
        Volatile.Write(ref _view, null);
        while (_waiting.TryDequeue(out var prepare)) prepare.Reply.TrySetException(Away());
        foreach (var done in _givingUp) done.TrySetResult(true);
        _givingUp.Clear();
    }

    private async Task GiveUpIfFreeAsync()
    {
        if (_givingUp.Count == 0 || _held is not null) return;
        if (_view is { } view)
        {
            await SaveWhenLeavingAsync(view);
            try { await _journal.ReleaseAsync([view.Fence], Stopping); }
            catch (Exception e) when (e is JournalUnavailableException or JournalInDoubtException)
            {
                // Then the lease ends it, a little later.
                System.Log(ActorLogLevel.Warning, Stream, "could not be released: " + e.Message, null);
            }
        }
        Sleep("given up");
    }

    private async Task AbstainAsync()
    {
        System.Log(ActorLogLevel.Alarm, Stream, $"could not be recovered {MaxFailedRecoveries} times: this node gives it up", null);
        Volatile.Write(ref _abstains, true);
        _failedRecoveries = 0;
        if (_claim is { } claim) await _journal.ReleaseAsync([claim.Fence], Stopping);
        Sleep("it cannot be recovered here");
    }

    private MeshUnavailableException Away() => Volatile.Read(ref _isDamaged) ? new MeshUnavailableException($"{Stream} cannot be replayed; see the log of its owner")
        : IsOwner ? new MeshUnavailableException($"{Stream} has not recovered yet")
        : new OwnerAwayException($"{Stream} is not owned by this node");

    private long Now => _claim!.Now + (long)System.Time.GetElapsedTime(_claimedAt).TotalMilliseconds;

    private async Task OnPrepareAsync(Prepare prepare)
    {
        if (_held is { } held && held.Batch != prepare.Batch)
        {
            if (prepare.NoWait) prepare.Reply.TrySetResult(new Prepared<TReply>(null, [.. prepare.Commands.Select(c => new PreparedChange<TReply>(c.Change, null, [], _isHeld))]));
            else if (_waiting.Count >= MaxWaiting) prepare.Reply.TrySetException(new MeshUnavailableException($"{Stream} has too many changes waiting"));
            else _waiting.Enqueue(prepare);
            return;
        }
        if (IsOwner && _givingUp.Count == 0)
        {
            if (_view is null) await RecoverAsync(null, 0);
            if (_view is not null) { Decide(prepare); return; }
        }
        prepare.Reply.TrySetException(Away());
    }

    private void Decide(Prepare prepare)
    {
        EndHold();
        var view = _view!;
        TState state;
        try { state = view.State; }
        catch (MeshUnavailableException e) { prepare.Reply.TrySetException(e); return; }
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
        if (!refused) Hold(prepare.Batch, state, events.Count, prepare.Hold);
        prepare.Reply.TrySetResult(new Prepared<TReply>(refused ? null : new StreamAppend(view.Fence, events), replies));
        if (refused) NextWaiting();
    }

    private void Hold(Guid batch, TState state, int events, TimeSpan limit)
    {
        // Again and again until it is heard: a mailbox that is full just then must not leave the stream held for ever.
        var timer = System.Time.CreateTimer(_ => Recover(batch), null, limit, limit);
        _held = new Held<TState>(batch, state, events, timer);
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
        switch (settle.Outcome)
        {
            case BatchOutcome.Commit:
                var view = _view!;
                var next = _passivation.Changed(held.State, view.Fence with { Seq = view.Fence.Seq + held.Events });
                if (held.Events > 0) _written = PositionOf(next.Fence);
                Volatile.Write(ref _view, next);
                settle.Done?.TrySetResult(true);
                if (_snapshots.IsDue(next.Fence.Seq)) _snapshots.Save(next.Fence, _core.Snapshot(held.State));
                break;
            case BatchOutcome.Recover:
                System.Log(ActorLogLevel.Warning, Stream, "raises its epoch and replays: the outcome of a change is not known here", null);
                await RecoverAsync(null, 0);
                break;
        }
        if (_givingUp.Count > 0) await GiveUpIfFreeAsync();
        else NextWaiting();
    }

    // The next change that still has a caller; the rest of the queue waits for its own settlement.
    private void NextWaiting()
    {
        while (_held is null && _view is not null && _waiting.TryDequeue(out var prepare))
            if (System.Time.GetElapsedTime(prepare.AskedAt) < prepare.Deadline) Decide(prepare);
    }

    // Of a passive state there is nothing to save: it was, or is hardly newer than what is.
    private Task SaveWhenLeavingAsync(StreamView<TState> view) =>
        view.Unpacked is { } state ? _snapshots.SaveLastAsync(view.Fence, SnapshotWhenLeaving, () => _core.Snapshot(state)) : Task.CompletedTask;

    /// <summary>What the actor is told.</summary>
    public readonly record struct Message
    {
        internal Message(object content) => Content = content;

        internal object Content { get; }
    }

    private sealed record Prepare(Guid Batch, IReadOnlyList<ChangeCommand<TCommand>> Commands, long AskedAt, TimeSpan Hold, TimeSpan Deadline, bool NoWait, TaskCompletionSource<Prepared<TReply>> Reply);
}
