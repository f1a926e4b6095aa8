using System.Diagnostics;
using System.Globalization;
using MeshDns.Actors.Cluster;
using MeshDns.Tests.Shared;
using Xunit.Abstractions;

namespace MeshDns.Chaos.Ends;

/// <summary>
/// Sockets, directory, follower, cache and forwarder are outside of the actor system: it is ended again and again, now by the cluster and now with a word to nobody, while clients ask and changes are made.
/// MESHDNS_ENDS=100 is the long form, under 20,000 queries a second of the load generator (which needs gcc).
/// </summary>
public sealed class EndsTests(ITestOutputHelper output) : IDisposable
{
    private const int Hosts = 250;
    private const int Rate = 20_000;

    private readonly ScratchFolder _folder = new();

    private static bool IsLong => Environment.GetEnvironmentVariable("MESHDNS_ENDS") is { Length: > 0 };

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_node_alone_answers_through_every_end_of_its_actor_system()
    {
        await using var node = await NodeHere.StartAsync(_folder["data"]);
        await RunAsync(node, node, Ends(bounded: 4));
        var run = await CommandRun.Of("dotnet", NodeProcess.Program, "verify", "--set", $"node.data-dir={_folder["data"]}");
        Assert.True(run.ExitCode == 0, run.ToString());
    }

    [Fact]
    public async Task A_node_of_two_follows_the_other_ones_changes_while_it_has_no_actor_system()
    {
        string[] settings = ["journal.store=postgres", $"journal.connection-string={await (await PostgresServer.Shared).CreateDatabaseAsync()}"];
        // The first forms the cluster, so the allocator is there.
        await using var other = await NodeHere.StartAsync(_folder["other"], [.. settings, "node.name=other"]);
        await using var node = await NodeHere.StartAsync(_folder["data"], [.. settings, "node.name=node"]);
        var followed = await RunAsync(node, other, Ends(bounded: 2));
        Assert.True(followed > 0, "no change reached the directory while there was no actor system, so the run has shown nothing");
        await other.StopAsync();
    }

    private static int Ends(int bounded) => int.TryParse(Environment.GetEnvironmentVariable("MESHDNS_ENDS"), NumberStyles.None, CultureInfo.InvariantCulture, out var ends) ? ends : bounded;

    // Returns how many changes the directory took in while there was no actor system.
    private async Task<int> RunAsync(NodeHere node, NodeHere writer, int ends)
    {
        var begin = Stopwatch.StartNew();
        var witness = new Witness(node.Node.Dns, _folder.Path);
        string[] hosts = [.. Enumerable.Range(0, Hosts).Select(i => $"hit-{i}.mesh.internal")];
        Assert.True(await writer.TryDeclareAsync(hosts, "hosts"));
        var vips = await writer.VipsAsync("hit-");
        Assert.Equal(Hosts, vips.Count);
        await node.UntilAsync(() => node.Node.Directory.Names == Hosts, "the directory has the hosts");
        witness.Learn(vips);
        var (asking, changes) = (witness.RunAsync(IsLong ? Rate : 0), new Writer(writer, node, witness));
        var writing = changes.RunAsync();
        var ended = 0;
        try
        {
            // A change takes about as long as a node is without an actor system, so not every end has one that falls into it.
            for (; (ended < ends || (node != writer && changes.Followed == 0 && ended < ends + 6)) && !asking.IsCompleted && !writing.IsCompleted; ended++) await EndAsync(node.Mesh.Engine, node, changes, ended);
        }
        finally
        {
            changes.Stop();
            await writing;
            await witness.StopAsync();
            await asking;
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{node.Mesh.Engine.Lives - 1} ends in {begin.Elapsed.TotalSeconds:F0} s: {witness.Asked} queries held to the API's word, {witness.LoadAsked} of the generator ({(witness.Asked + witness.LoadAsked) / begin.Elapsed.TotalSeconds:F0} a second in all), {changes.Made} changes, {changes.Followed} of them followed without an actor system, {changes.Again} asked for again"));
            output.WriteLine(node.Log);
        }
        Assert.Empty(witness.Faults.Take(10));
        Assert.Equal(ended + 1, node.Mesh.Engine.Lives);
        Assert.True(ended >= ends);
        Assert.Equal(Hosts + changes.Made, node.Node.Directory.Names);
        Assert.Equal(writer.Mesh.Following.State.Position, node.Mesh.Following.State.Position);
        Assert.Equal(0, node.Node.Directory.Violations);
        await node.StopAsync();
        return changes.Followed;
    }

    private static async Task EndAsync(MeshEngine engine, NodeHere node, Writer changes, int end)
    {
        var (life, made) = (engine.Life!, changes.Made);
        if (end % 2 == 0) engine.DownLife();
        else engine.EndLife();
        await node.UntilAsync(() => engine.Lives > end + 1, "the next actor system is made");
        Assert.True(life.System.WhenTerminated.IsCompleted, "there were two actor systems at a time");
        await node.UntilAsync(() => node.Mesh.NotReady.Length == 0 && changes.Made > made + 1, "it is a member again, and changes are made");
        Assert.NotSame(life, engine.Life);
        Assert.Equal(end + 2, engine.Lives);
    }
}
