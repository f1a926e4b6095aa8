using System.Globalization;
using MeshDns.Actors.Cluster;
using MeshDns.Actors.Directory;
using MeshDns.Actors.Tests.Simulation;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Vips;
using MeshDns.Tests.Shared.Judge;

namespace MeshDns.Actors.Tests.Cluster.Simulation;

/// <summary>How a node reaches the database.</summary>
internal enum LinkState
{
    Well,
    Cut,

    /// <summary>What it says arrives, and it hears no reply.</summary>
    Deaf,
    Slow,
}

/// <summary>A whole cluster in one process on one seeded scheduler: the database, the network, the nodes, and what is known of them.</summary>
internal sealed class ClusterWorld
{
    private readonly Dictionary<string, LinkState> _links = [];
    private readonly Dictionary<string, (DirectoryImage Image, TimeSpan ClockOffset)> _saved = [];
    private readonly List<Task> _tasks = [];

    public ClusterWorld(Simulated simulated, PlantedBug bug)
    {
        Simulated = simulated;
        Bug = bug;
        Random = simulated.Random;
        Store = new SimulatedStore(simulated.Clock) { Timeline = "1", IgnoresFences = bug.Kind == BugKind.NoFence, KeepsEpochs = bug.Kind == BugKind.EpochNotRaised };
        Network = new SimulatedNetwork(simulated, new Random(Random.Next()));
        Shards = 4 + Random.Next(5);
        IsLossy = bug.Kind == BugKind.EpochNotRaised || Random.Next(8) == 0;
        Store.Committed += () => Notice(journal => journal.NoticeAppended());
        Store.MembersMoved += () => Notice(journal => journal.NoticeMembers());
    }

    public static TimeSpan Quarantine { get; } = TimeSpan.FromSeconds(60);

    public static TimeSpan MaxTtl { get; } = TimeSpan.FromSeconds(10);

    /// <summary><c>directory.max-age</c> as the Host works it out.</summary>
    public static TimeSpan MaxAge { get; } = Quarantine - (2 * MaxTtl);

    public Simulated Simulated { get; }

    public SimulatedClock Time => Simulated.Clock;

    public Random Random { get; }

    public SimulatedStore Store { get; }

    public SimulatedNetwork Network { get; }

    public PlantedBug Bug { get; }

    public int Shards { get; }

    /// <summary>True when the database may fail over to a standby that lagged.</summary>
    public bool IsLossy { get; }

    public bool IsDatabaseDown { get; set; }

    public History History { get; } = new();

    /// <summary>What happened, line by line: two runs of a seed give the same.</summary>
    public List<string> Trace { get; } = [];

    public Dictionary<string, string> DataDirectories { get; } = [];

    /// <summary>The processes that there are now, by name; some may have died.</summary>
    public SortedDictionary<string, ClusterNode> Nodes { get; } = new(StringComparer.Ordinal);

    /// <summary>Every process that there ever was.</summary>
    public List<ClusterNode> AllNodes { get; } = [];

    public long NowMs => (long)Time.Elapsed.TotalMilliseconds;

    public IEnumerable<ClusterNode> Running => Nodes.Values.Where(n => n.Life.IsRunning && n.IsUp);

    public MeshOptions OptionsOf(string name, bool hasJournal) => new()
    {
        Node = name,
        Address = AddressOf(name),
        Roles = hasJournal ? ["owner", "edge"] : ["edge"],
        Shards = Shards,
        Range = new VipRange(Cidr.Parse("240.240.0.0/28"), Cidr.Parse("2001:2::/48")),
        Quarantine = Bug.Kind == BugKind.NoQuarantine ? TimeSpan.FromMilliseconds(1) : Quarantine,
        MaxTtl = MaxTtl,
        Zones = new MeshZones([SimulatedNode.ClusterDomain]),
        AllowDataLoss = IsLossy,
        SnapshotWhenLeaving = 1 + (Shards * 2),
        PassivateAfter = TimeSpan.FromSeconds(2),
        Join = ["n1:1", "n2:1", "n3:1"],
    };

    public static string AddressOf(string name) => name + ":1";

    /// <summary>Starts a process of this name; its data directory is what the one before left behind.</summary>
    public ClusterNode Start(string name)
    {
        var offset = Nodes.TryGetValue(name, out var before) ? before.Clock.WallOffset : TimeSpan.Zero;
        // A saved directory is judged by the node's wall clock: one that is behind the database's would think it younger than it is.
        var saved = _saved.TryGetValue(name, out var file) && file.ClockOffset - offset < TimeSpan.FromSeconds(2) && Random.Next(4) != 0 ? file.Image : null;
        var node = new ClusterNode(this, name, hasJournal: !name.StartsWith('e'), offset, saved);
        Nodes[name] = node;
        AllNodes.Add(node);
        Say($"{name} starts{(saved is null ? "" : " with its saved directory")}");
        Spawn(node.StartAsync);
        return node;
    }

    /// <summary>Writes the directories of all nodes to their disks.</summary>
    public void Save(ClusterNode node)
    {
        if (node.Directory.IsLoaded) _saved[node.Name] = (node.Directory.Capture(), Store.ClockOffset);
    }

    public LinkState LinkOf(string name) => _links.GetValueOrDefault(name);

    public void SetLink(string name, LinkState state) => _links[name] = state;

    public void HealLinks() => _links.Clear();

    /// <summary>The fate of a call to the database.</summary>
    public JournalFault Link(string name, JournalCall call)
    {
        var isAppend = call == JournalCall.Append;
        if (IsDatabaseDown) return new JournalFault(Random.Next(4) == 0 && isAppend ? FaultKind.DoubtBefore : FaultKind.Unavailable, After: TimeSpan.Zero, Before: Ms(Random.Next(4) == 0 ? 1000 : 20));
        switch (_links.GetValueOrDefault(name))
        {
            case LinkState.Cut: return new JournalFault(isAppend ? FaultKind.DoubtBefore : FaultKind.Unavailable, Before: Ms(2500));
            case LinkState.Deaf: return new JournalFault(FaultKind.DoubtAfter, Before: Ms(5), After: Ms(2500));
            case LinkState.Slow: return new JournalFault(FaultKind.None, Ms(1500), Ms(1500));
            default: break;
        }
        if (Random.Next(500) == 0) return new JournalFault(isAppend ? (FaultKind)(1 + Random.Next(3)) : Random.Next(2) == 0 ? FaultKind.Unavailable : FaultKind.DoubtAfter, Ms(200), Ms(200));
        return Random.Next(3) != 0 ? new JournalFault() : new JournalFault(FaultKind.None, Ms(8), Ms(4));
    }

    /// <summary>Runs something beside the rest; what it throws fails the run.</summary>
    public void Spawn(Func<Task> body) => _tasks.Add(body());

    /// <summary>The first thing that failed beside the rest.</summary>
    public Exception? Failure => _tasks.FirstOrDefault(t => t.IsFaulted)?.Exception ?? (Exception?)Network.Failures.FirstOrDefault();

    public void Say(string what) => Trace.Add(string.Create(CultureInfo.InvariantCulture, $"{Time.Elapsed.TotalSeconds,8:0.000} {what}"));

    public Task PassAsync(double seconds) => Simulated.PassAsync(TimeSpan.FromSeconds(seconds));

    private TimeSpan Ms(int most) => TimeSpan.FromMilliseconds(Random.Next(most + 1));

    // Told after the commit, to each listener at its own time, and not always.
    private void Notice(Action<SimulatedJournal> tell)
    {
        foreach (var node in Nodes.Values)
            if (node.Journal is { } journal && !node.Life.IsCrashed && _links.GetValueOrDefault(node.Name) is LinkState.Well or LinkState.Slow && !IsDatabaseDown && Random.Next(10) != 0) Spawn(() => TellAsync(node, journal));

        async Task TellAsync(ClusterNode node, SimulatedJournal journal)
        {
            await Simulated.PassAsync(Ms(15));
            await node.Life.RunningAsync();
            tell(journal);
        }
    }
}
