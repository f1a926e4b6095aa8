using Akka.Actor;
using MeshDns.Actors.Changes;
using MeshDns.Actors.Log;
using MeshDns.Actors.Protocol;
using MeshDns.Contracts.Messages;

namespace MeshDns.Actors.Cluster;

/// <summary>One actor system of a node, from the moment at which the node is a member of its cluster.</summary>
internal sealed class MeshLife(ActorSystem system, IActorRef door, DoorSign sign, TimeProvider time)
{
    // The door settles what it was asked in time; this is for a door that has died.
    private static readonly TimeSpan _grace = TimeSpan.FromSeconds(5);

    /// <summary>The actor system.</summary>
    public ActorSystem System => system;

    /// <summary>The owners, as this node sees them.</summary>
    public Owners Owners { get; } = new(Akka.Cluster.Cluster.Get(system));

    /// <summary>True while the node knows an allocator that serves.</summary>
    public bool HasAllocator => sign.HasAllocator;

    /// <summary>The epoch of the newest allocator that it has heard of.</summary>
    public long Epoch => sign.Epoch;

    /// <summary>Carries out a change; null when this actor system ended before anybody said what became of it.</summary>
    public async Task<ChangeReply?> ChangeAsync(StartChange change, CancellationToken cancel)
    {
        door.Tell(change);
        await Task.WhenAny(change.Done.Task, system.WhenTerminated, Task.Delay(change.Patience + _grace, time, cancel));
        if (cancel.IsCancellationRequested) return new ChangeReply { Outcome = ChangeOutcome.Unknown, Detail = "the caller gave up while the change was under way" };
        return change.Done.Task.IsCompleted ? await change.Done.Task : null;
    }

    /// <summary>Asks a shard, or with an address another node; <see cref="NotKnown"/> when there is no answer in time.</summary>
    public async Task<NodeAnswer> AskAsync(NodeQuestion question, Address? node = null)
    {
        var started = new StartQuestion(question, node);
        door.Tell(started);
        await Task.WhenAny(started.Done.Task, system.WhenTerminated, Task.Delay(TimeSpan.FromMilliseconds(question.PatienceMs) + _grace, time));
        return started.Done.Task.IsCompleted ? await started.Done.Task : new NotKnown(0, "there was no answer");
    }
}

/// <summary>What a door shows to its node. Written by the door alone.</summary>
internal sealed class DoorSign
{
    private volatile bool _hasAllocator;
    private long _epoch;

    /// <summary>The epoch of the newest allocator that it has heard of.</summary>
    public long Epoch
    {
        get => Volatile.Read(ref _epoch);
        set => Volatile.Write(ref _epoch, value);
    }

    /// <summary>True while it knows an allocator that serves and can be reached.</summary>
    public bool HasAllocator
    {
        get => _hasAllocator;
        set => _hasAllocator = value;
    }
}

/// <summary>A change of this node's API, for its door.</summary>
/// <param name="Request">What is asked.</param>
/// <param name="Key">What it is known by.</param>
/// <param name="Patience">How long the caller waits still.</param>
/// <param name="MayBeDone">True when an earlier actor system of this node may have sent it.</param>
internal sealed record StartChange(ChangeRequest Request, SubmittedKey Key, TimeSpan Patience, bool MayBeDone)
{
    /// <summary>How it ended; null: this actor system ended first.</summary>
    public TaskCompletionSource<ChangeReply?> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
}

/// <summary>A question of this node, for a shard or another node's door.</summary>
/// <param name="Question">The question; its number is the door's to give.</param>
/// <param name="Node">Whose door; null: the shard that the question names.</param>
internal sealed record StartQuestion(NodeQuestion Question, Address? Node)
{
    public TaskCompletionSource<NodeAnswer> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
}

/// <summary>
/// The one actor of a node that others know by name. It sends the node's changes to the allocator that serves, asks shards and other nodes, and does for other nodes what <see cref="NodeDuties"/> says. Everything that waits in it has
/// a deadline and a bound.
/// </summary>
internal sealed class MeshDoor : UntypedActor, IWithTimers
{
    private const int MostCalls = 8192;
    private const int MostQuestions = 8192;
    private const long ForgottenAfterMs = 2000;
    private static readonly TimeSpan _tick = TimeSpan.FromMilliseconds(100);

    private readonly MeshParts _parts;
    private readonly IActorRef _shards;
    private readonly DoorSign _sign;
    private readonly Owners _owners;
    private readonly MessageParts _messages = new();
    private readonly Dictionary<long, Call> _calls = [];
    private readonly Dictionary<long, (StartQuestion Started, Moment At)> _questions = [];
    private (KnownTerm Term, IActorRef Actor)? _allocator;
    private KnownTerm? _met;
    private Moment _heardAt;
    private Moment _reportedAt;
    private long _lastId;

    public MeshDoor(MeshParts parts, IActorRef shards, DoorSign sign)
    {
        (_parts, _shards, _sign) = (parts, shards, sign);
        _owners = new Owners(Akka.Cluster.Cluster.Get(Context.System));
    }

    /// <inheritdoc/>
    public ITimerScheduler Timers { get; set; } = null!;

    private KnownTerm? Known => _allocator is { } allocator && !_owners.IsUnreachable(allocator.Actor.Path.Address) ? allocator.Term : null;

    /// <inheritdoc/>
    protected override void PreStart() => Timers.StartPeriodicTimer("tick", Tick.Instance, _tick);

    /// <inheritdoc/>
    protected override void PostStop()
    {
        foreach (var call in _calls.Values) call.Started.Done.TrySetResult(null);
        foreach (var (started, _) in _questions.Values) started.Done.TrySetResult(new NotKnown(0, "this node leaves its cluster"));
        base.PostStop();
    }

    /// <inheritdoc/>
    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case StartChange change: Begin(change); break;
            case StartQuestion question: Ask(question); break;
            case MessagePart part: Take(part); break;
            case AllocatorHello hello: Hear(hello); break;
            case ChangeAnswered answered: Answered(answered); break;
            case LogMoved moved: Moved(moved); break;
            case NodeAnswer answer: Settle(answer); break;
            case AwaitRow wait: _parts.Duties.AwaitRowAsync(wait.Number, PatienceOf(wait)).PipeTo(Sender, Self, success: behind => new RowAwaited(wait.Id, behind), failure: e => new NotKnown(wait.Id, e.Message)); break;
            case DrainOrder drain: _parts.Duties.DrainAsync(drain.Reader).PipeTo(Sender, Self, success: known => new NodeDrained(drain.Id, known), failure: e => new NotKnown(drain.Id, e.Message)); break;
            case ReportOrder order: Sender.Tell(_parts.Duties.Report() with { Id = order.Id }); break;
            case Tick: Pass(); break;
            default: Unhandled(message); break;
        }
    }

    private static TimeSpan PatienceOf(NodeQuestion question) => TimeSpan.FromMilliseconds(Math.Clamp(question.PatienceMs, 0, 10_000));

    private void Begin(StartChange change)
    {
        if (_calls.Count >= MostCalls)
        {
            change.Done.TrySetResult(new ChangeReply { Outcome = ChangeOutcome.Unavailable, Detail = "too many changes wait on this node" });
            return;
        }
        var id = ++_lastId;
        var (state, output) = ChangeCall.Begin(_parts.Now, (long)change.Patience.TotalMilliseconds, Known, change.MayBeDone);
        var call = new Call(id, change) { State = state };
        _calls.Add(id, call);
        CarryOut(call, output);
    }

    private void Ask(StartQuestion started)
    {
        if (_questions.Count >= MostQuestions)
        {
            started.Done.TrySetResult(new NotKnown(0, "too many questions wait on this node"));
            return;
        }
        var id = ++_lastId;
        _questions.Add(id, (started, _parts.Now));
        var question = started.Question with { Id = id };
        if (started.Node is { } node) Owners.DoorOf(node, Context).Tell(question);
        else _shards.Tell(question);
    }

    private void Settle(NodeAnswer answer)
    {
        if (_questions.Remove(answer.Id, out var asked)) asked.Started.Done.TrySetResult(answer);
    }

    private void Take(MessagePart part)
    {
        try
        {
            if (_messages.Take(Sender.Path.ToString(), part, _parts.Now.MonotonicMs) is { } whole and not MessagePart) OnReceive(whole);
        }
        catch (FormatException e) { _parts.Log(ActorLogLevel.Warning, "mesh", "a message is dropped: " + e.Message, null); }
    }

    private void Hear(AllocatorHello hello)
    {
        if (_allocator is { } known && hello.Epoch < known.Term.Epoch) return;
        _heardAt = _parts.Now;
        _parts.Memory.Served();
        var term = new KnownTerm(hello.Term, hello.Epoch);
        _allocator = (term, Sender);
        _sign.Epoch = hello.Epoch;
        Meet();
    }

    // Calls learn when the allocator that can be reached is another one, or none.
    private void Meet()
    {
        if (Known is var known && known == _met) return;
        _met = known;
        _sign.HasAllocator = known is not null;
        foreach (var call in _calls.Values.ToArray()) Step(call, c => c.Meet(known, _parts.Now));
    }

    private void Answered(ChangeAnswered answered)
    {
        if (!_calls.TryGetValue(answered.Id, out var call)) return;
        ChangeLogAnswer answer = answered.Reply is { } reply ? new Final(reply) : answered.IsOver ? new TermOver(answered.MayBeDone) : new NotMe(answered.Term);
        Step(call, c => c.Take(answered.Term, answer, _parts.Now));
    }

    private void Moved(LogMoved moved)
    {
        try { _parts.Following.Tell(new LogPosition(moved.Number, moved.Term), [.. moved.Rows.Select(r => LogRow.Of(r.Number, r.Manifest, r.Tag, r.Payload))]); }
        catch (FormatException) { _parts.Following.Tell(new LogPosition(moved.Number, moved.Term), []); }
    }

    private void Pass()
    {
        var now = _parts.Now;
        if (_allocator is not null && now.Since(_heardAt) > ForgottenAfterMs) _allocator = null;
        Meet();
        foreach (var call in _calls.Values.ToArray()) Step(call, c => c.Pass(now));
        foreach (var (id, (started, at)) in _questions.ToArray())
            if (now.Since(at) >= started.Question.PatienceMs + 200) Settle(new NotKnown(id, "there was no answer in time"));
        if (_parts.Following.Lost is { } lost && _allocator is { } allocator && now.Since(_reportedAt) > 1000)
        {
            _reportedAt = now;
            foreach (var part in _messages.Cut(new PastReported([.. lost.Known.Select(k => new WireLease(k.Index, k.Host))]))) allocator.Actor.Tell(part);
        }
    }

    private void Step(Call call, Func<ChangeCall, (ChangeCall, ChangeCallOutput?)> step)
    {
        (call.State, var output) = step(call.State);
        CarryOut(call, output);
    }

    private void CarryOut(Call call, ChangeCallOutput? output)
    {
        switch (output)
        {
            case SendTo send when _allocator is { } known && known.Term == send.To: Send(call, known.Actor, send); break;
            case CallEnded ended:
                _calls.Remove(call.Id);
                call.Started.Done.TrySetResult(ended.Reply);
                break;
            default: break;
        }
    }

    private void Send(Call call, IActorRef allocator, SendTo send)
    {
        var submit = new SubmitChange(call.Id, call.Started.Request, call.Started.Key.Key, call.Started.Key.Digest, send.IsRetry, call.Started.Key.SentAt, send.To.Term, send.PatienceMs);
        // Within the process nothing is serialized, and nothing has to fit a frame.
        if (allocator.Path.Address.HasLocalScope) allocator.Tell(submit);
        else
        {
            try { foreach (var part in _messages.Cut(submit)) allocator.Tell(part); }
            catch (ArgumentException e)
            {
                _calls.Remove(call.Id);
                call.Started.Done.TrySetResult(ChangeReply.Refused(RefusalReason.TooLarge, e.Message));
            }
        }
    }

    private sealed class Call(long id, StartChange started)
    {
        public long Id => id;

        public StartChange Started => started;

        public required ChangeCall State { get; set; }
    }

    private sealed class Tick
    {
        public static readonly Tick Instance = new();
    }
}
