using MeshDns.Actors.Changes;
using MeshDns.Actors.Directory;
using MeshDns.Actors.Log;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Names;

namespace MeshDns.Actors.Tests.Log.Simulation;

/// <summary>A directory as a node's disk has it.</summary>
internal sealed record SavedDirectory(DirectoryImage Image, LogPosition Position, long At, long KnownAtWallMs, long SavedAtWallMs);

/// <summary>Where a follower reads: the journal, or an owner's feed. What it answers is passed on as it is.</summary>
internal interface ILogSource
{
    void Read(long id, LogPosition after, Action<FollowerInput> done);

    /// <summary>The newest image; null for none, and then the log is read from its start. <paramref name="done"/> gets nothing when that cannot be told now.</summary>
    void LoadImage(Action<MeshState?> done, Action failed);
}

/// <summary>A node's directory and what feeds it: carries out what <see cref="LogFollower"/> wants.</summary>
internal sealed class FollowedDirectory
{
    private readonly LogWorld _world;
    private readonly LogNode _node;
    private readonly ILogSource _source;
    private readonly IReadOnlyList<string> _streams;
    private readonly Dictionary<long, LogRow> _seen = [];
    private readonly List<LogRow> _kept = [];
    private LogFollower _follower;
    private KnowledgeAge? _age;
    private long _databaseMs;
    private long _at;
    private readonly List<(long Since, Action Done)> _waiting = [];
    private bool _isFollowing;
    private List<MeshEvent>? _staged = [];
    private (IReadOnlyList<MeshEvent> Facts, LogPosition Position)? _secondHalf;

    public FollowedDirectory(LogWorld world, LogNode node, ILogSource source, SavedDirectory? saved)
    {
        (_world, _node, _source) = (world, node, source);
        var shards = world.Fold.Buckets.Count;
        _streams = Streams.All(shards);
        Directory = new MeshDirectory(world.Range, new MeshZones([LogWorld.ClusterDomain]), shards, TimeProvider.System, what => world.Problems.Add($"the directory of {node.Name} refused a fact at {world.NowMs}: {what}"));
        _follower = LogFollower.At(LogPosition.Start, 0);
        KeptFrom = LogPosition.Start;
        if (saved is null) return;
        Directory.Restore(saved.Image);
        _staged = null;
        _at = saved.At;
        _follower = LogFollower.At(saved.Position, saved.At);
        KeptFrom = saved.Position;
        IsAgeOfFile = true;
        _age = KnowledgeAge.OfSaved(saved.KnownAtWallMs, saved.SavedAtWallMs, node.Process.Now);
        if (_age is null && world.Bug == LogBug.AgeOfFuture) _age = new KnowledgeAge(node.Process.Now, 0);
        _databaseMs = saved.KnownAtWallMs;
    }

    public MeshDirectory Directory { get; }

    public LogPosition Position => _follower.Position;

    /// <summary>Before the first row that is kept for readers of the feed.</summary>
    public LogPosition KeptFrom { get; private set; }

    /// <summary>Rows after it, up to the position.</summary>
    public IReadOnlyList<LogRow> Kept => _kept;

    /// <summary>Leases of a past that the log no longer has, until somebody has written that it is lost; null for none.</summary>
    public PastLost? Lost { get; private set; }

    /// <summary>True while the age is that of a saved directory: a wall clock that was set back between two lives is believed.</summary>
    public bool IsAgeOfFile { get; private set; }

    /// <summary>How old what is known is; null: nobody knows, or nothing is known.</summary>
    public long? AgeMs
    {
        get
        {
            if (_age is not { } age || !Directory.IsLoaded) return null;
            var now = _node.Process.Now;
            return _world.Bug switch
            {
                LogBug.AgeStandsStill => now.MonotonicMs - age.AskedAt.MonotonicMs + age.SourceAgeMs,
                LogBug.AgeOfTwoClocks => Math.Max(0, now.WallMs - _databaseMs),
                _ => age.At(now),
            };
        }
    }

    public void Begin()
    {
        if (_staged is null || _world.Random.Next(2) == 0) Follow(null);
        else _source.LoadImage(Follow, () => Follow(null));
    }

    public void Handle(FollowerInput input)
    {
        if (!_isFollowing) return;
        foreach (var row in RowsOf(input)) _seen[row.Number] = row;
        var before = _follower.Position;
        (_follower, var outputs) = _follower.Handle(input, _world.Fold.Buckets, _node.Process.Now);
        if (input is not ImageLoaded && _follower.Position.Number > before.Number) Keep(before, _follower.Position);
        CarryOut(outputs, 0);
    }

    /// <summary>Says when all that there is now is known here.</summary>
    public void WhenKnown(Action done)
    {
        _waiting.Add((_node.Process.Now.MonotonicMs, done));
        Handle(new TimeToRead(IsUrgent: true));
    }

    public SavedDirectory? Capture()
    {
        if (_staged is not null || AgeMs is not { } age || _secondHalf is not null) return null;
        var wall = _node.Process.Now.WallMs;
        return new SavedDirectory(Directory.Capture(), Position, _at, wall - age, wall);
    }

    /// <summary>Notes which settings the directory has, and at which place.</summary>
    public void NoteShared()
    {
        if (!Directory.IsLoaded) return;
        var at = Directory.Position;
        // What is served is what counts: a TTL above the cap is as good as another setting.
        var served = Directory.Shared is { } shared && shared.LargestTtlMs != Directory.LargestTtl * 1000L ? shared with { LargestTtlMs = Directory.LargestTtl * 1000L } : Directory.Shared;
        _world.Shared.Note($"the directory of {_node.Name}", new LogPosition(at.Number, at.Term), served);
    }

    /// <summary>Planted: takes settings before they are in the log.</summary>
    public void Foresee(IEnumerable<MeshEvent> facts)
    {
        if (Directory.IsLoaded) Directory.Apply(new FeedBatch([], [.. facts], Directory.Position, 0));
    }

    /// <summary>What is leased, as far as this directory knows.</summary>
    public PastLost Leases() => new([.. Directory.Hosts.Where(h => h.VipIndex != HostEntry.NoVip).Select(h => new KnownLease(h.VipIndex, h.Host))]);

    private static IReadOnlyList<LogRow> RowsOf(FollowerInput input) => input switch
    {
        ToldOfEnd told => told.Rows,
        RowsRead read => read.Rows,
        _ => [],
    };

    private void Follow(MeshState? image)
    {
        _isFollowing = true;
        if (image is not null)
        {
            _follower = LogFollower.At(image.Position, image.At);
            Stage(image);
        }
        Handle(new TimeToRead());
        _node.Process.Every(250, () =>
        {
            if (_world.Bug is not (LogBug.AgeUnseen or LogBug.AgeStandsStill or LogBug.AgeOfTwoClocks)) _age = _age?.Seen(_node.Process.Now);
            Handle(new TimeToRead());
        });
    }

    private void Stage(MeshState? image)
    {
        _at = image?.At ?? 0;
        KeptFrom = image?.Position ?? LogPosition.Start;
        _kept.Clear();
        _seen.Clear();
        _staged = image is null ? [] : [.. Enumerable.Range(0, image.Tables.Count).SelectMany(b => image.Tables[b].DirectoryFacts()), .. image.Ledger.DirectoryFacts(), .. _world.Bug == LogBug.ImageWithoutSettings ? [] : image.DirectoryFacts];
    }

    private void Keep(LogPosition before, LogPosition after)
    {
        for (var number = before.Number + 1; number <= after.Number; number++)
            if (_seen.Remove(number, out var row)) _kept.Add(row);
            else throw new InvalidOperationException($"{_node.Name} went from {before} to {after} without row {number}");
    }

    private void CarryOut(IReadOnlyList<FollowerOutput> outputs, int from)
    {
        for (var i = from; i < outputs.Count; i++)
        {
            _world.Stumble(_node);
            if (!_node.Process.IsRunning)
            {
                var next = i;
                _node.Process.Run(() => CarryOut(outputs, next));
                return;
            }
            CarryOut(outputs[i]);
        }
    }

    private void CarryOut(FollowerOutput output)
    {
        switch (output)
        {
            case ReadAfter read: _source.Read(read.Id, read.Position, Handle); break;
            case LoadImage load:
                _source.LoadImage(image =>
                {
                    Stage(image);
                    Handle(new ImageLoaded(load.Id, image?.Position ?? LogPosition.Start, image?.At ?? 0));
                }, () => Handle(new ReadHasFailed(load.Id)));
                break;
            case TakeIn taken: Take(taken.Transaction); break;
            case KnownUpTo known: Know(known); break;
            case PastIsGone gone:
                _world.Say($"{_node.Name}: the log no longer has {gone.Position}: {gone.Why}");
                if (!_world.Kind.MayLosePast && _world.Bug == LogBug.None) _world.Problems.Add($"{_node.Name} alarms of a lost past at {_world.NowMs}, though nothing was lost: {gone.Position} {gone.Why}");
                if (Directory.IsLoaded) Lost = Leases();
                _node.Shards.PastIsGone();
                break;
            default: throw new InvalidOperationException(output.ToString());
        }
    }

    private void Take(Transaction whole)
    {
        _at = whole.At;
        if (whole.Facts.Any(f => f is TimelineSeen { RestUntil: > 0 })) Lost = null;
        whole = _world.Spoil(whole);
        if (_node.IsOwner) _node.Shards.Tell(whole);
        if (_staged is not null) _staged.AddRange(whole.Facts);
        else if (_world.Bug == LogBug.SplitTransaction && whole.Facts.Count > 1) Split(whole);
        else if (_world.Bug == LogBug.SettingsUnheard) Apply([.. whole.Facts.Where(f => f is not (SettingsChanged or QuarantineChanged))], whole.Position);
        else Apply(whole.Facts, whole.Position);
    }

    private void Split(Transaction whole)
    {
        var half = whole.Facts.Count / 2;
        Apply([.. whole.Facts.Take(half)], whole.Position);
        _secondHalf = ([.. whole.Facts.Skip(half)], whole.Position);
        _node.Process.After(400, FinishHalf);
    }

    private void FinishHalf()
    {
        if (_secondHalf is not { } half) return;
        _secondHalf = null;
        Apply(half.Facts, half.Position);
    }

    private void Apply(IReadOnlyList<MeshEvent> facts, LogPosition position)
    {
        FinishHalf();
        Directory.Apply(new FeedBatch([], [.. facts], PositionOf(position), 0));
        NoteShared();
    }

    private void Know(KnownUpTo output)
    {
        if (_staged is { } facts)
        {
            Directory.Apply(new FeedBatch(_streams, [.. facts], PositionOf(output.Position), 0));
            _staged = null;
            NoteShared();
        }
        _databaseMs = output.DatabaseMs;
        IsAgeOfFile = false;
        var known = _waiting.FindAll(w => w.Since <= output.Age.AskedAt.MonotonicMs);
        _waiting.RemoveAll(known.Contains);
        foreach (var (_, done) in known) done();
        _age = _world.Bug == LogBug.AgeFromArrival && !_node.IsOwner ? output.Age with { AskedAt = _node.Process.Now } : output.Age;
    }

    private static DirectoryPosition PositionOf(LogPosition position) => new(position.Number, position.Term);
}
