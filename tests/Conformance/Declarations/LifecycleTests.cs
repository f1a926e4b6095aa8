using System.Net;
using MeshDns.Conformance.Harness;
using MeshDns.Tests.Shared;
using Xunit.Abstractions;

namespace MeshDns.Conformance.Declarations;

/// <summary>What survives a stop, a kill and a lost journal; each test has a node of its own.</summary>
public sealed class LifecycleTests(ITestOutputHelper output) : IAsyncLifetime
{
    private readonly MeshNode _mesh = new DefaultNode();

    private NodeProcess Node => _mesh.Node;

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        output.WriteLine("The last node's log:\n" + _mesh.Node?.Log);
        await _mesh.DisposeAsync();
    }

    [Fact]
    public async Task Examples_apply_whole_then_change_nothing_and_every_vip_survives_kill_minus_9()
    {
        await _mesh.StartAsync();
        var examples = Repository.Examples();
        var first = await Node.ApplyAsync(examples);
        Assert.True(first.Actions.Length >= 9);
        Assert.All(first.Actions, action => Assert.EndsWith(" created", action));
        Assert.Equal(["240.240.0.1"], await Node.AddressesAsync("address.internal"));
        foreach (var host in (string[])["db.example.com", "billing.example.com", "search.internal", "queue-a.internal", "queue-c.internal"])
        {
            Assert.StartsWith("240.240.0.", Assert.Single(await Node.AddressesAsync(host)));
            Assert.StartsWith("2001:2::", Assert.Single(await Node.AddressesAsync(host, "AAAA")));
        }
        Assert.Equal(["198.51.100.7"], await Node.AddressesAsync("printer.internal"));
        Assert.Equal(["203.0.113.40"], await Node.AddressesAsync("a.b.apps.internal"));
        Assert.Equal(["10.96.0.80"], await Node.AddressesAsync("web.shop.svc.cluster.local"));
        Assert.StartsWith("240.240.0.", Assert.Single(await Node.AddressesAsync("cart.shop.svc.cluster.local")));
        _mesh.Upstream.Address4("api.example.org", "198.51.100.99");
        Assert.Equal(["198.51.100.99"], await Node.AddressesAsync("api.example.org"));

        var (events, vips) = (await Node.EventsAsync(), await Node.VipsAsync());
        Assert.All((await Node.ApplyAsync(examples)).Actions, action => Assert.EndsWith(" unchanged", action));
        Assert.Equal(events, await Node.EventsAsync());

        await Node.KillAsync();
        await Verify.CleanAsync(_mesh.DataDirectory);
        await _mesh.StartAsync();
        Assert.Equal(vips, await Node.VipsAsync());
        Assert.Equal(["240.240.0.1"], await Node.AddressesAsync("address.internal"));
        // The new start is a row of its own.
        events = await Node.EventsAsync();
        Assert.All((await Node.ApplyAsync(examples)).Actions, action => Assert.EndsWith(" unchanged", action));
        Assert.Equal(events, await Node.EventsAsync());
    }

    [Theory]
    [InlineData("SIGTERM")]
    [InlineData("SIGKILL")]
    public async Task Answers_come_from_the_saved_directory_before_the_journal_is_opened(string end)
    {
        await _mesh.StartAsync();
        _ = (await Node.ApplyAsync(Manifest.Vip("known", "known.test") + Manifest.Fixed("fixed", "fixed.test", "192.0.2.1"))).Done;
        var vip = await Node.AddressesAsync("known.test");
        if (end == "SIGTERM")
        {
            Assert.Equal(0, await Node.StopAsync());
            Assert.Contains("stopped", Node.Log);
        }
        else
        {
            // Saved by itself while it runs.
            await _mesh.WaitForSavedAsync("known.test");
            await Node.KillAsync();
        }

        _mesh.HideJournal();
        await _mesh.StartUnreadyAsync();
        Assert.Equal(vip, await Node.AddressesAsync("known.test"));
        Assert.Equal(["192.0.2.1"], await Node.AddressesAsync("fixed.test"));
        // Knowledge more than 2 s old denies no name of a mesh zone, and there is no owner to ask yet.
        Assert.Contains((await Node.DigAsync("unknown.cluster.local A")).Status, (string[])["NXDOMAIN", "SERVFAIL"]);
        // Queries are answered, so the node is ready for them; changes are not possible and say so.
        Assert.Equal(HttpStatusCode.OK, (await Node.GetAsync("/readyz")).Status);
        (await Node.ApplyAsync(Manifest.Vip("new", "new.test"))).Refused(HttpStatusCode.ServiceUnavailable);
        (await Node.GetAsync("/v1/vips")).Refused(HttpStatusCode.ServiceUnavailable);

        _mesh.RestoreJournal();
        await Node.WaitForLogAsync("ready: dns");
        _ = (await Node.ApplyAsync(Manifest.Vip("new", "new.test"))).Done;
        Assert.Equal(vip, await Node.AddressesAsync("known.test"));
    }

    [Fact]
    public async Task When_a_node_says_ready_it_answers_what_was_declared_after_the_directory_was_last_saved()
    {
        await _mesh.StartAsync();
        _ = (await Node.ApplyAsync(Manifest.Vip("early", "early.test"))).Done;
        await _mesh.WaitForSavedAsync("early.test");
        _ = (await Node.ApplyAsync(string.Concat(Enumerable.Range(0, 100).Select(k => Manifest.Vip($"late-{k}", $"late-{k}.test"))))).Done;
        await Node.KillAsync();
        await _mesh.StartAsync();
        Assert.Equal(0, (int)(await Node.GetAsync("/v1/cluster")).Done["members"]![0]!["directory"]!["lagEvents"]!);
        Assert.NotEmpty(await Node.AddressesAsync("late-99.test"));
    }

    [Fact]
    public async Task Export_applied_to_a_fresh_node_gives_the_same_documents()
    {
        await _mesh.StartAsync();
        _ = (await Node.ApplyAsync(Repository.Examples() + Manifest.Fixed("many", "many.test", Enumerable.Range(1, 50).Select(i => $"192.0.2.{i}")))).Done;
        var export = (await Node.GetAsync("/v1/export")).Text;

        await using var other = new Disposing(new DefaultNode());
        await other.Mesh.StartAsync();
        Assert.All((await other.Mesh.Node.ApplyAsync(export)).Actions, action => Assert.EndsWith(" created", action));
        Assert.Equal(export, (await other.Mesh.Node.GetAsync("/v1/export")).Text);
        Assert.All((await Node.ApplyAsync(export)).Actions, action => Assert.EndsWith(" unchanged", action));
    }

    [Fact]
    public async Task A_data_directory_serves_one_node()
    {
        await _mesh.StartAsync();
        await using var second = NodeProcess.Launch(_mesh.DataDirectory);
        Assert.Equal(1, await second.WaitForExitAsync());
        Assert.Contains("in use by another node", second.Log);
    }

    [Fact]
    public async Task SIGTERM_while_a_node_starts_stops_it_cleanly()
    {
        for (var i = 0; i < 5; i++)
        {
            await using var node = NodeProcess.Launch(_mesh[$"start-{i}"]);
            await node.WaitForLogAsync("starting without a saved directory");
            Assert.Equal(0, await node.StopAsync());
            Assert.Contains("stopped", node.Log);
        }
    }

    [Theory]
    [InlineData("vips.ipv4=240.241.0.0/16")]
    [InlineData("cluster.shards=32")]
    public async Task A_node_that_disagrees_with_the_journal_about_what_is_fixed_says_so_and_takes_no_change(string setting)
    {
        await _mesh.StartAsync();
        Assert.Equal(0, await Node.StopAsync());
        await using var other = await NodeProcess.StartUnreadyAsync(_mesh.DataDirectory, setting);
        await other.WaitForLogAsync("crit: .*the journal was created with other settings, which cannot change afterwards: " + setting.Split('=')[0]);
        var refused = (await other.ApplyAsync(Manifest.Vip("refused", "refused.test"))).Refused(HttpStatusCode.ServiceUnavailable);
        Assert.Contains(setting.Split('=')[0], (string?)refused["detail"]);
        Assert.Equal(0, await other.StopAsync());
    }

    [Fact]
    public async Task A_node_on_its_own_keeps_the_domain_that_names_of_Services_carry_and_says_so()
    {
        await _mesh.StartAsync();
        _ = (await Node.ApplyAsync("apiVersion: v1\nkind: Service\nmetadata: { name: web, namespace: shop }\nspec: { clusterIP: 10.9.8.7, ports: [{ port: 80 }] }\n")).Done;
        Assert.Equal(0, await Node.StopAsync());
        await _mesh.StartAsync("mesh.cluster-domain=other.local", "vips.quarantine=12h");
        await Node.WaitForLogAsync("warn: .*configured otherwise than its cluster.*: mesh.cluster-domain is other.local here and cluster.local there");
        Assert.Equal("10.9.8.7", (await Node.DigAsync("web.shop.svc.cluster.local A")).Only.Data);
        var settings = (await Node.GetAsync("/v1/settings")).Done;
        Assert.Equal(("12h", "cluster.local"), ((string?)settings["vips.quarantine"], (string?)settings["mesh.cluster-domain"]));
    }

    [Fact]
    public async Task Settings_are_changed_over_HTTP_answered_by_at_once_and_on_a_node_alone_until_its_next_start()
    {
        await _mesh.StartAsync("dns.ttl=20s");
        _ = (await Node.ApplyAsync(Manifest.Vip("capped", "capped.test"))).Done;
        Assert.Equal(20u, (await Node.DigAsync("capped.test A")).Only.Ttl);
        var reply = await Node.PutSettingsAsync("""{"dns.ttl":"5s","mesh.zones":["put.internal"]}""");
        Assert.Contains("at its next start", (string?)reply.Done["warnings"]![0]);
        Assert.Equal(5u, (await Node.DigAsync("capped.test A")).Only.Ttl);
        Assert.Equal("NXDOMAIN", (await Node.DigAsync("nothing.put.internal A")).Status);
        Assert.Equal(0, await Node.StopAsync());
        await _mesh.StartAsync("dns.ttl=20s");
        Assert.Equal(20u, (await Node.DigAsync("capped.test A")).Only.Ttl);
    }

    [Fact]
    public async Task A_node_on_its_own_may_change_its_zones_and_TTL_at_a_restart()
    {
        await _mesh.StartAsync();
        _ = (await Node.ApplyAsync(Manifest.Vip("kept", "kept.test"))).Done;
        var vip = await Node.AddressesAsync("kept.test");
        Assert.Equal(0, await Node.StopAsync());
        await _mesh.StartAsync("mesh.zones=[new.internal]", "dns.ttl=10s");
        Assert.Equal("NXDOMAIN", (await Node.DigAsync("nothing.new.internal A")).Status);
        var reply = await Node.DigAsync("kept.test A");
        Assert.Equal((vip[0], 10u), (reply.Only.Data, reply.Only.Ttl));
    }

    [Fact]
    public async Task A_source_withdraws_only_what_is_its_own()
    {
        var file = _mesh["set.yaml"];
        await File.WriteAllTextAsync(file, Manifest.Fixed("from-file", "from-file.test", "192.0.2.1"));
        await _mesh.StartAsync($"sources.manifests={file}");
        await Node.PollAsync(async () => (await Node.DigAsync("from-file.test A")).Data is ["192.0.2.1"], "the file is applied");
        _ = (await Node.ApplyAsync(Manifest.Fixed("from-api", "from-api.test", "192.0.2.2"))).Done;
        var problem = (await Node.ApplyAsync(Manifest.Fixed("from-file", "from-file.test", "192.0.2.3"))).Refused(HttpStatusCode.Conflict);
        Assert.Equal("urn:meshdns:problem:other-source", (string?)problem["type"]);

        await File.WriteAllTextAsync(file, Manifest.Fixed("another", "another.test", "192.0.2.4"));
        await Node.PollAsync(async () => (await Node.DigAsync("another.test A")).Data is ["192.0.2.4"], "the changed file is applied");
        Assert.Equal("NXDOMAIN", (await Node.DigAsync("from-file.test A")).Status);
        Assert.Equal(["192.0.2.2"], await Node.AddressesAsync("from-api.test"));

        // A broken file changes nothing.
        await File.WriteAllTextAsync(file, "kind: Nonsense\n");
        await Node.WaitForLogAsync("keeps its earlier documents");
        Assert.Equal(["192.0.2.4"], await Node.AddressesAsync("another.test"));
        _ = (await Node.ApplyAsync(Manifest.Fixed("another", "another.test", "192.0.2.5"), "&takeOver=true")).Done;
        Assert.Equal(["192.0.2.5"], await Node.AddressesAsync("another.test"));
    }

    private sealed class Disposing(MeshNode mesh) : IAsyncDisposable
    {
        public MeshNode Mesh => mesh;

        public async ValueTask DisposeAsync() => await mesh.DisposeAsync();
    }
}
