using System.Globalization;
using MeshDns.Chaos.Run.Cluster;
using MeshDns.Tests.Shared.Judge;

namespace MeshDns.Chaos.Run.Workload;

/// <summary>All writers and askers. What each writer writes follows from the seed; when it gets to it does not.</summary>
internal sealed class Load(ChaosCluster cluster, History history, Clock clock, int seed) : IAsyncDisposable
{
    private const int ChurnWriters = 4;
    private const int PoolSize = 126;

    private readonly NameBook _names = new();
    private readonly CommandClient _client = new(cluster, clock);
    private readonly CancellationTokenSource _stopWriting = new();
    private readonly CancellationTokenSource _stopAsking = new();
    private readonly List<Task> _writers = [];
    private readonly Dictionary<string, (Task Task, CancellationTokenSource Stop)> _askers = [];
    private long _lastAppliedAt;
    private int _commands;

    /// <summary>When the last acknowledgement came, by the observer's clock.</summary>
    public long LastAppliedAt => Interlocked.Read(ref _lastAppliedAt);

    /// <summary>Ends when the next change is about to be sent.</summary>
    public Task NextSending => _client.NextSending;

    /// <summary>The first exception of a writer or asker; none of them may fail.</summary>
    public Exception? Failure => _writers.Concat(_askers.Values.Select(a => a.Task)).FirstOrDefault(t => t.IsFaulted)?.Exception;

    public async Task StartAsync()
    {
        var stable = new StablePlan();
        var first = await RunAsync(stable.Next(new Random(seed)), new Random(seed), recent: false);
        if (first.Outcome != CommandOutcome.Applied) throw new InvalidOperationException($"the first command ended {first.Outcome}: {first.Detail}");
        _names.AddStable(first.Documents.SelectMany(d => d.Hosts));
        for (var i = 0; i < ChurnWriters; i++) Start(new ChurnPlan($"churn-{i}"), 250);
        for (var i = 0; i < 2; i++)
        {
            var twins = new TwinPlan($"twin-{i}");
            history.Add(twins.Twins);
            _names.Add(twins.Twins);
            Start(twins, 200);
        }
        Start(new MoverPlan("mover-0", PoolSize), 2000);
        Start(new MoverPlan("mover-1", PoolSize), 3000);
    }

    /// <summary>Asks a node from now on, if nobody does.</summary>
    public void Ask(ChaosNode node)
    {
        if (_askers.ContainsKey(node.Name)) return;
        var stop = CancellationTokenSource.CreateLinkedTokenSource(_stopAsking.Token);
        _askers[node.Name] = (new Asker(node, _names, history, clock, new Random(seed + node.Address.Number)).RunAsync(stop.Token), stop);
    }

    public async Task StopAskingAsync(ChaosNode node)
    {
        if (!_askers.TryGetValue(node.Name, out var asker)) return;
        await asker.Stop.CancelAsync();
        await asker.Task;
    }

    /// <summary>Waits until a change that was acknowledged after a time; false when none is in the time given.</summary>
    public async Task<bool> AwaitAppliedAsync(long after, TimeSpan atMost)
    {
        var begin = clock.Elapsed;
        while (LastAppliedAt <= after)
        {
            if (clock.Elapsed - begin > atMost) return false;
            await Task.Delay(20);
        }
        return true;
    }

    /// <summary>Lets every command under way end.</summary>
    public async Task StopWritingAsync()
    {
        await _stopWriting.CancelAsync();
        await Task.WhenAll(_writers);
    }

    public async Task StopAskingAsync()
    {
        await _stopAsking.CancelAsync();
        await Task.WhenAll(_askers.Values.Select(a => a.Task));
    }

    public async ValueTask DisposeAsync()
    {
        await _stopWriting.CancelAsync();
        await _stopAsking.CancelAsync();
    }

    private void Start(Plan plan, int pauseMs)
    {
        var random = new Random((seed * 1000) + _writers.Count);
        _writers.Add(WriteAsync(plan, pauseMs, random));
    }

    private async Task WriteAsync(Plan plan, int pauseMs, Random random)
    {
        try
        {
            while (true)
            {
                await RunAsync(plan.Next(random), random, recent: plan is not TwinPlan);
                await Task.Delay((pauseMs / 2) + random.Next(pauseMs), _stopWriting.Token);
            }
        }
        catch (OperationCanceledException) when (_stopWriting.IsCancellationRequested) { }
    }

    private async Task<CommandRecord> RunAsync(IReadOnlyList<CommandDocument> documents, Random random, bool recent)
    {
        var id = string.Create(CultureInfo.InvariantCulture, $"{seed}-{clock.Now}-{Interlocked.Increment(ref _commands)}");
        if (recent) foreach (var host in documents.SelectMany(d => d.Hosts)) _names.Touch(host);
        var record = await _client.RunAsync(id, documents, random);
        history.Add(record);
        if (record.Outcome == CommandOutcome.Applied) Interlocked.Exchange(ref _lastAppliedAt, record.CompletedAt);
        return record;
    }
}
