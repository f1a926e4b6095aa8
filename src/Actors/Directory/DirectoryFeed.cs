using MeshDns.Actors.Journal;
using MeshDns.Actors.Runtime;
using MeshDns.Actors.Shards;
using MeshDns.Actors.Vips;
using MeshDns.Contracts.Events;

namespace MeshDns.Actors.Directory;

/// <summary>
/// Keeps a directory up to date: reads all streams after every commit it hears of, and every second anyway; of a journal that tells all, once a minute.
/// Each read is one database snapshot and is applied whole.
/// </summary>
public sealed class DirectoryFeed : Actor<DirectoryFeed.Message>
{
    private const int MaxWaiters = 4096;

    private static readonly TimeSpan _pollEvery = TimeSpan.FromSeconds(1);

    // Brings nothing new. It looks whether the journal can be read, and takes its clock, so that a saved directory does not seem old.
    private static readonly TimeSpan _lookEvery = TimeSpan.FromMinutes(1);

    private readonly IFeedSource _source;
    private readonly MeshDirectory _directory;
    private readonly ShardTableCore _shardCore;
    private readonly VipLedgerCore _vipCore;
    private readonly List<Waiter> _waiters = [];
    private readonly HashSet<string> _rewound = [];
    private Task? _telling;
    private ITimer? _timer;
    private TimeSpan _period = _pollEvery;
    private int _failures;
    private int _pollAsked;

    /// <summary>Makes the feed of a node's directory.</summary>
    public DirectoryFeed(ActorSystem system, IFeedSource source, MeshDirectory directory, ShardTableCore shardCore, VipLedgerCore vipCore) : base(system, "feed", MaxWaiters)
    {
        _source = source;
        _directory = directory;
        _shardCore = shardCore;
        _vipCore = vipCore;
    }

    /// <summary>Told after each read that was taken in, with the position before it; must return at once and not throw.</summary>
    public Action<FeedRead, IReadOnlyDictionary<string, StreamPosition>>? Taken { get; init; }

    /// <summary>Told of streams whose past is gone; true when the allocator has heard it. Must not throw.</summary>
    public Func<IReadOnlyList<string>, Task<bool>>? OnRewound { get; init; }

    /// <summary>Reads that failed since the last one that did not.</summary>
    public int Failures => Volatile.Read(ref _failures);

    /// <summary>Asks for a read soon. Asking again before it has begun costs nothing.</summary>
    public void Poll()
    {
        if (Interlocked.Exchange(ref _pollAsked, 1) == 0 && !Tell(new Message(null))) Volatile.Write(ref _pollAsked, 0);
    }

    /// <summary>Waits until the directory has read this far; false when it has not by the deadline.</summary>
    public async Task<bool> WaitForAsync(IReadOnlyDictionary<string, long> position, TimeSpan deadline, CancellationToken cancel)
    {
        if (HasRead(position)) return true;
        var waiter = new Waiter(position, new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously), System.Time.GetTimestamp(), deadline);
        if (!Tell(new Message(waiter))) return false;
        try { return await waiter.Done.WithinAsync(deadline, System.Time, cancel); }
        catch (TimeoutException) { return false; }
    }

    /// <inheritdoc/>
    protected override ValueTask StartingAsync()
    {
        _timer ??= System.Time.CreateTimer(_ => Poll(), null, TimeSpan.Zero, _pollEvery);
        _source.Appended -= Poll;
        _source.Appended += Poll;
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    protected override async ValueTask ReceiveAsync(Message message)
    {
        if (message.Waiter is { } waiter) _waiters.Add(waiter);
        Volatile.Write(ref _pollAsked, 0);
        var isAtRest = false;
        try
        {
            var before = _directory.Position;
            var update = await _source.ReadAsync(before, Stopping);
            _directory.Apply(BatchOf(update));
            Volatile.Write(ref _failures, 0);
            Taken?.Invoke(update.Read, before);
            TellOfRewind();
            isAtRest = _source.TellsAll && _rewound.Count == 0;
        }
        catch (Exception e) when (e is JournalUnavailableException or JournalInDoubtException)
        {
            _directory.Doubt();
            if (Interlocked.Increment(ref _failures) == 1) System.Log(ActorLogLevel.Warning, Name, "cannot read the journal; answers go on from what is known: " + e.Message, null);
        }
        finally
        {
            _waiters.RemoveAll(IsSettled);
            PollEvery(isAtRest && _waiters.Count == 0 ? _lookEvery : _pollEvery);
        }
    }

    /// <inheritdoc/>
    protected override async ValueTask StoppedAsync()
    {
        _source.Appended -= Poll;
        if (_timer is not null) await _timer.DisposeAsync();
    }

    private void PollEvery(TimeSpan period)
    {
        if (period == _period) return;
        _period = period;
        _timer?.Change(period, period);
    }

    private bool IsSettled(Waiter waiter)
    {
        if (HasRead(waiter.Position)) { waiter.Done.TrySetResult(true); return true; }
        return System.Time.GetElapsedTime(waiter.AskedAt) > waiter.Deadline;
    }

    private bool HasRead(IReadOnlyDictionary<string, long> position)
    {
        var read = _directory.Position;
        return position.All(p => read.TryGetValue(p.Key, out var at) && at.Seq >= p.Value);
    }

    private void TellOfRewind()
    {
        if (_rewound.Count == 0 || OnRewound is not { } tell || _telling is { IsCompleted: false }) return;
        string[] streams = [.. _rewound];
        _telling = TellAsync();

        async Task TellAsync()
        {
            // Told again with the next read until somebody has heard it.
            if (await tell(streams)) _rewound.ExceptWith(streams);
        }
    }

    private FeedBatch BatchOf(FeedUpdate update)
    {
        var read = update.Read;
        var reset = new List<string>();
        var facts = new List<FeedFact>();
        var position = new Dictionary<string, StreamPosition>(_directory.Position);
        // Names that were known came from events that are no longer there: a journal that was lost, emptied or put back from an old copy.
        string[] lost = [.. read.Streams.Where(s => s.Reset && position.GetValueOrDefault(s.Stream).Seq > 0).Select(s => s.Stream)];
        if (lost.Length > 0) System.Log(ActorLogLevel.Alarm, Name, $"the journal no longer has the past of {lost.Length} streams that this node has read: it was rewound; what was lost is dropped", null);
        _rewound.UnionWith(lost);
        foreach (var stream in read.Streams)
        {
            if (stream.Reset)
            {
                reset.Add(stream.Stream);
                position.Remove(stream.Stream);
                if (stream.Snapshot is { } snapshot)
                {
                    facts.AddRange(FactsOf(stream.Stream, snapshot).Select(f => new FeedFact(stream.Stream, f)));
                    position[stream.Stream] = stream.SnapshotPosition;
                }
            }
            foreach (var row in stream.Rows)
                if (IsForDirectory(row.Kind)) facts.Add(new FeedFact(stream.Stream, EventCodec.Decode(row.Kind, row.Payload)));
            if (stream.Rows is [.., var last]) position[stream.Stream] = new StreamPosition(last.Term, last.Epoch, last.Seq);
        }
        return new FeedBatch(reset, facts, position, read.Now, new KnownAge(update.KnownAt, update.AgeThen), read.Standing);
    }

    private IEnumerable<MeshEvent> FactsOf(string stream, byte[] snapshot) =>
        stream == Streams.Vips ? _vipCore.Restore(snapshot).DirectoryFacts() : _shardCore.Restore(snapshot).DirectoryFacts();

    private static bool IsForDirectory(string kind) =>
        kind.StartsWith("host-", StringComparison.Ordinal) || kind.StartsWith("vip-granted", StringComparison.Ordinal) || kind.StartsWith("vip-released", StringComparison.Ordinal);

    /// <summary>What the feed is told: to read now, and to settle a waiter afterwards.</summary>
    public readonly record struct Message
    {
        internal Message(Waiter? waiter) => Waiter = waiter;

        internal Waiter? Waiter { get; }
    }

    internal sealed record Waiter(IReadOnlyDictionary<string, long> Position, TaskCompletionSource<bool> Done, long AskedAt, TimeSpan Deadline);
}
