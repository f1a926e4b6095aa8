using MeshDns.Actors.Directory;
using MeshDns.Actors.Log;
using MeshDns.Actors.Shards;
using MeshDns.Actors.Vips;
using MeshDns.Contracts.Events;

namespace MeshDns.Actors.Following;

/// <summary>Where a node without a database reads the log: owners' feeds.</summary>
internal interface IFeed
{
    /// <summary>What comes after a place; answered when there is something, or after about a second.</summary>
    /// <exception cref="MeshUnavailableException">No owner answers.</exception>
    Task<FeedSlice> ReadAsync(LogPosition after, CancellationToken cancel);

    /// <summary>A part of the newest image at or below a number; null when there is none.</summary>
    /// <exception cref="MeshUnavailableException">No owner answers.</exception>
    Task<(LogPosition Position, byte[] Bytes)?> ReadImageAsync(long atMost, string part, CancellationToken cancel);
}

/// <summary>A part of the log as an owner hands it on.</summary>
/// <param name="Holds">False when the log does not have the place.</param>
/// <param name="Rows">What comes after it, in order.</param>
/// <param name="IsAll">True when these are all that the owner has.</param>
/// <param name="AgeMs">How old the owner's knowledge was when it was asked; below zero when it is from after that.</param>
/// <param name="DatabaseMs">The journal's clock.</param>
/// <param name="IsCut">True when the place was cut away below an image.</param>
internal sealed record FeedSlice(bool Holds, IReadOnlyList<LogRow> Rows, bool IsAll, long AgeMs, long DatabaseMs, bool IsCut);

/// <summary>The one reader of the log on a node without a database: <see cref="LogFollower"/> over owners' feeds. It keeps the directory and nothing else.</summary>
internal sealed class FeedFollowing(IFeed feed, MeshDirectory directory, Buckets buckets, TimeProvider time, FollowerLog log) : IAsyncDisposable
{
    private const long BeginAgainMs = 1000;
    private static readonly TimeSpan _again = TimeSpan.FromMilliseconds(250);

    private readonly CancellationTokenSource _stop = new();
    private readonly DirectoryWriter _writer = new(directory, buckets.Count);
    private LogFollower _follower = LogFollower.At(LogPosition.Start, 0);
    private Task? _loop;
    private Moment? _stagedAt;
    private LogPosition? _mourned;
    private string? _broken;
    private bool _hasPlace;
    private bool _hasRead;
    private bool _hasFailed;
    private bool _isFailing;

    /// <summary>True once all that an owner had has been read.</summary>
    public bool HasRead => Volatile.Read(ref _hasRead);

    /// <summary>True while no owner hands the log on.</summary>
    public bool IsFailing => Volatile.Read(ref _isFailing);

    /// <summary>Begins to read.</summary>
    public void Start() => _loop ??= Task.Run(RunAsync, CancellationToken.None);

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
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                _hasFailed = false;
                _writer.GrowOld(time);
                if (_hasPlace || await TryBeginAsync()) await FollowAsync(new TimeToRead(IsUrgent: true));
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested) { return; }
            catch (Exception e)
            {
                // The one loop of the node must not end unseen.
                if (_broken != e.Message) log(true, "what an owner hands on cannot be taken in, and is read anew: " + e.Message);
                (_broken, _hasFailed, _hasPlace) = (e.Message, true, false);
            }
            if (_hasFailed) await Task.WhenAny(Task.Delay(_again, time, _stop.Token));
            else Succeed();
        }
    }

    private async Task<bool> TryBeginAsync()
    {
        try
        {
            // What an older build has saved lacks the settings: it is read anew, and answered from meanwhile.
            _follower = LogFollower.At((directory.Shared is null ? null : _writer.Saved) ?? await StageAsync(), 0);
            return _hasPlace = true;
        }
        catch (Exception e) when (e is MeshUnavailableException or FormatException)
        {
            Fail(e.Message);
            return false;
        }
    }

    private async Task FollowAsync(FollowerInput input)
    {
        var pending = new Queue<FollowerInput>([input]);
        while (pending.TryDequeue(out var next))
        {
            (_follower, var outputs) = _follower.Handle(next, buckets, Moment.Of(time));
            if (outputs.OfType<TakeIn>().Select(t => t.Transaction).ToArray() is { Length: > 0 } whole) _writer.Take(whole);
            foreach (var output in outputs)
                if (await CarryOutAsync(output) is { } more) pending.Enqueue(more);
        }
    }

    private async Task<FollowerInput?> CarryOutAsync(FollowerOutput output)
    {
        switch (output)
        {
            case ReadAfter read:
                try
                {
                    var slice = await feed.ReadAsync(read.Position, _stop.Token);
                    return new RowsRead(read.Id, slice.Holds, slice.Rows, slice.IsAll, slice.AgeMs, slice.DatabaseMs, slice.IsCut);
                }
                catch (Exception e) when (e is MeshUnavailableException or FormatException) { return Failed(read.Id, e.Message); }
            case LoadImage load:
                // An image and a log that do not fit are not read over and over.
                if (_stagedAt is { } staged && Moment.Of(time).Since(staged) < BeginAgainMs) return Failed(load.Id, "the newest image and the log do not fit");
                try { return new ImageLoaded(load.Id, await StageAsync(), 0); }
                catch (Exception e) when (e is MeshUnavailableException or FormatException) { return Failed(load.Id, e.Message); }
            case KnownUpTo known:
                _writer.Know(known, time);
                Volatile.Write(ref _hasRead, true);
                break;
            case PastIsGone gone:
                if (_mourned != gone.Position) log(true, $"the log no longer has {gone.Position}, which this node has read: {gone.Why}");
                _mourned = gone.Position;
                break;
            default: break;
        }
        return null;
    }

    // All parts of one image: where another has come meanwhile, it begins anew.
    private async Task<LogPosition> StageAsync()
    {
        var vips = new VipLedgerCore(directory.Range);
        if (await feed.ReadImageAsync(long.MaxValue, MeshImage.LedgerPart, _stop.Token) is not { } ledger)
        {
            return Stage([], LogPosition.Start);
        }
        var facts = new List<MeshEvent>();
        for (var bucket = 0; bucket < buckets.Count; bucket++)
        {
            if (await feed.ReadImageAsync(ledger.Position.Number, buckets.TagOf(bucket), _stop.Token) is not { } part || part.Position != ledger.Position)
                throw new MeshUnavailableException("the image has gone while it was read");
            facts.AddRange(ShardTableSnapshot.Read(PackedBytes.OfStored(part.Bytes).Unpack()).DirectoryFacts());
        }
        var restored = vips.Restore(PackedBytes.OfStored(ledger.Bytes).Unpack());
        facts.AddRange(restored.DirectoryFacts());
        facts.Add(new QuarantineChanged(restored.QuarantineMs) { At = restored.LastAt });
        // An owner of an older build does not hand them on; the next row that changes one does.
        if (await feed.ReadImageAsync(ledger.Position.Number, MeshImage.SettingsPart, _stop.Token) is { } settings && settings.Position == ledger.Position)
            facts.Add(MeshImage.ReadSettings(settings.Bytes));
        return Stage(facts, ledger.Position);
    }

    private LogPosition Stage(List<MeshEvent> facts, LogPosition position)
    {
        _writer.Stage(facts);
        _stagedAt = Moment.Of(time);
        return position;
    }

    private ReadHasFailed Failed(long id, string why)
    {
        Fail(why);
        return new ReadHasFailed(id);
    }

    private void Fail(string why)
    {
        if (!_isFailing) log(false, "no owner hands the log on; answers go on from what is known: " + why);
        (_isFailing, _hasFailed) = (true, true);
    }

    private void Succeed()
    {
        if (_isFailing) log(false, "an owner hands the log on again");
        _isFailing = false;
    }
}
