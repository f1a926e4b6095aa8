using Akka.Actor;
using Akka.Cluster;
using Akka.Persistence;
using Akka.Persistence.Journal;
using MeshDns.Actors.Changes;
using MeshDns.Actors.Log;
using MeshDns.Actors.Protocol;
using MeshDns.Actors.Store;
using MeshDns.Contracts.Messages;

namespace MeshDns.Actors.Cluster;

/// <summary>
/// The only writer of the log, one incarnation: it recovers through the reader that every node uses, then brings <see cref="ChangeLog"/> its inputs and carries its outputs out. Any failure of an append ends
/// it; its supervisor begins the next one, which learns the outcome from the log.
/// </summary>
internal sealed class VipAllocator : UntypedPersistentActor, IWithTimers
{
    private static readonly TimeSpan _tick = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan _hello = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan _wake = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan _afterCollision = TimeSpan.FromSeconds(1.5);
    private static readonly TimeSpan _lookPatience = TimeSpan.FromSeconds(4);

    private readonly MeshParts _parts;
    private readonly IActorRef _shards;
    private readonly Owners _owners;
    private readonly ChangeLog _core;
    private readonly MessageParts _messages = new();
    private readonly Dictionary<long, (IActorRef Caller, long Id)> _callers = [];
    private readonly AllocatorImages _images;
    private ChangeLogState? _state;
    private long _lastId = AllocatorImages.Note;
    private long? _appendBegan;
    private bool _isStopping;
    private bool _hasCollided;
    private bool _isOver;

    public VipAllocator(MeshParts parts, IActorRef shards)
    {
        (_parts, _shards) = (parts, shards);
        _core = new ChangeLog(parts.Fold, parts.Decision);
        _owners = new Owners(Akka.Cluster.Cluster.Get(Context.System));
        _images = new AllocatorImages(parts);
    }

    /// <summary>Ends an incarnation in good order: what is in the append is finished first. For hand-over.</summary>
    public sealed record Stop
    {
        public static Stop Instance { get; } = new();
    }

    /// <inheritdoc/>
    public override string PersistenceId => LogTable.PersistenceId;

    /// <summary>Nothing is replayed by Akka: the reader that every node uses does it, with the chain checked. Akka takes the last number from the journal.</summary>
    public override Recovery Recovery => Recovery.None;

    /// <inheritdoc/>
    public ITimerScheduler Timers { get; set; } = null!;

    private bool IsServing => _state?.Phase == TermPhase.Serving;

    /// <inheritdoc/>
    protected override void OnRecover(object message)
    {
        if (message is RecoveryCompleted) BeginRecovery();
    }

    /// <inheritdoc/>
    protected override void OnRecoveryFailure(Exception reason, object? message = null) => SayOnce("the allocator cannot recover: " + AppendFailure.Text(reason));

    /// <inheritdoc/>
    protected override void OnCommand(object message)
    {
        switch (message)
        {
            case Recovered recovered: Begin(recovered); break;
            case NotRecovered failed: End(failed.Why); break;
            case TryAgain: BeginRecovery(); break;
            case ChangeLogInput input: Handle(input); break;
            case SubmitChange submit: Submit(submit); break;
            case MessagePart part: Take(part); break;
            case PastReported past: Handle(new PastLost([.. past.Known.Select(k => new KnownLease(k.Index, k.Host))])); break;
            case ImageFailed failed: _images.Failed(failed); break;
            case Tick: Pass(); break;
            case Hello: SayHello(_owners.All(Context)); break;
            case ClusterEvent.MemberUp up when up.Member.HasRole(Owners.Role): SayHello([Owners.DoorOf(up.Member.Address, Context)]); break;
            case ClusterEvent.MemberUp: break;
            case Wake: WakeShards(); break;
            case Stop: StopOrderly(); break;
            default: Unhandled(message); break;
        }
    }

    /// <inheritdoc/>
    protected override void OnPersistFailure(Exception cause, object @event, long sequenceNr)
    {
        _hasCollided = AppendFailure.IsCollision(cause);
        var text = $"the append of row {sequenceNr} failed: {AppendFailure.Text(cause)}";
        // On a full disk it comes each second.
        if (_hasCollided) Say(ActorLogLevel.Warning, text, null);
        else if (_parts.Memory.IsNew(text)) Say(ActorLogLevel.Alarm, text, null);
        FailAppend();
    }

    /// <inheritdoc/>
    protected override void OnPersistRejected(Exception cause, object @event, long sequenceNr)
    {
        // Akka would go on with a hole in the numbers.
        Say(ActorLogLevel.Alarm, $"the journal rejected row {sequenceNr}", cause);
        FailAppend();
        Context.Stop(Self);
    }

    /// <inheritdoc/>
    protected override void PostStop()
    {
        Akka.Cluster.Cluster.Get(Context.System).Unsubscribe(Self);
        if (!_isOver && _state is { Phase: not TermPhase.Over }) FailAppend();
        base.PostStop();
    }

    private void BeginRecovery()
    {
        if (_parts.Memory.Read().HasCollided && !_owners.AreWell && !_isStopping)
        {
            // Who has lost to another incarnation waits until the cluster has had the time to know better.
            Timers.StartSingleTimer("again", TryAgain.Instance, _afterCollision);
            return;
        }
        var last = LastSequenceNr;
        AllocatorRecovery.RunAsync(_parts, last).PipeTo(Self, success: r => r, failure: e => new NotRecovered(e.Message));
    }

    private void Begin(Recovered recovered)
    {
        if (_isStopping)
        {
            End("it was told to stop before it had begun");
            return;
        }
        if (recovered.State.Position.Number != LastSequenceNr)
        {
            End($"another incarnation has written: the log ends at {recovered.State.Position}, the journal said {LastSequenceNr}");
            return;
        }
        var start = new ChangeLogStart
        {
            Recovered = recovered.State,
            Term = _parts.NextTerm(),
            Node = _parts.Options.Node,
            Founding = _parts.Founding,
            Poison = _parts.Memory.Read().Poison,
            Lost = recovered.Lost,
        };
        (_state, var outputs) = ChangeLog.Begin(start, _parts.Now);
        _images.Recovered(recovered);
        Timers.StartPeriodicTimer("tick", Tick.Instance, _tick);
        foreach (var output in outputs) CarryOut(output);
    }

    private void Submit(SubmitChange submit)
    {
        if (_state is null || _isOver)
        {
            Sender.Tell(new ChangeAnswered(submit.Id, submit.Meant, null));
            return;
        }
        // An append that fails leaves the outcome open until the log can be read: where it is known that it cannot, nothing is tried.
        if (IsServing && _parts.Following.Trouble is { } trouble)
        {
            Sender.Tell(new ChangeAnswered(submit.Id, _state.Start.Term, new ChangeReply { Outcome = ChangeOutcome.Unavailable, Detail = "the log cannot be reached: " + trouble }));
            return;
        }
        var id = ++_lastId;
        _callers.Add(id, (Sender, submit.Id));
        Handle(new Submitted(id, submit.Request, new SubmittedKey(submit.Key, submit.Digest, submit.IsRetry, submit.SentAt), submit.Meant) { PatienceMs = submit.PatienceMs });
    }

    private void Take(MessagePart part)
    {
        try { if (_messages.Take(Sender.Path.ToString(), part, _parts.Now.MonotonicMs) is SubmitChange submit) Submit(submit); }
        catch (FormatException e) { Say(ActorLogLevel.Warning, "a message is dropped: " + e.Message, null); }
    }

    private void Pass()
    {
        var tables = _state?.Mesh.Tables;
        Handle(new Ticked());
        if (tables is not null && _state!.Mesh.Tables.LeftBehind(tables) is > 0 and var bytes) _parts.LeftBehind(bytes);
        if (IsServing && _state is { } state) _images.Begin(state.Mesh, Self);
    }

    private void Handle(ChangeLogInput input)
    {
        if (_state is null || _isOver) return;
        var wasServing = IsServing;
        (_state, var outputs) = _core.Handle(_state, input, _parts.Now);
        foreach (var output in outputs) CarryOut(output);
        _parts.Gauges.Waiting = _state.Waiting.Count;
        if (wasServing || !IsServing) return;
        _parts.Memory.Served();
        Say(ActorLogLevel.Information, $"the allocator serves here, epoch {_state.Mesh.Epoch}", null);
        SayHello(_owners.All(Context));
        // Who comes hears of it at once: until then it is not ready.
        Akka.Cluster.Cluster.Get(Context.System).Subscribe(Self, ClusterEvent.SubscriptionInitialStateMode.InitialStateAsEvents, typeof(ClusterEvent.MemberUp));
        Timers.StartPeriodicTimer("hello", Hello.Instance, _hello);
        Timers.StartPeriodicTimer("wake", Wake.Instance, TimeSpan.Zero, _wake);
    }

    private void CarryOut(ChangeLogOutput output)
    {
        switch (output)
        {
            case Append append: Write(append); break;
            case Look look: LookAsync(look.Id).PipeTo(Self); break;
            case Answer answer: Tell(answer); break;
            case DecideApart apart: Task.Run(() => (ChangeLogInput)new DecidedApart(apart.Id, _parts.Decision.Decide(apart.State, apart.Request, apart.At).Reply)).PipeTo(Self, failure: e => new DecidedApart(apart.Id, Broken(e))); break;
            case TellReaders tell: TellOwners(tell); break;
            case RaiseAlarm alarm: Say(ActorLogLevel.Alarm, alarm.Text, null); break;
            case EndTerm end: End(end.Why, end.Poison); break;
            default: throw new InvalidOperationException(output.ToString());
        }
    }

    private static ChangeReply Broken(Exception e) => new() { Outcome = ChangeOutcome.Unavailable, Detail = "an internal error: " + e.Message };

    private void Write(Append append)
    {
        if (append.Rows[0].Number != LastSequenceNr + 1)
        {
            Handle(new AppendFailed(append.Id, IsCollision: true));
            return;
        }
        var left = append.Rows.Count;
        _appendBegan = _parts.Time.GetTimestamp();
        // Not PersistAll, which lets nothing in until it is done: what comes meanwhile is the next batch.
        PersistAllAsync(append.Rows.Select(r => new Tagged(r, [r.Tag])), _ =>
        {
            if (--left > 0) return;
            EndAppend(isDurable: true);
            _images.Count(append.Rows);
            Handle(new Appended(append.Id));
        });
    }

    private void EndAppend(bool isDurable)
    {
        if (_appendBegan is { } began) _parts.Appended(isDurable, _parts.Time.GetElapsedTime(began));
        _appendBegan = null;
    }

    private async Task<ChangeLogInput> LookAsync(long id)
    {
        using var deadline = new CancellationTokenSource(_lookPatience, _parts.Time);
        try
        {
            var end = await _parts.Store.LookAsync(deadline.Token);
            return new LookedAtEnd(id, end.Position, end.DatabaseMs);
        }
        catch (Exception e) when (e is StoreUnavailableException or OperationCanceledException) { return new LookFailed(id, e.Message); }
    }

    private void Tell(Answer answer)
    {
        if (answer.Id == AllocatorImages.Note)
        {
            _images.Noted(answer.Reply is Final { Reply: { Outcome: ChangeOutcome.Applied } reply } ? reply.Position.GetValueOrDefault(LogRow.MeshTag) : null);
            return;
        }
        if (!_callers.Remove(answer.Id, out var caller)) return;
        var said = answer.Reply switch
        {
            Final final => new ChangeAnswered(caller.Id, _state!.Start.Term, final.Reply),
            TermOver over => new ChangeAnswered(caller.Id, _state!.Start.Term, null, IsOver: true, over.MayBeDone),
            _ => new ChangeAnswered(caller.Id, _state!.Start.Term, null),
        };
        foreach (var part in Cut(said)) caller.Caller.Tell(part);
    }

    // A reply that nobody takes is told without its parts: that the change is durable is what its caller has to know.
    private IEnumerable<MeshMessage> Cut(ChangeAnswered said)
    {
        try { return _messages.Cut(said); }
        catch (ArgumentException) { return [said with { Reply = said.Reply! with { Results = [], Detail = "the reply is too large to be told" } }]; }
    }

    private void TellOwners(TellReaders tell)
    {
        _parts.Following.Tell(tell.End, tell.Rows);
        var small = tell.Rows.Sum(r => r.Payload.Length) <= 32 * 1024;
        var moved = new LogMoved(tell.End.Number, tell.End.Term, small ? [.. tell.Rows.Select(r => new WireRow(r.Number, r.Manifest, r.Tag, r.Payload))] : []);
        foreach (var door in _owners.Others(Context)) door.Tell(moved);
    }

    private void SayHello(IEnumerable<ActorSelection> doors)
    {
        if (!IsServing || _state is not { } state) return;
        var hello = new AllocatorHello(state.Start.Term, state.Mesh.Epoch, _parts.Options.Node);
        foreach (var door in doors) door.Tell(hello);
    }

    // So that all of them have a place before the first question, and after each move.
    private void WakeShards()
    {
        for (var bucket = 0; bucket < _parts.Fold.Buckets.Count; bucket++) _shards.Tell(new WakeShard(0, 0, _parts.Fold.Buckets.TagOf(bucket)), ActorRefs.NoSender);
    }

    private void StopOrderly()
    {
        _isStopping = true;
        if (_state is null || _isOver) End("it was told to stop");
        else Handle(new Stopping());
    }

    // Whoever waits is told; only the next incarnation knows what became of the append.
    private void FailAppend()
    {
        EndAppend(isDurable: false);
        if (_state?.UnderWay is { } under) Handle(new AppendFailed(under.Id, _hasCollided));
        else if (_state is not null && !_isOver) Handle(new Stopping());
    }

    private void End(string why, PoisonMemory? poison = null)
    {
        if (_isOver) return;
        _isOver = true;
        _parts.Gauges.Waiting = 0;
        _parts.Memory.Note(poison ?? _parts.Memory.Read().Poison, _state?.Mesh, _hasCollided);
        Say(ActorLogLevel.Information, "the allocator ends here: " + why, null);
        Context.Stop(Self);
    }

    // One a state, not one an incarnation: these come each second while the log is away.
    private void SayOnce(string text)
    {
        if (_parts.Memory.IsNew(text)) Say(ActorLogLevel.Warning, text, null);
    }

    private void Say(ActorLogLevel level, string text, Exception? error) => _parts.Log(level, "allocator", text, error);

    private sealed class Tick
    {
        public static readonly Tick Instance = new();
    }

    private sealed class Hello
    {
        public static readonly Hello Instance = new();
    }

    private sealed class Wake
    {
        public static readonly Wake Instance = new();
    }

    private sealed class TryAgain
    {
        public static readonly TryAgain Instance = new();
    }
}
