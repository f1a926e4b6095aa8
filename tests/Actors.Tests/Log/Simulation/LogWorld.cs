using System.Globalization;
using MeshDns.Actors.Changes;
using MeshDns.Actors.Log;
using MeshDns.Actors.Shards;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Vips;
using MeshDns.Tests.Shared.Judge;

namespace MeshDns.Actors.Tests.Log.Simulation;

/// <summary>A whole cluster on one agenda: the journal, the network, the nodes, and what is known of them.</summary>
internal sealed class LogWorld
{
    public const long QuarantineMs = 60_000;
    public const long MaxTtlMs = 10_000;

    /// <summary><c>dns.ttl</c> of every node: the cap of the log is what counts.</summary>
    public const long NodesTtlMs = 20_000;

    private readonly Dictionary<string, SavedDirectory> _saved = [];
    private readonly Dictionary<string, long> _wallOffsets = [];
    private readonly Dictionary<LogPosition, MeshState> _folded = [];

    /// <summary>A world of a seed.</summary>
    /// <param name="seed">The seed.</param>
    /// <param name="bug">What is planted in it.</param>
    /// <param name="kindOf">The mistake that it is to be the right world for.</param>
    public LogWorld(int seed, LogBug bug, LogBug kindOf)
    {
        Random = new Random(seed);
        Bug = bug;
        var shards = 4 + Random.Next(5);
        Range = new VipRange(Cidr.Parse("240.240.0.0/28"), Cidr.Parse("2001:2::/48"));
        Fold = new MeshFold(Range, new Buckets(shards));
        Decision = new ChangeDecision(Fold, new ChangePlanner(shards, Range));
        Core = new ChangeLog(Fold, Decision);
        Kind = WorldKind.Draw(Random, kindOf);
        Log = new SimulatedLog(this, bug switch { LogBug.NoChain => ChainCheck.Off, LogBug.NumbersOnly => ChainCheck.NumbersOnly, _ => ChainCheck.Whole });
        Network = new LogNetwork(this, new Random(Random.Next()));
        Membership = new LogMembership(this);
    }

    public static HostName ClusterDomain { get; } = HostName.Parse("cluster.local");

    /// <summary>What the log is founded with.</summary>
    public static SharedSettings FirstSettings { get; } = new(QuarantineMs, MaxTtlMs, [], ClusterDomain.Text);

    public Agenda Agenda { get; } = new();

    public Random Random { get; }

    public LogBug Bug { get; }

    public WorldKind Kind { get; }

    public VipRange Range { get; }

    public MeshFold Fold { get; }

    public ChangeDecision Decision { get; }

    public ChangeLog Core { get; }

    public SimulatedLog Log { get; }

    public LogNetwork Network { get; }

    public LogMembership Membership { get; }

    public History History { get; } = new();

    public List<string> Trace { get; } = [];

    public List<string> Problems { get; } = [];

    /// <summary>The newest start of every node.</summary>
    public SortedDictionary<string, LogNode> Nodes { get; } = new(StringComparer.Ordinal);

    /// <summary>Every start there was.</summary>
    public List<LogNode> AllNodes { get; } = [];

    /// <summary>True while nothing is to go wrong by itself.</summary>
    public bool IsCalm { get; set; } = true;

    public long NowMs => Agenda.NowMs;

    public IEnumerable<LogNode> Running => Nodes.Values.Where(n => n.Process.IsRunning);

    public IEnumerable<LogNode> Owners => Nodes.Values.Where(n => n.IsOwner);

    public int Terms { get; private set; }

    /// <summary>Changes that were asked for, over all APIs.</summary>
    public long Calls { get; set; }

    /// <summary>Images that a row vouches for.</summary>
    public int Images { get; set; }

    /// <summary>Where such rows may stand: a hint for whoever looks for them.</summary>
    public HashSet<LogPosition> Vouching { get; } = [];

    /// <summary>Which settings readers had at which place.</summary>
    public SharedPlaces Shared { get; } = new();

    /// <summary>What shards answered with.</summary>
    public List<(string Node, int Bucket, LogPosition Position, BucketView View)> Reads { get; } = [];

    public void Say(string what) => Trace.Add(string.Create(CultureInfo.InvariantCulture, $"{NowMs / 1000.0,8:0.000} {what}"));

    public string NewTerm() => string.Create(CultureInfo.InvariantCulture, $"{++Terms:x4}{Random.NextInt64() & 0xFFFFFFFFFFFF:x12}");

    /// <summary>Starts a process of this name; its data directory is what the one before left behind.</summary>
    public LogNode Start(string name)
    {
        var saved = Random.Next(4) != 0 ? _saved.GetValueOrDefault(name) : null;
        var node = new LogNode(this, new LogProcess(Agenda, name, _wallOffsets.GetValueOrDefault(name)), AllNodes.Count, saved);
        Nodes[name] = node;
        AllNodes.Add(node);
        Say($"{name} starts{(saved is null ? "" : $" with its saved directory of {saved.Position}")}");
        node.Begin();
        return node;
    }

    public void Crash(LogNode node)
    {
        if (node.Process.IsCrashed) return;
        node.DownSince ??= NowMs;
        node.Process.Crash();
        Log.Abandon(node.Process);
    }

    /// <summary>A process may die or be held between any two things that it does.</summary>
    public void Stumble(LogNode node)
    {
        if (IsCalm || Random.Next(4000) != 0 || !node.Process.IsRunning) return;
        if (Random.Next(2) == 0) Faults?.CrashAt(node);
        else Faults?.HoldAt(node);
    }

    public LogFaults? Faults { get; set; }

    public void Alarm(string who, string text)
    {
        Say($"ALARM {who}: {text}");
        if (Bug == LogBug.None && !Kind.MayLosePast && text.Contains("no longer has", StringComparison.Ordinal)) Problems.Add($"{who} alarms at {NowMs}, though nothing was lost: {text}");
    }

    /// <summary>Leases of a past that some other node knows and the log does not hold: a new incarnation asks whom it reaches, since the first to grant must be the first to know.</summary>
    public PastLost? LostElsewhere(LogNode asker, Func<LogPosition, bool> holds)
    {
        if (!Kind.MayLosePast) return null;
        KnownLease[] known = [.. Running.Where(n => n != asker && n.Followed.Directory.IsLoaded && !holds(n.Followed.Position)).SelectMany(n => n.Followed.Leases().Known).Distinct()];
        return known.Length == 0 ? null : new PastLost(known);
    }

    public void Save(LogNode node)
    {
        if (node.Followed.Capture() is { } saved) _saved[node.Name] = saved;
    }

    public void SetWall(string name, long offsetMs)
    {
        _wallOffsets[name] = offsetMs;
        if (Nodes.TryGetValue(name, out var node)) node.Process.WallOffsetMs = offsetMs;
    }

    public long WallOf(string name) => _wallOffsets.GetValueOrDefault(name);

    /// <summary>
    /// What rows give, from the first: the fold is a function, so that what it gave once for a place is kept. The end of each run folds anew.
    /// </summary>
    /// <exception cref="BrokenLogException">They are no whole log.</exception>
    public MeshState FoldOf(IReadOnlyList<LogRow> rows)
    {
        var from = rows.Count;
        MeshState? known = null;
        while (from > 0 && !_folded.TryGetValue(rows[from - 1].Position, out known)) from--;
        var state = known ?? Fold.Empty;
        var reader = new TransactionReader(state.Position, state.At);
        foreach (var row in rows.Skip(from))
        {
            (reader, var whole) = reader.Read(row, Fold.Buckets);
            if (whole is null) continue;
            state = Fold.Apply(state, Spoil(whole));
            _folded[state.Position] = state;
        }
        if (reader.Closed != reader.Position) throw new BrokenLogException("it ends within a transaction");
        return state;
    }

    /// <summary>A transaction with the planted mistake, if it is of this kind: its facts in the order of their rows.</summary>
    public Transaction Spoil(Transaction whole) => Bug != LogBug.RowOrder ? whole : whole with
    {
        Facts = [.. whole.Facts.Select((fact, i) => (Fact: fact, Ordinal: i, Bucket: Fold.Buckets.Of(fact) ?? int.MaxValue)).OrderBy(f => f.Bucket).ThenBy(f => f.Ordinal).Select(f => f.Fact)],
    };
}

/// <summary>What kind of world a seed is: what may happen in it at all, and what happens often.</summary>
/// <param name="Owners">Nodes with the database.</param>
/// <param name="Edges">Nodes without.</param>
/// <param name="IsLossy">A standby that lags may be promoted.</param>
/// <param name="HasStandby">A synchronous standby: an old primary may be cut off.</param>
internal sealed record WorldKind(int Owners, int Edges, bool IsLossy, bool HasStandby)
{
    /// <summary>True where a position that a reader has may honestly be gone: it was lost, or it was never confirmed.</summary>
    public bool MayLosePast => IsLossy || HasStandby;

    /// <summary>The faults that a planted mistake needs to show itself; null for all, as they come.</summary>
    public string? Often { get; init; }

    /// <summary>True where an operator changes the settings. Where a planted mistake needs a rare meeting of faults with one certain quarantine they stay.</summary>
    public bool HasOperator => Often is null;

    public static WorldKind Draw(Random random, LogBug bug)
    {
        var kind = new WorldKind(1 + random.Next(4), random.Next(2), random.Next(8) == 0, random.Next(3) == 0);
        return bug switch
        {
            LogBug.PositionWithoutTerm or LogBug.NoChain => kind with { IsLossy = true, Often = "lose" },
            LogBug.NumbersOnly => kind with { Owners = 3, IsLossy = true, Often = "fork" },
            LogBug.TrustsOldPrimary or LogBug.AgeOfOldPrimary => kind with { Owners = 3, IsLossy = false, HasStandby = true, Often = "old" },
            LogBug.AgeFromArrival => kind with { Edges = 1, IsLossy = false, Often = "held edge" },
            LogBug.AgeStandsStill or LogBug.AgeUnseen => kind with { Owners = 3, IsLossy = false, Often = "sleep" },
            LogBug.AgeOfTwoClocks or LogBug.AgeOfFuture => kind with { Owners = 3, IsLossy = false, Often = "clocks" },
            LogBug.StampStandsStill => new WorldKind(1, 1, false, false) { Often = "sleeping allocator" },
            LogBug.NoLook or LogBug.NoStartRow => kind with { Owners = 3, IsLossy = false, Often = "apart" },
            _ => kind,
        };
    }
}
