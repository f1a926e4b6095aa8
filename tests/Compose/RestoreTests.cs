using System.Net;
using Xunit.Abstractions;

[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace MeshDns.Compose;

/// <summary>The restore of an old backup, on a cluster of its own: afterwards it gives no VIP to a new name for a day.</summary>
public sealed class RestoreTests(ComposeCluster cluster, ITestOutputHelper output) : IClassFixture<ComposeCluster>, IDisposable
{
    private static readonly TimeSpan _settled = TimeSpan.FromSeconds(90);

    [DockerFact]
    public async Task After_an_old_backup_names_keep_their_address_and_none_goes_to_a_stranger()
    {
        var kept = await cluster.DeclareAsync(cluster.Nodes[0], "kept.example.com");
        await cluster.ComposeAsync("exec", "-T", "postgres", "pg_dump", "-U", "meshdns", "-Fc", "-f", "/tmp/meshdns.dump", "meshdns");
        var lost = await cluster.DeclareAsync(cluster.Nodes[1], "lost.example.com");

        await cluster.ComposeAsync("stop", "node-1", "node-2", "node-3");
        await cluster.ComposeAsync("exec", "-T", "postgres", "dropdb", "-U", "meshdns", "--force", "meshdns");
        await cluster.ComposeAsync("exec", "-T", "postgres", "createdb", "-U", "meshdns", "meshdns");
        await cluster.ComposeAsync("exec", "-T", "postgres", "pg_restore", "-U", "meshdns", "-d", "meshdns", "--single-transaction", "/tmp/meshdns.dump");
        await cluster.ComposeAsync("up", "-d");
        foreach (var node in cluster.Nodes) await cluster.HealthyAsync(node);

        foreach (var node in cluster.Nodes.Append(cluster.Edge))
        {
            Assert.Equal(kept, await ComposeCluster.DigAsync(node, "kept.example.com"));
            await cluster.EventuallyAsync($"{node.Service} has forgotten what the backup does not know", _settled, async () => await ComposeCluster.DigAsync(node, "lost.example.com") != lost);
        }
        // Every free VIP counts as quarantined, so there is none for a new name.
        var (status, text) = await cluster.TryDeclareAsync(cluster.Nodes[2], "stranger.example.com");
        Assert.True(status == HttpStatusCode.Conflict, $"{status}: {text}");
        Assert.Contains("pool-exhausted", text, StringComparison.Ordinal);
    }

    public void Dispose() => output.WriteLine(cluster.Log);
}
