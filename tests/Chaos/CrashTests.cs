using System.Globalization;
using System.Text.Json.Nodes;
using MeshDns.Tests.Shared;
using Xunit.Abstractions;

namespace MeshDns.Chaos;

/// <summary>
/// A real node is killed with SIGKILL again and again while clients write. After each crash the journal must verify, nothing
/// acknowledged may be lost, no change of several documents may be half there, and no VIP may have moved.
/// </summary>
public sealed class CrashTests(ITestOutputHelper output) : IDisposable
{
    private readonly ScratchFolder _folder = new();

    // MESHDNS_CRASH_ROUNDS scales it; MESHDNS_CRASH_SEED repeats the moments of a run as far as a real machine can.
    private static int Rounds => Number("MESHDNS_CRASH_ROUNDS", 10);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Nothing_acknowledged_is_lost_and_nothing_is_half_there_however_often_the_node_is_killed()
    {
        var seed = Number("MESHDNS_CRASH_SEED", Environment.TickCount & 0xFFFF);
        output.WriteLine($"seed {seed}, {Rounds} rounds");
        var random = new Random(seed);
        // Two sets of manifests may be under way at a time; the third writer meets that bound now and then.
        GroupWriter[] writers = [new("a", 3, new Random(seed + 1)), new("b", 4, new Random(seed + 2)), new("c", 1, new Random(seed + 3))];
        for (var round = 0; round < Rounds; round++)
        {
            if (round % 4 == 3) await KillWhileStartingAsync(random);
            await using var node = await StartAsync();
            await CheckAsync(node, writers);
            await KillWhileWritingAsync(node, writers, random);
            await VerifyAsync();
            output.WriteLine($"round {round}: {string.Join(", ", writers.Select(w => w.Acknowledged))} changes acknowledged so far");
        }
        await using var last = await StartAsync();
        await CheckAsync(last, writers);
        Assert.Equal(0, await last.StopAsync());
        await VerifyAsync();
        Assert.All(writers, w => Assert.True(w.Acknowledged >= Rounds, "too little was written to show anything"));
    }

    private Task<NodeProcess> StartAsync() => NodeProcess.StartAsync(_folder["data"], "upstream.servers=127.0.0.1:9");

    private async Task KillWhileStartingAsync(Random random)
    {
        await using var node = NodeProcess.Launch(_folder["data"], "upstream.servers=127.0.0.1:9");
        await Task.Delay(random.Next(1200));
        await node.KillAsync();
        await VerifyAsync();
    }

    private static async Task KillWhileWritingAsync(NodeProcess node, GroupWriter[] writers, Random random)
    {
        using var client = new HttpClient { BaseAddress = node.Admin, Timeout = TimeSpan.FromSeconds(60) };
        using var gone = new CancellationTokenSource();
        var writing = Task.WhenAll(writers.Select(w => w.WriteAsync(client, gone.Token)));
        // The moment is chance, and so it is the one wait here that no signal could end.
        await Task.WhenAny(writing, Task.Delay(100 + random.Next(900)));
        await node.KillAsync();
        await gone.CancelAsync();
        await writing;
    }

    // First what is there, as the crash left it; then each change that was under way is asked for again, and ends.
    private static async Task CheckAsync(NodeProcess node, GroupWriter[] writers)
    {
        using var client = new HttpClient { BaseAddress = node.Admin, Timeout = TimeSpan.FromSeconds(60) };
        await CheckOnceAsync(client, writers);
        foreach (var writer in writers) await writer.RepeatAsync(client);
        await CheckOnceAsync(client, writers);
    }

    private static async Task CheckOnceAsync(HttpClient client, GroupWriter[] writers)
    {
        var items = JsonNode.Parse(await client.GetStringAsync("/v1/service-entries?limit=10000"))!["items"]!.AsArray();
        // The port is one more than the generation, since no port is 0.
        var generations = items.ToDictionary(i => (string)i!["metadata"]!["name"]!, i => (int)i!["spec"]!["ports"]![0]!["number"]! - 1);
        foreach (var writer in writers) writer.Check(generations);
        var vips = items.SelectMany(i => i!["status"]!["addresses"]!.AsArray()).Select(a => (Host: (string)a!["host"]!, Value: (string)a["value"]!)).Where(a => !a.Value.Contains(':')).ToArray();
        Assert.Equal(items.Count, vips.Length);
        Assert.Equal(vips.Length, vips.Select(v => v.Value).Distinct().Count());
        var told = writers.SelectMany(w => w.Vips).ToDictionary(v => v.Key, v => v.Value);
        foreach (var (host, vip) in vips) Assert.True(!told.TryGetValue(host, out var before) || before == vip, $"{host} had {before} and now {vip}");
        Assert.Equal(told.Count, told.Values.Distinct().Count());
    }

    private async Task VerifyAsync()
    {
        if (!File.Exists(Path.Combine(_folder["data"], "journal.db"))) return;
        var run = await CommandRun.Of("dotnet", NodeProcess.Program, "verify", "--set", $"node.data-dir={_folder["data"]}");
        Assert.True(run.ExitCode == 0, run.ToString());
    }

    private static int Number(string variable, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : otherwise;
}
