using System.Globalization;
using MeshDns.Actors.Store;
using MeshDns.Chaos.Run.Cluster;
using MeshDns.Chaos.Run.Database;
using MeshDns.Chaos.Run.Faults;
using MeshDns.Chaos.Run.Links;
using MeshDns.Chaos.Run.Report;
using MeshDns.Chaos.Run.Workload;
using MeshDns.Tests.Shared;
using MeshDns.Tests.Shared.Judge;

namespace MeshDns.Chaos.Run;

/// <summary>How a run ended.</summary>
internal sealed record ChaosResult(int Seed, History History, Verdict Verdict, string Summary)
{
    public bool Passed => Verdict.Breaches.Count == 0;
}

/// <summary>
/// A run: starts the database and the nodes, keeps them busy, does one fault after the other, and when the time is over lets everything end,
/// reads the journal and hands all to the judge.
/// </summary>
internal sealed class ChaosRun(ChaosOptions options, Action<string> say)
{
    private static readonly TimeSpan _resume = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan _settle = TimeSpan.FromSeconds(5);

    private readonly Clock _clock = new();
    private readonly History _history = new();
    private readonly List<Breach> _breaches = [];

    public static JudgeOptions JudgeOptionsOf(ChaosOptions options) => new()
    {
        SettleMs = (long)_settle.TotalMilliseconds,
        ResumeGraceMs = 3000,
        SavedMs = 6000,
        TtlMs = (long)options.Ttl.TotalMilliseconds,
        MaxAgeMs = (long)(options.Quarantine - (2 * options.Ttl)).TotalMilliseconds,
        AsksOwners = true,
    };

    public async Task<ChaosResult> RunAsync()
    {
        using var scratch = new ScratchFolder();
        // Nodes that accept a loss do not have their looks confirmed by a standby, and an old primary can tell them anything then. A standby may lag behind the back of nodes that do not accept it, too.
        var mayLose = options.Faults.Contains("promote-async") && !options.Faults.Contains("old-primary-alone");
        await using IJournalStore store = options.Sqlite ? new SqliteStore(scratch.Path) : await PostgresStore.StartAsync(mayLose);
        var network = new Network();
        await using var router = options.Sqlite ? null : await Router.StartAsync(network, store.ServerAt);
        await using var cluster = new ChaosCluster(options, scratch.Path, store, network, router, _history, _clock);
        await using var load = new Load(cluster, _history, _clock, options.Seed);
        var context = new FaultContext(cluster, load, _history, _clock, new Random(options.Seed), options);
        var kept = options.Keep;
        try
        {
            await BeginAsync(context);
            await using var owners = new OwnerWatch(cluster.ViewAsync, _clock);
            await DoFaultsAsync(context);
            // Before the nodes are stopped for good.
            await owners.StopAsync();
            await EndAsync(context);
            var log = await store.ReadAsync();
            var result = Judge(log, owners);
            if (!result.Passed) kept ??= Directory.CreateTempSubdirectory("meshdns-chaos-").FullName;
            if (kept is not null) ImageFile.Write(log, Path.Combine(Directory.CreateDirectory(kept).FullName, "journal.json"));
            return result;
        }
        catch
        {
            kept ??= Directory.CreateTempSubdirectory("meshdns-chaos-").FullName;
            throw;
        }
        finally
        {
            if (kept is not null) Keep(cluster, kept);
        }
    }

    private async Task BeginAsync(FaultContext context)
    {
        // The first creates the journal; the others join it at once.
        var first = await context.Cluster.AddAsync();
        await first.StartAsync();
        await context.Load.StartAsync();
        context.Load.Ask(first);
        if (!options.Sqlite) await ScaleFaults.GrowAsync(context, options.Nodes);
        for (var i = 0; i < options.Edges; i++)
        {
            var edge = await context.Cluster.AddAsync(edge: true);
            await edge.StartAsync();
            context.Load.Ask(edge);
        }
        Say($"{context.Cluster.Up.Count} nodes are ready, seed {options.Seed}");
        await Task.Delay(_settle + TimeSpan.FromSeconds(1));
    }

    // Each kind in turn in an order of the seed's, and again until the time is over: a run of any length has a bit of everything.
    private async Task DoFaultsAsync(FaultContext context)
    {
        var kinds = FaultCatalogue.All.Where(k => (options.Faults.Count == 0 || options.Faults.Contains(k.Name)) && IsPossible(k)).ToArray();
        var coming = new Queue<FaultKind>();
        while (_clock.Elapsed < options.Duration)
        {
            if (coming.Count == 0) coming = new Queue<FaultKind>(kinds.OrderBy(_ => context.Random.Next()));
            await DoAsync(context, coming.Dequeue());
            if (context.Load.Failure is { } failure) throw new InvalidOperationException("the load failed", failure);
            foreach (var node in context.Cluster.Nodes.Where(n => n.HasDied)) throw new InvalidOperationException($"{node.Name} ended by itself; its log:\n{node.Log}");
            await context.PassAsync(2, 8);
        }
    }

    private bool IsPossible(FaultKind kind) => kind.Need switch
    {
        FaultNeed.Cluster => !options.Sqlite && options.Nodes > 1,
        FaultNeed.ThreeOwners => !options.Sqlite && options.Nodes >= 3,
        FaultNeed.FakeClock => FakeClock.IsAvailable,
        _ => true,
    };

    private async Task DoAsync(FaultContext context, FaultKind kind)
    {
        var from = _clock.Now;
        var effect = await kind.RunAsync(context);
        var to = _clock.Now;
        // An edge reads from an owner: whatever hinders that one may hinder it until it has taken another.
        var hindered = effect.Hindered is { } nodes ? [.. nodes.Concat(context.Cluster.Edges.Select(e => e.Name)).Distinct()] : (string[]?)null;
        _history.Add(new FaultRecord(kind.Name, from, to, hindered, effect.Lossy, effect.Detail));
        foreach (var text in effect.Breaches ?? []) Breach(text, to);
        var resumed = await context.Load.AwaitAppliedAsync(to, _resume);
        if (!resumed) Breach($"no write was acknowledged in {_resume} after {kind.Name} ({effect.Detail}) was over", to);
        Say(string.Create(CultureInfo.InvariantCulture, $"{kind.Name} {effect.Detail} ({(to - from) / 1000.0:F1} s{(resumed ? "" : "; NO WRITE AFTER IT")})"));
    }

    private async Task EndAsync(FaultContext context)
    {
        context.Cluster.Network.HealAll();
        await Task.Delay(_settle);
        if (await context.Cluster.AwaitWholeAsync(_resume) is { } torn) Breach($"the cluster is not whole {_resume} after the last fault: {torn}", context.Clock.Now);
        await context.Load.StopWritingAsync();
        // What was written last has to arrive too.
        await Task.Delay(_settle + TimeSpan.FromSeconds(2));
        await context.Load.StopAskingAsync();
        foreach (var node in context.Cluster.Nodes) await node.StopAsync();
    }

    private ChaosResult Judge(LogDump log, OwnerWatch owners)
    {
        var judged = JudgeOptionsOf(options);
        var past = LoggedPast.Of(log.Rows, log.Images);
        var verdict = HistoryJudge.Check(_history, past, judged);
        verdict = verdict with { Breaches = [.. _breaches, .. verdict.Breaches] };
        return new ChaosResult(options.Seed, _history, verdict, Summary.Render(options, _history, past, verdict, judged, owners));
    }

    private void Keep(ChaosCluster cluster, string folder)
    {
        Directory.CreateDirectory(folder);
        foreach (var node in cluster.Nodes) node.MarkDown();
        using (var file = File.CreateText(Path.Combine(folder, "history.jsonl"))) HistoryFile.Write(_history, file);
        foreach (var (node, log) in cluster.Logs) File.WriteAllText(Path.Combine(folder, node + ".log"), log);
        Say($"history, journal and logs are kept in {folder}");
    }

    private void Breach(string text, long at) => _breaches.Add(new Breach(7, text, at));

    private void Say(string text) => say(string.Create(CultureInfo.InvariantCulture, $"[{_clock.Elapsed:mm\\:ss}] {text}"));
}
