using MeshDns.Actors.Directory;
using MeshDns.Actors.Journal;
using MeshDns.Actors.Runtime;
using MeshDns.Contracts.Messages;

namespace MeshDns.Actors.Cluster;

/// <summary>
/// Hands the change feed on to edges without database access: keeps the last rows that this node's own directory read, and answers from them. Only a
/// reader whose position is not among them costs the journal a read, and of those few at a time.
/// </summary>
public sealed class FeedRelay
{
    private const int MaxRows = 20_000;
    private const int MaxWaiting = 4096;
    private const int MaxJournalReads = 2;
    private const int MaxReaders = 256;

    private static readonly TimeSpan _readerLifetime = TimeSpan.FromSeconds(10);

    private readonly IJournal _journal;
    private readonly MeshDirectory _directory;
    private readonly IClusterMap _map;
    private readonly TimeProvider _time;
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Tail> _tails = [];
    private readonly Dictionary<string, Reader> _readers = [];
    private IReadOnlyDictionary<string, StreamPosition>? _position;
    private TaskCompletionSource<bool> _news = NewSignal();
    private int _rows;
    private int _waiting;
    private int _journalReads;

    /// <summary>Makes it for a node whose directory follows the journal.</summary>
    public FeedRelay(IJournal journal, MeshDirectory directory, IClusterMap map, TimeProvider time)
    {
        _journal = journal;
        _directory = directory;
        _map = map;
        _time = time;
    }

    /// <summary>The edges that read from this node now.</summary>
    public IReadOnlyList<EdgeReport> Readers
    {
        get
        {
            lock (_gate) return [.. _readers.Values.Where(r => _time.GetElapsedTime(r.SeenAt) < _readerLifetime).Select(r => r.Report)];
        }
    }

    /// <summary>The directory has taken in a read.</summary>
    public void Offer(FeedRead read, IReadOnlyDictionary<string, StreamPosition> before)
    {
        TaskCompletionSource<bool> news;
        lock (_gate)
        {
            if (read.Streams.Count == 0 && _position is not null) return;
            if (_rows > MaxRows)
            {
                _tails.Clear();
                _rows = 0;
            }
            foreach (var stream in read.Streams) Take(stream, before.GetValueOrDefault(stream.Stream));
            _position = _directory.Position;
            (news, _news) = (_news, NewSignal());
        }
        news.TrySetResult(true);
    }

    /// <summary>Waits until every edge that reads from this node has read this far; names those that have not.</summary>
    public async Task<IReadOnlyList<string>> AwaitReadersAsync(IReadOnlyDictionary<string, long> position, TimeSpan deadline, CancellationToken cancel)
    {
        var begin = _time.GetTimestamp();
        while (true)
        {
            var behind = Behind(position);
            if (behind.Count == 0 || _time.GetElapsedTime(begin) >= deadline) return behind;
            await Task.Delay(TimeSpan.FromMilliseconds(10), _time, cancel);
        }
    }

    /// <summary>Answers a reader: at once when there is something new, else when its wait is over.</summary>
    public async Task<NodeReply> ServeAsync(ReadFeed request, CancellationToken cancel)
    {
        var begin = _time.GetTimestamp();
        var from = request.Position.ToDictionary(p => p.Stream, p => new StreamPosition(p.Term, p.Epoch, p.Seq));
        var wait = TimeSpan.FromMilliseconds(Math.Clamp(request.WaitMs, 0, 10_000));
        Note(request.Reader, from);
        while (true)
        {
            TaskCompletionSource<bool> news;
            List<StreamFeed>? streams;
            lock (_gate)
            {
                if (_position is null) return new NodeRefusal(NodeFault.Unavailable, "this node has not read the journal yet");
                news = _news;
                streams = TryFeed(from, _position);
            }
            if (streams is null) return await FromJournalAsync(from, begin, cancel);
            var left = wait - _time.GetElapsedTime(begin);
            if (streams.Count > 0 || left <= TimeSpan.Zero) return ReplyOf(streams, _directory.ReadAt, _directory.Age, begin);
            await WaitAsync(news, left, cancel);
        }
    }

    private async Task WaitAsync(TaskCompletionSource<bool> news, TimeSpan left, CancellationToken cancel)
    {
        if (Interlocked.Increment(ref _waiting) > MaxWaiting)
        {
            Interlocked.Decrement(ref _waiting);
            throw new MeshUnavailableException("too many edges read from this node");
        }
        // One signal serves all who wait, so that each needs one of its own to give up on.
        var mine = NewSignal();
        try
        {
            _ = news.Task.ContinueWith(static (_, state) => ((TaskCompletionSource<bool>)state!).TrySetResult(true), mine, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Current);
            await mine.WithinAsync(left, _time, cancel);
        }
        catch (TimeoutException) { }
        finally { Interlocked.Decrement(ref _waiting); }
    }

    private async Task<NodeReply> FromJournalAsync(Dictionary<string, StreamPosition> from, long begin, CancellationToken cancel)
    {
        if (Interlocked.Increment(ref _journalReads) > MaxJournalReads)
        {
            Interlocked.Decrement(ref _journalReads);
            return new NodeRefusal(NodeFault.Unavailable, "enough edges read the journal through this node just now");
        }
        try
        {
            var askedAt = _time.GetTimestamp();
            var read = await _journal.ReadFeedAsync(from, cancel);
            return ReplyOf(read.Streams, read.Now, _time.GetElapsedTime(askedAt), begin);
        }
        finally { Interlocked.Decrement(ref _journalReads); }
    }

    private FeedReply ReplyOf(IReadOnlyList<StreamFeed> streams, long readAt, TimeSpan age, long begin) =>
        new([.. streams.Select(FeedMessages.Of)], readAt, (long)age.TotalMilliseconds, (long)_time.GetElapsedTime(begin).TotalMilliseconds, _map.Current.ToMessage());

    // What the reader lacks of what this node has; null when the rows kept here do not reach back to it. Whole reads only were taken in, so that the reader
    // goes from one database snapshot to another.
    private List<StreamFeed>? TryFeed(Dictionary<string, StreamPosition> from, IReadOnlyDictionary<string, StreamPosition> position)
    {
        var feeds = new List<StreamFeed>();
        foreach (var (stream, here) in position)
        {
            var there = from.GetValueOrDefault(stream);
            if (there == here) continue;
            if (!_tails.TryGetValue(stream, out var tail)) return null;
            var at = tail.Base == there ? 0 : tail.Rows.FindIndex(r => (r.Term, r.Epoch, r.Seq) == (there.Term, there.Epoch, there.Seq)) + 1;
            if (at == 0 && tail.Base != there) return null;
            if (at < tail.Rows.Count) feeds.Add(new StreamFeed(stream, false, null, default, tail.Rows[at..]));
        }
        return feeds;
    }

    private void Take(StreamFeed stream, StreamPosition before)
    {
        if (stream.Reset)
        {
            // What came before the reset is not to be handed on; who has it is sent to the journal.
            if (_tails.Remove(stream.Stream, out var old)) _rows -= old.Rows.Count;
            before = stream.SnapshotPosition;
        }
        if (!_tails.TryGetValue(stream.Stream, out var tail)) _tails.Add(stream.Stream, tail = new Tail(before, []));
        tail.Rows.AddRange(stream.Rows);
        _rows += stream.Rows.Count;
    }

    private void Note(EdgeReport reader, Dictionary<string, StreamPosition> from)
    {
        lock (_gate)
        {
            foreach (var gone in _readers.Where(r => _time.GetElapsedTime(r.Value.SeenAt) >= _readerLifetime).Select(r => r.Key).ToArray()) _readers.Remove(gone);
            if (_readers.Count < MaxReaders || _readers.ContainsKey(reader.Node)) _readers[reader.Node] = new Reader(reader, from, _time.GetTimestamp());
        }
    }

    private List<string> Behind(IReadOnlyDictionary<string, long> position)
    {
        lock (_gate)
            return [.. _readers.Values.Where(r => _time.GetElapsedTime(r.SeenAt) < _readerLifetime && position.Any(p => r.Position.GetValueOrDefault(p.Key).Seq < p.Value)).Select(r => r.Report.Node)];
    }

    private static TaskCompletionSource<bool> NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private sealed record Tail(StreamPosition Base, List<JournalRow> Rows);

    private sealed record Reader(EdgeReport Report, Dictionary<string, StreamPosition> Position, long SeenAt);
}
