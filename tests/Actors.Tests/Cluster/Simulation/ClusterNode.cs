using MeshDns.Actors.Cluster;
using MeshDns.Actors.Directory;
using MeshDns.Actors.Journal;
using MeshDns.Actors.Tests.Simulation;
using MeshDns.Contracts.Messages;

namespace MeshDns.Actors.Tests.Cluster.Simulation;

/// <summary>One start of a node of a simulated cluster, from the moment at which its process begins until it ends or dies.</summary>
internal sealed class ClusterNode
{
    private readonly ClusterWorld _world;
    private readonly TaskCompletionSource _died = new();

    public ClusterNode(ClusterWorld world, string name, bool hasJournal, TimeSpan wallOffset, DirectoryImage? saved)
    {
        _world = world;
        Name = name;
        HasJournal = hasJournal;
        Clock = new NodeClock(world.Time, Life) { WallOffset = wallOffset };
        var options = world.OptionsOf(name, hasJournal);
        Directory = new MeshDirectory(options.Range, options.Zones, options.Shards, Clock, Violations.Add);
        if (saved is not null) Directory.Restore(saved);
        if (hasJournal) Journal = new SimulatedJournal(world.Store, new JournalFaults { Rule = call => world.Link(name, call) }, world.Time, new Random(world.Random.Next()), Life);
        var journal = Journal is null ? null : world.Bug.Spoil(world, Journal);
        Mesh = new Mesh(world.Simulated.NewSystem(Clock, name), journal, options, Directory, world.Network.ClientOf(options.Address, Life, Clock));
        world.Network.Serve(options.Address, Life, Mesh.Server);
    }

    public string Name { get; }

    public bool HasJournal { get; }

    public NodeLife Life { get; } = new();

    public NodeClock Clock { get; }

    public SimulatedJournal? Journal { get; }

    public MeshDirectory Directory { get; }

    public Mesh Mesh { get; }

    public List<string> Violations { get; } = [];

    /// <summary>When it had joined, milliseconds of the world; null before.</summary>
    public long? UpSince { get; private set; }

    /// <summary>When somebody began to stop it, or killed it.</summary>
    public long? DownSince { get; private set; }

    /// <summary>True while it is to answer: it has joined, and nobody has stopped it.</summary>
    public bool IsUp => UpSince is not null && DownSince is null;

    public async Task StartAsync()
    {
        // A process takes a moment to start; the judge tells two lives apart by their times.
        await _world.PassAsync(0.002);
        var previous = _world.DataDirectories.GetValueOrDefault(Name, "");
        _world.DataDirectories[Name] = Mesh.Identity.Incarnation;
        while (true)
        {
            try { await Mesh.StartAsync(CancellationToken.None, previous); break; }
            catch (JournalUnavailableException) when (DownSince is null) { await Task.Delay(TimeSpan.FromMilliseconds(500), Clock); }
            catch (JournalUnavailableException) { return; }
        }
        if (DownSince is null) UpSince = _world.NowMs;
    }

    /// <summary>Its process dies where it stands.</summary>
    public void Crash()
    {
        DownSince ??= _world.NowMs;
        Life.Crash();
        _died.TrySetResult();
    }

    /// <summary>It is asked to stop and does so in good order, unless it dies on the way.</summary>
    public async Task StopAsync()
    {
        var hadJoined = UpSince is not null;
        DownSince ??= _world.NowMs;
        if (hadJoined) await Task.WhenAny(Mesh.StopAsync(), _died.Task);
        Crash();
    }

    /// <summary>The reply; null when there will be none.</summary>
    public async Task<ChangeReply?> ChangeAsync(ChangeRequest request, TimeSpan deadline)
    {
        if (!Life.IsRunning) return null;
        var reply = Mesh.ChangeAsync(request, deadline, CancellationToken.None);
        var patience = new TaskCompletionSource();
        using var timer = _world.Time.CreateTimer(static state => ((TaskCompletionSource)state!).TrySetResult(), patience, deadline + TimeSpan.FromSeconds(1), Timeout.InfiniteTimeSpan);
        await Task.WhenAny(reply, _died.Task, patience.Task);
        return reply.IsCompleted && !Life.IsPaused ? await reply : null;
    }
}
