using System.Threading.Channels;
using MeshDns.Actors.Changes;
using MeshDns.Actors.Directory;
using MeshDns.Actors.Log;
using MeshDns.Actors.Store;
using MeshDns.Actors.Vips;
using MeshDns.Contracts.Events;

namespace MeshDns.Actors.Following;

/// <summary>What an owner's node says of its follower, for logs.</summary>
internal delegate void FollowerLog(bool isAlarm, string text);

/// <summary>
/// The one reader of the log on an owner node, outside of the actor system: it carries out what <see cref="LogFollower"/> wants. It is the single writer of the directory, folds the ledger, hands shards of its node
/// their facts. One loop; everything else asks it by a bounded queue.
/// </summary>
internal sealed class LogFollowing : IAsyncDisposable
{
    private const int MaxQueued = 4096;
    private const long BeginAgainMs = 1000;
    private static readonly TimeSpan _tick = TimeSpan.FromMilliseconds(250);

    private readonly ILogStore _store;
    private readonly MeshFold _fold;
    private readonly VipLedgerCore _vips;
    private readonly MeshDirectory _directory;
    private readonly TimeProvider _time;
    private readonly FollowerLog _log;
    private readonly DirectoryWriter _writer;
    private readonly ConfirmedReads _reads;
    private readonly Channel<FollowerInput> _inputs = Channel.CreateBounded<FollowerInput>(new BoundedChannelOptions(MaxQueued) { SingleReader = true, FullMode = BoundedChannelFullMode.DropWrite });
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _gate = new();
    private readonly Dictionary<int, ShardFeed> _shards = [];
    private readonly FollowerWaiters _waiters;
    private readonly List<LogRow> _open = [];
    private LogFollower _follower = LogFollower.At(LogPosition.Start, 0);
    private MeshState _state;
    private KnowledgeAge? _age;
    private PastLost? _lost;
    private Task? _loop;
    private Moment? _triedAt;
    private Moment? _stagedAt;
    private long _databaseMs;
    private long _toldOf;
    private bool _isFilled;
    private string? _trouble;
    private bool _isStarted;

    /// <summary>Makes it; <see cref="Start"/> runs it.</summary>
    /// <param name="store">The log.</param>
    /// <param name="fold">The cluster's fold.</param>
    /// <param name="directory">What it feeds.</param>
    /// <param name="time">The clock.</param>
    /// <param name="confirmEvery">What is read counts only once a standby has confirmed a look; so often one is asked to. Null: there is none.</param>
    /// <param name="log">What it says.</param>
    public LogFollowing(ILogStore store, MeshFold fold, MeshDirectory directory, TimeProvider time, Func<TimeSpan>? confirmEvery, FollowerLog log)
    {
        (_store, _fold, _directory, _time, _log) = (store, fold, directory, time, log);
        _reads = new ConfirmedReads(store, confirmEvery, time);
        (_vips, _state) = (new VipLedgerCore(fold.Range), fold.Empty);
        _waiters = new FollowerWaiters(time, MaxQueued);
        _writer = new DirectoryWriter(directory, fold.Buckets.Count);
    }

    /// <summary>How far it has taken in what it read: the ledger has it, and the directory unless it is being filled.</summary>
    public LogPosition Position => State.Position;

    /// <summary>Everything that the log says but documents and hosts, as far as it has read.</summary>
    public MeshState State
    {
        get { lock (_gate) return _state; }
    }

    /// <summary>How old what it knows is; null before it knows anything of this life.</summary>
    public TimeSpan? Age
    {
        get { lock (_gate) return _age is { } age ? TimeSpan.FromMilliseconds(age.At(Now)) : null; }
    }

    /// <summary>
    /// How far it has read, and how old that is; null before it knows anything of this life, and while it begins anew with an image: its age is that of what it knew before, its place the image's.
    /// </summary>
    public (LogPosition Position, TimeSpan Age)? Known
    {
        get { lock (_gate) return _isFilled && _age is { } age ? (_state.Position, TimeSpan.FromMilliseconds(age.At(Now))) : null; }
    }

    /// <summary>Leases of a past that the log no longer has, until a row says that it is lost; null for none.</summary>
    public PastLost? Lost
    {
        get { lock (_gate) return _lost; }
    }

    /// <summary>Why the log cannot be read now; null while it can.</summary>
    public string? Trouble => Volatile.Read(ref _trouble);

    /// <summary>The newest rows, for readers of this node's feed.</summary>
    public FeedTail Tail { get; } = new();

    /// <summary>The journal's clock at the last look at the log's end, milliseconds since the Unix epoch.</summary>
    public long DatabaseMs => Interlocked.Read(ref _databaseMs);

    private Moment Now => Moment.Of(_time);

    /// <summary>Begins to read.</summary>
    public void Start() => _loop ??= Task.Run(RunAsync, CancellationToken.None);

    /// <summary>Tells it that the log has gone on, with the rows where they are small.</summary>
    public void Tell(LogPosition end, IReadOnlyList<LogRow> rows)
    {
        Interlocked.Exchange(ref _toldOf, end.Number);
        _inputs.Writer.TryWrite(new ToldOfEnd(end, rows));
    }

    /// <summary>Rows that the log is known to have and that are not taken in yet.</summary>
    public long Lag => Math.Max(0, Interlocked.Read(ref _toldOf) - Position.Number);

    /// <summary>Keeps for a shard what comes from now on, in order.</summary>
    public ShardFeed Subscribe(int bucket)
    {
        lock (_gate) return _shards[bucket] = new ShardFeed();
    }

    /// <summary>Ends that, if it is still the same shard's.</summary>
    public void Unsubscribe(int bucket, ShardFeed feed)
    {
        lock (_gate)
            if (_shards.TryGetValue(bucket, out var there) && there == feed) _shards.Remove(bucket);
    }

    /// <summary>Looks at the log's end and waits until all that is there is known here; the place then. Null when that takes longer, or the log cannot be read.</summary>
    public Task<LogPosition?> SeeEndAsync(TimeSpan patience)
    {
        var seen = _waiters.WaitForEndAsync(Now, patience);
        _inputs.Writer.TryWrite(new TimeToRead(IsUrgent: true));
        return seen;
    }

    /// <summary>Waits until a row is known here; null when it takes longer.</summary>
    public Task<LogPosition?> WaitForAsync(long number, TimeSpan patience) => _waiters.WaitForAsync(number, patience);

    /// <summary>Reads no more.</summary>
    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        if (_loop is { } loop) await loop;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        var ticker = new PeriodicTimer(_tick, _time);
        var tick = ticker.WaitForNextTickAsync(_stop.Token).AsTask();
        try
        {
            while (!_stop.IsCancellationRequested)
            {
                if (!_isStarted && (_triedAt is not { } tried || Now.Since(tried) >= BeginAgainMs)) await TryBeginAsync();
                var news = _inputs.Reader.WaitToReadAsync(_stop.Token).AsTask();
                await Task.WhenAny(news, tick);
                if (tick.IsCompletedSuccessfully)
                {
                    tick = ticker.WaitForNextTickAsync(_stop.Token).AsTask();
                    lock (_gate) _age = _age?.Seen(Now);
                    _writer.GrowOld(_time);
                    if (_isStarted) await HandleAsync(new TimeToRead());
                }
                while (_isStarted && _inputs.Reader.TryRead(out var input)) await HandleAsync(input);
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested) { }
        finally { ticker.Dispose(); }
    }

    // A saved directory goes on from its place, if the log still has it; the ledger is folded up to there. Else an image, and what comes after it.
    private async Task TryBeginAsync()
    {
        _triedAt = Now;
        try
        {
            var saved = _writer.Saved;
            var (state, isCut) = saved is { } place ? await LedgerAtAsync(place) : (null, false);
            if (state is not null)
            {
                _writer.GoOn(state);
                lock (_gate)
                {
                    _state = state;
                    _follower = LogFollower.At(state.Position, state.At);
                }
                Forget();
            }
            else
            {
                if (saved is { } gone && !isCut) LosePast(gone, "the saved directory knows it, the log does not");
                await StageAsync();
                lock (_gate) _follower = LogFollower.At(_state.Position, _state.At);
            }
            _isStarted = true;
            Succeed();
            await HandleAsync(new TimeToRead());
        }
        catch (Exception e) when (e is not OperationCanceledException) { Fail(e.Message); }
    }

    private async Task<(MeshState? State, bool IsCut)> LedgerAtAsync(LogPosition place)
    {
        var image = await _store.FindImageAsync(place.Number, [MeshImage.RestPart, MeshImage.LedgerPart], _stop.Token);
        var state = image?.ReadWithoutTables(_fold.Buckets, _vips) ?? _fold.Empty;
        var reader = new TransactionReader(state.Position, state.At);
        while (state.Position.Number < place.Number)
        {
            var slice = await _store.ReadAsync(reader.Position, false, _stop.Token);
            if (!slice.Holds || slice.Rows.Count == 0) return (null, slice.IsCut);
            foreach (var row in slice.Rows)
            {
                (reader, var whole) = reader.Read(row, _fold.Buckets);
                if (whole is not null) state = _fold.ApplyWithoutTables(state, whole);
                if (state.Position.Number >= place.Number) break;
            }
        }
        return (state.Position == place ? state : null, false);
    }

    private async Task StageAsync()
    {
        _stagedAt = Now;
        Forget();
        var image = await _store.FindImageAsync(long.MaxValue, null, _stop.Token);
        var state = image?.Read(_fold.Buckets, _vips) ?? _fold.Empty;
        _writer.Stage(state);
        lock (_gate)
        {
            _isFilled = false;
            _waiters.Take(null, null);
            _state = state with { Tables = BucketTables.Empty(_fold.Buckets.Count) };
        }
    }

    // What cannot be followed any more is begun anew, a second later: the one loop of the node must not end unseen.
    private async Task HandleAsync(FollowerInput input)
    {
        try { await FollowAsync(input); }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            _log(true, $"the log cannot be followed after {Position}, and is read anew: {e.Message}");
            (_isStarted, _triedAt) = (false, Now);
        }
    }

    private async Task FollowAsync(FollowerInput input)
    {
        var pending = new Queue<FollowerInput>([input]);
        while (pending.TryDequeue(out var next))
        {
            IReadOnlyList<FollowerOutput> outputs;
            lock (_gate) (_follower, outputs) = _follower.Handle(next, _fold.Buckets, Now);
            Transaction[] whole = [.. outputs.OfType<TakeIn>().Select(t => t.Transaction)];
            TakeIn(whole);
            KeepForReaders(next, whole, isRefused: outputs.Any(o => o is LoadImage));
            foreach (var output in outputs)
                if (await CarryOutAsync(output) is { } more) pending.Enqueue(more);
        }
    }

    private async Task<FollowerInput?> CarryOutAsync(FollowerOutput output)
    {
        switch (output)
        {
            case ReadAfter read: return await ReadAsync(read);
            case LoadImage load:
                // An image and a log that do not fit are not read over and over.
                if (_stagedAt is { } staged && Now.Since(staged) < BeginAgainMs)
                {
                    Fail("the newest image and the log do not fit");
                    return new ReadHasFailed(load.Id);
                }
                try
                {
                    await StageAsync();
                    Succeed();
                    return new ImageLoaded(load.Id, _state.Position, _state.At);
                }
                catch (Exception e) when (e is StoreUnavailableException or FormatException or BrokenLogException)
                {
                    Fail(e.Message);
                    return new ReadHasFailed(load.Id);
                }
            case KnownUpTo known: Know(known); break;
            case PastIsGone gone: LosePast(gone.Position, gone.Why); break;
            default: break;
        }
        return null;
    }

    private async Task<FollowerInput> ReadAsync(ReadAfter read)
    {
        try
        {
            var (slice, ageMs) = await _reads.ReadAsync(read.Position, _stop.Token);
            Succeed();
            return new RowsRead(read.Id, slice.Holds, slice.Rows, slice.IsAll, ageMs, slice.DatabaseMs, slice.IsCut);
        }
        catch (StoreUnavailableException e)
        {
            Fail(e.Message);
            return new ReadHasFailed(read.Id);
        }
    }

    private void TakeIn(Transaction[] transactions)
    {
        if (transactions.Length == 0) return;
        _writer.Take(transactions);
        lock (_gate)
        {
            foreach (var whole in transactions)
            {
                _state = _fold.ApplyWithoutTables(_state, whole);
                if (whole.Facts.Any(f => f is TimelineSeen { RestUntil: > 0 })) _lost = null;
            }
            foreach (var (bucket, feed) in _shards)
                foreach (var whole in transactions) feed.Add(whole.Before, whole.Position, whole.Buckets.ContainsKey(bucket) ? whole.Facts.Where(f => IsOf(f, bucket)) : []);
            _isFilled = !_writer.IsStaging;
            _waiters.Take(_isFilled ? _state.Position : null, null);
        }
    }

    // Readers hear nothing of a past that may be gone, nor a row twice.
    private void Forget()
    {
        _open.Clear();
        Tail.Clear();
    }

    // Rows of a transaction whose end is still to come wait for it.
    private void KeepForReaders(FollowerInput input, Transaction[] whole, bool isRefused)
    {
        if (isRefused) return;
        IReadOnlyList<LogRow> rows = input switch { RowsRead { Holds: true } read => read.Rows, ToldOfEnd told when whole.Length > 0 => told.Rows, _ => [] };
        _open.AddRange(rows);
        if (whole.Length == 0) return;
        var end = whole[^1].Position.Number;
        Tail.Add(whole[0].Before, [.. _open.Where(r => r.Number <= end)]);
        _open.RemoveAll(r => r.Number <= end);
    }

    private bool IsOf(MeshEvent fact, int bucket) => fact is not LogFact && _fold.Buckets.Of(fact) == bucket;

    private void Know(KnownUpTo known)
    {
        _writer.Know(known, _time);
        Interlocked.Exchange(ref _databaseMs, known.DatabaseMs);
        lock (_gate)
        {
            _age = known.Age;
            _isFilled = true;
            _waiters.Take(_state.Position, known.Age.AskedAt);
        }
    }

    private void LosePast(LogPosition place, string why)
    {
        _log(true, $"the log no longer has {place}, which this node has read: {why}. Every free VIP rests for a full quarantine");
        Tail.Clear();
        lock (_gate)
        {
            if (_directory.IsLoaded && !_writer.IsStaging) _lost = new PastLost([.. _directory.Hosts.Where(h => h.VipIndex != HostEntry.NoVip).Select(h => new KnownLease(h.VipIndex, h.Host))]).With(_lost);
            foreach (var feed in _shards.Values) feed.Lose();
        }
    }

    private void Fail(string why)
    {
        if (_trouble is null) _log(false, "cannot read the log; answers go on from what is known: " + why);
        Volatile.Write(ref _trouble, why);
    }

    private void Succeed()
    {
        if (_trouble is not null) _log(false, "the log can be read again");
        Volatile.Write(ref _trouble, null);
    }
}
