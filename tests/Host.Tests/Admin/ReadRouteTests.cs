using System.Text;
using MeshDns.Host.Sources;

namespace MeshDns.Host.Tests.Admin;

/// <summary>Hosts, VIPs, the cluster, explain, export, metrics and health: the shapes that other tools read.</summary>
public sealed class ReadRouteTests
{
    [Fact]
    public async Task A_host_has_the_designs_shape()
    {
        await using var api = await AdminFixture.StartAsync();
        await api.ApplyAsync(AdminFixture.Entry("orders", "db.example.com"));
        var host = (await api.GetAsync("/v1/hosts/DB.Example.com")).Json!;
        Assert.Equal("""{"host":"db.example.com","namespace":"default","entries":[{"namespace":"default","name":"orders","kind":"ServiceEntry","resolution":"DNS"}],"addresses":["240.240.0.1","2001:2::1"],"vip":{"ipv4":"240.240.0.1","ipv6":"2001:2::1","state":"leased"},"ttl":30,"shard":"shard-00","owner":"node-1"}""", host.ToJsonString());
        (await api.GetAsync("/v1/hosts/none.example.com")).Problem(404);
        (await api.GetAsync("/v1/hosts/a..b")).Problem(400);
        Assert.Single((await api.GetAsync("/v1/hosts?q=DB")).Json!["items"]!.AsArray());
    }

    [Fact]
    public async Task A_host_of_two_namespaces_lists_both_records()
    {
        await using var api = await AdminFixture.StartAsync();
        await api.ApplyAsync(AdminFixture.Entry("one", "db.example.com", "a") + "\n---\n" + AdminFixture.Entry("two", "db.example.com", "b"));
        Assert.Equal(2, (await api.GetAsync("/v1/hosts")).Json!["items"]!.AsArray().Count);
        var host = (await api.GetAsync("/v1/hosts/db.example.com")).Json!;
        Assert.Equal("a", (string?)host["namespace"]);
        Assert.Equal(["a", "b"], host["records"]!.AsArray().Select(record => (string?)record!["namespace"]));
    }

    [Fact]
    public async Task Explicit_addresses_are_shown_without_their_cidrs_and_without_a_vip()
    {
        await using var api = await AdminFixture.StartAsync();
        await api.ApplyAsync(AdminFixture.Entry("fixed", "fixed.example.com").Replace("resolution: DNS", "resolution: NONE\n  addresses: [10.1.0.0/16, 10.2.3.4]", StringComparison.Ordinal));
        var host = (await api.GetAsync("/v1/hosts/fixed.example.com")).Json!;
        Assert.Equal(["10.2.3.4"], host["addresses"]!.AsArray().Select(address => (string?)address));
        Assert.True(host.AsObject().ContainsKey("vip"));
        Assert.Null(host["vip"]);
    }

    [Fact]
    public async Task A_vip_is_found_by_either_address()
    {
        await using var api = await AdminFixture.StartAsync();
        await api.ApplyAsync(AdminFixture.Entry("orders", "db.example.com"));
        var vip = (await api.GetAsync("/v1/vips/2001:2::1")).Json!;
        Assert.Equal("""{"ipv4":"240.240.0.1","ipv6":"2001:2::1","host":"db.example.com","state":"leased","since":"2023-11-14T22:13:20.000Z","until":null}""", vip.ToJsonString());
        Assert.Equal("240.240.0.9 is free; no host ever held it", (string?)(await api.GetAsync("/v1/vips/240.240.0.9")).Problem(404)["detail"]);
        (await api.GetAsync("/v1/vips/240.240.0.255")).Problem(404);
        (await api.GetAsync("/v1/vips/192.0.2.1")).Problem(404);
        (await api.GetAsync("/v1/vips/nonsense")).Problem(400);
        Assert.Single((await api.GetAsync("/v1/vips")).Json!["items"]!.AsArray());
    }

    [Fact]
    public async Task The_cluster_has_the_designs_shape_and_a_node_can_be_drained()
    {
        await using var api = await AdminFixture.StartAsync();
        var cluster = (await api.GetAsync("/v1/cluster")).Json!;
        Assert.Equal("""{"node":"node-1","members":[{"node":"node-1","address":"127.0.0.1:0","roles":["owner","edge"],"state":"up","version":"0.1.0","streams":2,"directory":{"names":0,"ageSeconds":0.25,"lagEvents":0}}],"streams":[{"stream":"shard-00","owner":"node-1","epoch":1,"seq":7},{"stream":"vips","owner":"node-1","epoch":1,"seq":3}],"vips":{"capacity":1000,"leased":0,"quarantined":0,"reserved":0,"excluded":0,"free":1000}}""", cluster.ToJsonString());
        Assert.Equal(200, (await api.SendAsync(HttpMethod.Post, "/v1/nodes/node-1/drain")).Status);
        Assert.Equal(["node-1"], api.Mesh.Drained);
        (await api.SendAsync(HttpMethod.Post, "/v1/nodes/other/drain")).Problem(404);
    }

    [Fact]
    public async Task Explain_says_since_when_a_VIP_is_leased_and_does_without_where_no_owner_answers()
    {
        await using var api = await AdminFixture.StartAsync();
        Assert.Equal("240.240.0.1 is no longer leased", (string?)(await api.GetAsync("/v1/explain?name=leased.example.com")).Json!["steps"]![1]);
        Assert.Equal(200, (await api.ApplyAsync(AdminFixture.Entry("leased", "leased.example.com"))).Status);
        var steps = (await api.GetAsync("/v1/explain?name=leased.example.com")).Json!["steps"]!;
        Assert.StartsWith("240.240.0.1 is leased to leased.example.com since 20", (string?)steps[1], StringComparison.Ordinal);
        Assert.EndsWith("the allocator is in epoch 1 at node-1", (string?)steps[1], StringComparison.Ordinal);
        api.Mesh.OnRead = _ => throw new InvalidOperationException("away");
        Assert.Equal("since when 240.240.0.1 is leased cannot be read now: no owner answers", (string?)(await api.GetAsync("/v1/explain?name=leased.example.com")).Json!["steps"]![1]);
    }

    [Fact]
    public async Task Explain_answers_and_checks_its_parameters()
    {
        await using var api = await AdminFixture.StartAsync();
        var explanation = (await api.GetAsync("/v1/explain?name=db.example.com&type=aaaa&client=10.0.0.1")).Json!;
        Assert.Equal("AAAA", (string?)explanation["type"]);
        Assert.Equal("10.0.0.1", (string?)explanation["client"]);
        Assert.Equal("it is declared", (string?)explanation["steps"]![0]);
        (await api.GetAsync("/v1/explain")).Problem(400);
        (await api.GetAsync("/v1/explain?name=a&client=nonsense")).Problem(400);
        (await api.GetAsync("/v1/explain?name=a%20b")).Problem(400);
    }

    [Fact]
    public async Task An_export_reads_back_as_the_same_documents()
    {
        await using var api = await AdminFixture.StartAsync();
        Assert.Equal("", (await api.GetAsync("/v1/export")).Text);
        await api.ApplyAsync(string.Join("\n---\n", Enumerable.Range(0, 1500).Select(i => AdminFixture.Entry($"e{i}", $"h{i}.example.com"))).Replace("resolution: DNS", "resolution: NONE", StringComparison.Ordinal));
        var export = await api.GetAsync("/v1/export");
        Assert.Equal("application/yaml", export.Type);
        var result = ManifestReader.Read("export", Encoding.UTF8.GetBytes(export.Text), ManifestFormat.Yaml);
        Assert.Empty(result.Errors);
        Assert.Equal(1500, result.Documents.Count);
        Assert.All((await api.ApplyAsync(export.Text)).Json!["results"]!.AsArray(), r => Assert.Equal("unchanged", (string?)r!["action"]));
    }

    [Fact]
    public async Task An_export_that_fails_half_way_is_cut_and_not_taken_for_a_whole_one()
    {
        await using var api = await AdminFixture.StartAsync();
        await api.ApplyAsync(string.Join("\n---\n", Enumerable.Range(0, 1500).Select(i => AdminFixture.Entry($"e{i}", $"h{i}.example.com"))).Replace("resolution: DNS", "resolution: NONE", StringComparison.Ordinal));
        var reads = 0;
        api.Mesh.OnRead = _ => ++reads > 1 ? throw new InvalidOperationException("gone") : Task.CompletedTask;
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => api.GetAsync("/v1/export"));
    }

    [Fact]
    public async Task Health_and_readiness_say_why_not()
    {
        await using var api = await AdminFixture.StartAsync();
        Assert.Equal("""{"status":"ready"}""", (await api.GetAsync("/readyz")).Text);
        api.Health.NotWritable = "the disk is full";
        Assert.Equal("""{"status":"ready, not writable","reason":"the disk is full"}""", (await api.GetAsync("/readyz")).Text);
        api.Health.NotReady = ["the directory has not loaded"];
        var problem = (await api.GetAsync("/readyz")).Problem(503);
        Assert.Equal("the directory has not loaded", (string?)problem["errors"]![0]!["reason"]);
        Assert.Equal(200, (await api.GetAsync("/healthz")).Status);
        api.Health.IsLive = false;
        (await api.GetAsync("/healthz")).Problem(503);
        Assert.Equal(503, (await api.SendAsync(HttpMethod.Head, "/readyz")).Status);
    }

    [Fact]
    public async Task Metrics_count_changes_and_requests()
    {
        await using var api = await AdminFixture.StartAsync();
        await api.ApplyAsync(AdminFixture.Entry("orders", "db.example.com"));
        await api.GetAsync("/nowhere");
        var metrics = await api.GetAsync("/metrics");
        Assert.Equal("text/plain", metrics.Type);
        Assert.Contains("meshdns_changes_total{outcome=\"applied\"} 1\n", metrics.Text, StringComparison.Ordinal);
        Assert.Contains("meshdns_admin_requests_total{method=\"GET\",code=\"404\"} 1\n", metrics.Text, StringComparison.Ordinal);
        Assert.Contains("meshdns_build_info{version=", metrics.Text, StringComparison.Ordinal);
        Assert.Matches(@"\nmeshdns_gc_pause_seconds_total [0-9.E-]+\n", metrics.Text);
        Assert.Matches(@"\nmeshdns_gc_allocated_bytes_total [1-9][0-9]{5,}\n", metrics.Text);
    }
}
