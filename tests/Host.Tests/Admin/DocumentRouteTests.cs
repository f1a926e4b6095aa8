using MeshDns.Contracts.Messages;

namespace MeshDns.Host.Tests.Admin;

/// <summary>PUT, GET and DELETE of one document: shapes, versions, preconditions.</summary>
public sealed class DocumentRouteTests
{
    private const string Orders = "/v1/service-entries/default/orders";

    [Fact]
    public async Task A_new_entry_is_created_with_its_vip_and_read_back_in_istios_shape()
    {
        await using var api = await AdminFixture.StartAsync();
        var put = await api.PutAsync(Orders, AdminFixture.Entry("orders", "db.example.com"));
        Assert.Equal(201, put.Status);
        Assert.Equal("\"1\"", put.ETag);
        Assert.Equal("created", (string?)put.Json!["results"]![0]!["action"]);
        Assert.Equal("240.240.0.1", (string?)put.Json["results"]![0]!["addresses"]![0]!["value"]);
        Assert.Equal("2001:2::1", (string?)put.Json["results"]![0]!["addresses"]![1]!["value"]);
        Assert.Null(put.Json["edges"]);

        var get = await api.GetAsync(Orders);
        Assert.Equal(200, get.Status);
        Assert.Equal("\"1\"", get.ETag);
        Assert.Equal("networking.istio.io/v1", (string?)get.Json!["apiVersion"]);
        Assert.Equal("db.example.com", (string?)get.Json["spec"]!["hosts"]![0]);
        Assert.Equal("db.example.com", (string?)get.Json["status"]!["addresses"]![0]!["host"]);
        Assert.Equal("1", (string?)get.Json["metadata"]!["resourceVersion"]);
    }

    [Fact]
    public async Task What_is_read_can_be_put_back_unchanged_as_json_and_as_yaml()
    {
        await using var api = await AdminFixture.StartAsync();
        await api.PutAsync(Orders, AdminFixture.Entry("orders", "db.example.com"));
        var json = await api.GetAsync(Orders);
        var yaml = await api.GetAsync(Orders, ("Accept", "application/yaml"));
        Assert.Equal("application/yaml", yaml.Type);
        Assert.Contains("kind: ServiceEntry", yaml.Text, StringComparison.Ordinal);
        var again = await api.SendAsync(HttpMethod.Put, Orders, json.Text, "application/json");
        Assert.Equal("unchanged", (string?)again.Json!["results"]![0]!["action"]);
        Assert.Equal(200, again.Status);
        again = await api.PutAsync(Orders, yaml.Text);
        Assert.Equal("unchanged", (string?)again.Json!["results"]![0]!["action"]);
        Assert.Equal("\"1\"", again.ETag);
    }

    [Fact]
    public async Task A_service_has_its_own_path()
    {
        await using var api = await AdminFixture.StartAsync();
        const string body = """{"apiVersion":"v1","kind":"Service","metadata":{"name":"web"},"spec":{"clusterIP":"10.0.0.1","ports":[{"port":80}]}}""";
        Assert.Equal(201, (await api.SendAsync(HttpMethod.Put, "/v1/services/default/web", body, "application/json")).Status);
        var get = await api.GetAsync("/v1/services/default/web");
        Assert.Equal("Service", (string?)get.Json!["kind"]);
        (await api.GetAsync("/v1/service-entries/default/web")).Problem(404);
        (await api.SendAsync(HttpMethod.Put, "/v1/service-entries/default/web", body, "application/json")).Problem(400);
    }

    [Fact]
    public async Task A_body_that_disagrees_with_the_path_is_refused_by_field()
    {
        await using var api = await AdminFixture.StartAsync();
        var problem = (await api.PutAsync("/v1/service-entries/prod/other", AdminFixture.Entry("orders", "db.example.com"))).Problem(400);
        Assert.Equal(["metadata.namespace", "metadata.name"], problem["errors"]!.AsArray().Select(error => (string?)error!["field"]));
        Assert.Empty(api.Mesh.Requests);
    }

    [Fact]
    public async Task If_match_guards_a_change()
    {
        await using var api = await AdminFixture.StartAsync();
        await api.PutAsync(Orders, AdminFixture.Entry("orders", "a.example.com"));
        var second = AdminFixture.Entry("orders", "b.example.com");
        (await api.PutAsync(Orders, second, ("If-Match", "\"7\""))).Problem(412);
        (await api.PutAsync(Orders, second, ("If-Match", "W/\"1\""))).Problem(412);
        (await api.PutAsync(Orders, second, ("If-None-Match", "*"))).Problem(412);
        (await api.PutAsync(Orders, second, ("If-None-Match", "\"1\""))).Problem(400);
        (await api.PutAsync(Orders, second, ("If-Match", "1 2"))).Problem(400);
        (await api.PutAsync(Orders, second, ("If-Match", "*"), ("If-None-Match", "*"))).Problem(400);
        Assert.Equal("\"2\"", (await api.PutAsync(Orders, second, ("If-Match", "\"1\""))).ETag);
        Assert.Equal("\"3\"", (await api.PutAsync(Orders, AdminFixture.Entry("orders", "c.example.com"), ("If-Match", "\"9\", \"2\""))).ETag);
        Assert.Equal(200, (await api.PutAsync(Orders, second, ("If-Match", "*"))).Status);
        (await api.PutAsync("/v1/service-entries/default/none", AdminFixture.Entry("none", "n.example.com"), ("If-Match", "*"))).Problem(412);
        Assert.Equal(201, (await api.PutAsync("/v1/service-entries/default/none", AdminFixture.Entry("none", "n.example.com"), ("If-None-Match", "*"))).Status);
    }

    [Fact]
    public async Task Delete_needs_the_document_and_honours_if_match()
    {
        await using var api = await AdminFixture.StartAsync();
        (await api.SendAsync(HttpMethod.Delete, Orders)).Problem(404);
        await api.PutAsync(Orders, AdminFixture.Entry("orders", "a.example.com"));
        (await api.SendAsync(HttpMethod.Delete, Orders, null, "", ("If-Match", "\"4\""))).Problem(412);
        var deleted = await api.SendAsync(HttpMethod.Delete, Orders, null, "", ("If-Match", "\"1\""));
        Assert.Equal("deleted", (string?)deleted.Json!["results"]![0]!["action"]);
        (await api.GetAsync(Orders)).Problem(404);
    }

    [Fact]
    public async Task A_dry_run_writes_nothing()
    {
        await using var api = await AdminFixture.StartAsync();
        var dry = await api.PutAsync(Orders + "?dryRun=true&wait=edges", AdminFixture.Entry("orders", "a.example.com"));
        Assert.Equal(200, dry.Status);
        Assert.True((bool)dry.Json!["dryRun"]!);
        Assert.Equal(0, api.Mesh.EdgeWaits);
        (await api.GetAsync(Orders)).Problem(404);
    }

    [Fact]
    public async Task Waiting_for_edges_is_told_in_the_reply_and_never_fails_the_change()
    {
        await using var api = await AdminFixture.StartAsync();
        var body = AdminFixture.Entry("orders", "a.example.com");
        var edges = (await api.PutAsync(Orders + "?wait=edges", body)).Json!["edges"]!;
        Assert.True((bool)edges["waited"]!);
        Assert.Empty(edges["missing"]!.AsArray());
        api.Mesh.MissingEdges = () => Task.FromResult<IReadOnlyList<string>>(["node-9"]);
        Assert.Equal("node-9", (string?)(await api.PutAsync(Orders + "?wait=edges", body)).Json!["edges"]!["missing"]![0]);
        api.Mesh.MissingEdges = () => throw new InvalidOperationException("no feed");
        var failed = await api.PutAsync(Orders + "?wait=edges", body);
        Assert.Equal(200, failed.Status);
        Assert.False((bool)failed.Json!["edges"]!["waited"]!);
    }

    [Fact]
    public async Task An_idempotency_key_reaches_the_mesh_and_its_reuse_is_refused()
    {
        await using var api = await AdminFixture.StartAsync();
        await api.PutAsync(Orders, AdminFixture.Entry("orders", "a.example.com"), ("Idempotency-Key", "k-1"));
        Assert.Equal("k-1", api.Mesh.Requests[0].IdempotencyKey);
        (await api.PutAsync(Orders, AdminFixture.Entry("orders", "b.example.com"), ("Idempotency-Key", "k-1"))).Problem(422);
        (await api.PutAsync(Orders, AdminFixture.Entry("orders", "b.example.com"), ("Idempotency-Key", new string('x', 129)))).Problem(400);
        (await api.PutAsync(Orders, AdminFixture.Entry("orders", "b.example.com"), ("Idempotency-Key", "has space"))).Problem(400);
    }

    [Fact]
    public async Task Lists_page_and_filter()
    {
        await using var api = await AdminFixture.StartAsync();
        for (var i = 0; i < 5; i++) await api.PutAsync($"/v1/service-entries/default/e{i}", AdminFixture.Entry($"e{i}", $"h{i}.example.com"));
        var first = await api.GetAsync("/v1/service-entries?limit=2");
        Assert.Equal(2, first.Json!["items"]!.AsArray().Count);
        var next = (string?)first.Json["next"];
        var second = await api.GetAsync($"/v1/service-entries?limit=3&after={Uri.EscapeDataString(next!)}");
        Assert.Equal("e2", (string?)second.Json!["items"]![0]!["metadata"]!["name"]);
        Assert.True(second.Json.AsObject().ContainsKey("next"));
        Assert.Null(second.Json["next"]);
        Assert.Single((await api.GetAsync("/v1/service-entries?q=E4")).Json!["items"]!.AsArray());
        Assert.Empty((await api.GetAsync("/v1/services")).Json!["items"]!.AsArray());
        foreach (var bad in new[] { "limit=0", "limit=10001", "limit=x", "limit=1&limit=2", "source=api", "LIMIT=1" }) (await api.GetAsync("/v1/service-entries?" + bad)).Problem(400);
    }

    [Theory]
    [InlineData(RefusalReason.Invalid, 422)]
    [InlineData(RefusalReason.VersionMismatch, 412)]
    [InlineData(RefusalReason.OtherSource, 409)]
    [InlineData(RefusalReason.NotFound, 404)]
    [InlineData(RefusalReason.PoolExhausted, 409)]
    [InlineData(RefusalReason.GuardRefused, 409)]
    [InlineData(RefusalReason.KeyReused, 422)]
    [InlineData(RefusalReason.Contention, 409)]
    public async Task Every_refusal_has_its_status(RefusalReason reason, int status)
    {
        await using var api = await AdminFixture.StartAsync();
        api.Mesh.OnChange = request => Task.FromResult<ChangeReply?>(ChangeReply.Refused(reason, "because", request.Changes[0].Key));
        var problem = (await api.PutAsync(Orders, AdminFixture.Entry("orders", "a.example.com"))).Problem(status);
        Assert.Equal("because", (string?)problem["detail"]);
        Assert.Equal(1, (int)problem["errors"]![0]!["document"]!);
        if (reason == RefusalReason.PoolExhausted) Assert.Equal("VIP pool exhausted", (string?)problem["title"]);
    }
}
