using Akka.Actor;
using MeshDns.Actors.Following;
using MeshDns.Actors.Log;
using MeshDns.Actors.Protocol;

namespace MeshDns.Actors.Cluster;

/// <summary>
/// A shard: carries out what <see cref="BucketReader"/> wants, and answers for the documents, host records and leases of its bucket. Placed, it holds nothing; the first question reads its bucket, and after two minutes of rest it lets
/// go of it. Nobody writes to it.
/// </summary>
internal sealed class HostShard : UntypedActor, IWithTimers
{
    private static readonly TimeSpan _tick = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan _lookPatience = TimeSpan.FromSeconds(2);
    private const long RestAfterMs = 120_000;

    private readonly MeshParts _parts;
    private readonly string _name;
    private readonly int _bucket;
    private readonly Dictionary<long, (IActorRef Asker, ShardQuestion Question)> _asked = [];
    private readonly MessageParts _messages = new();
    private BucketReader? _reader;
    private ShardFeed? _feed;
    private Moment _lastAsked;
    private long _lastId;
    private int _life;

    public HostShard(MeshParts parts, string name)
    {
        (_parts, _name) = (parts, name);
        _bucket = parts.Fold.Buckets.Of(name);
    }

    /// <inheritdoc/>
    public ITimerScheduler Timers { get; set; } = null!;

    /// <inheritdoc/>
    protected override void PreStart() => _parts.Gauges.ShardCame();

    /// <inheritdoc/>
    protected override void PostStop()
    {
        _parts.Gauges.ShardWent();
        LetGo();
        foreach (var (asker, question) in _asked.Values) asker.Tell(new NotKnown(question.Id, "the shard moves"));
        base.PostStop();
    }

    /// <inheritdoc/>
    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case WakeShard { Id: 0 }: break;
            case WakeShard wake: Sender.Tell(new ShardPlace(wake.Id, _name, _parts.Options.Node, _parts.Following.State.LastOf[_bucket].Number)); break;
            case ShardQuestion question: Ask(question); break;
            case OfLife of when of.Life == _life:
                foreach (var input in _feed!.Take()) Handle(input);
                Handle(of.Input);
                break;
            case Tick: Pass(); break;
            default: Unhandled(message); break;
        }
    }

    private void Ask(ShardQuestion question)
    {
        _lastAsked = _parts.Now;
        if (_reader is null) Begin();
        var id = ++_lastId;
        _asked.Add(id, (Sender, question));
        Handle(new BucketAsked(id, Math.Clamp(question.PatienceMs, 1, 60_000)));
    }

    private void Begin()
    {
        _life++;
        _feed = _parts.Following.Subscribe(_bucket);
        (_reader, var outputs) = BucketReader.Begin();
        Timers.StartPeriodicTimer("tick", Tick.Instance, _tick);
        foreach (var output in outputs) CarryOut(output);
    }

    private void LetGo()
    {
        if (_feed is { } feed) _parts.Following.Unsubscribe(_bucket, feed);
        _life++;
        if (_reader is { } reader) _parts.LeftBehind(reader.Weight);
        (_reader, _feed) = (null, null);
        Timers.Cancel("tick");
    }

    private void Pass()
    {
        if (_reader is null) return;
        if (_asked.Count == 0 && _parts.Now.Since(_lastAsked) > RestAfterMs) LetGo();
        else Handle(new BucketTicked());
    }

    private void Handle(BucketInput input)
    {
        (_reader, var outputs) = _reader!.Handle(input, _parts.Now);
        foreach (var output in outputs) CarryOut(output);
    }

    private void CarryOut(BucketOutput output)
    {
        var life = _life;
        switch (output)
        {
            case LoadBucket load: LoadAsync(load.Id).PipeTo(Self, success: loaded => new OfLife(life, loaded)); break;
            case LookForBucket look:
                _parts.Following.SeeEndAsync(_lookPatience).PipeTo(Self, success: end => new OfLife(life, end is { } at ? new BucketEndSeen(look.Id, at) : new BucketLookFailed(look.Id)));
                break;
            case BucketAnswer answer: Answer(answer); break;
            default: throw new InvalidOperationException(output.ToString());
        }
    }

    private async Task<BucketInput> LoadAsync(long id) =>
        await BucketLoad.RunAsync(_parts, _name, _bucket) is { } loaded ? new BucketLoaded(id, loaded.Position, loaded.View) : new BucketLoadFailed(id);

    private void Answer(BucketAnswer answer)
    {
        if (!_asked.Remove(answer.Id, out var asked)) return;
        var (asker, question) = asked;
        NodeAnswer said = answer.View is { } view ? BucketAnswers.Of(view, question, answer.IsConfirmed, _parts.Options.Node) : new NotKnown(question.Id, "the shard has not read its bucket yet");
        foreach (var part in _messages.Cut(said)) asker.Tell(part);
    }

    private sealed record OfLife(int Life, BucketInput Input);

    private sealed class Tick
    {
        public static readonly Tick Instance = new();
    }
}
