namespace MeshDns.Host.Tests.Admin;

/// <summary>POST /v1/manifests: all or nothing, results by object.</summary>
public sealed class ManifestRouteTests
{
    [Fact]
    public async Task A_set_is_one_change_with_a_result_for_each_object()
    {
        await using var api = await AdminFixture.StartAsync();
        var set = AdminFixture.Entry("one", "a.example.com") + "\n---\n" + AdminFixture.Entry("two", "b.example.com", more: "  unknownToDns: 1");
        var answer = await api.ApplyAsync(AdminFixture.Entry("one", "a.example.com") + "\n---\n" + AdminFixture.Entry("two", "b.example.com"), "?wait=edges");
        Assert.Equal(200, answer.Status);
        Assert.Single(api.Mesh.Requests);
        var results = answer.Json!["results"]!.AsArray();
        Assert.Equal([1, 2], results.Select(result => (int)result!["document"]!));
        Assert.Equal(["one", "two"], results.Select(result => (string?)result!["name"]));
        Assert.True((bool)answer.Json["edges"]!["waited"]!);
        (await api.ApplyAsync(set)).Problem(422);
    }

    [Fact]
    public async Task Fields_that_mean_nothing_for_dns_are_listed_as_ignored()
    {
        await using var api = await AdminFixture.StartAsync();
        var answer = await api.ApplyAsync(AdminFixture.Entry("one", "a.example.com", more: "  subjectAltNames: [a.example.com]"));
        Assert.Equal("spec.subjectAltNames", (string?)answer.Json!["results"]![0]!["ignored"]![0]);
    }

    [Fact]
    public async Task A_full_pool_refuses_the_whole_set()
    {
        await using var api = await AdminFixture.StartAsync();
        api.Mesh.Capacity = 1;
        var problem = (await api.ApplyAsync(AdminFixture.Entry("one", "a.example.com") + "\n---\n" + AdminFixture.Entry("two", "b.example.com"))).Problem(409);
        Assert.Equal("VIP pool exhausted", (string?)problem["title"]);
        Assert.Contains("of 1", (string?)problem["detail"], StringComparison.Ordinal);
        (await api.GetAsync("/v1/service-entries/default/one")).Problem(404);
    }

    [Fact]
    public async Task Flags_reach_the_mesh_and_unknown_ones_are_refused()
    {
        await using var api = await AdminFixture.StartAsync();
        var body = AdminFixture.Entry("one", "a.example.com");
        await api.ApplyAsync(body, "?dryRun=true&takeOver=true");
        Assert.True(api.Mesh.Requests[0] is { DryRun: true, TakeOver: true, Source: "api" });
        foreach (var query in new[] { "?source=file:x", "?dryrun=true", "?dryRun=yes", "?wait=forever", "?dryRun=true&dryRun=true" }) (await api.ApplyAsync(body, query)).Problem(400);
        (await api.ApplyAsync("# nothing")).Problem(400);
        Assert.Single(api.Mesh.Requests);
    }

    [Fact]
    public async Task A_set_can_be_deleted_whole_and_what_is_not_there_is_absent()
    {
        await using var api = await AdminFixture.StartAsync();
        await api.ApplyAsync(AdminFixture.Entry("one", "a.example.com"));
        var answer = await api.ApplyAsync(AdminFixture.Entry("one", "a.example.com") + "\n---\n" + AdminFixture.Entry("two", "b.example.com"), "?delete=true");
        Assert.Equal(["deleted", "absent"], answer.Json!["results"]!.AsArray().Select(result => (string?)result!["action"]));
    }

    [Fact]
    public async Task The_reply_to_a_large_set_is_whole_as_well()
    {
        await using var api = await AdminFixture.StartAsync();
        api.Mesh.Capacity = 5000;
        var set = string.Join('\n', Enumerable.Range(0, 1500).Select(i => $$$"""{"apiVersion":"networking.istio.io/v1","kind":"ServiceEntry","metadata":{"name":"d{{{i}}}"},"spec":{"hosts":["d{{{i}}}.example.com"],"resolution":"DNS"}}"""));
        var answer = await api.SendAsync(HttpMethod.Post, "/v1/manifests", set, "application/json");
        Assert.Equal(200, answer.Status);
        Assert.Equal(Enumerable.Range(0, 1500).Select(i => "d" + i), answer.Json!["results"]!.AsArray().Select(r => (string?)r!["name"]));
    }

    [Fact]
    public async Task An_error_in_a_later_document_names_its_line_and_number()
    {
        await using var api = await AdminFixture.StartAsync();
        const string entry = """{"apiVersion":"networking.istio.io/v1","kind":"ServiceEntry","metadata":{"name":"a"},"spec":{"hosts":["a.example.com"],"resolution":"DNS"}}""";
        var problem = (await api.SendAsync(HttpMethod.Post, "/v1/manifests", entry + "\n\n\n" + entry.Replace("DNS", "NSD", StringComparison.Ordinal), "application/json")).Problem(422);
        Assert.Equal((2, 4), ((int)problem["errors"]![0]!["document"]!, (int)problem["errors"]![0]!["line"]!));
    }

    [Fact]
    public async Task A_json_list_is_taken_too()
    {
        await using var api = await AdminFixture.StartAsync();
        const string entry = """{"apiVersion":"networking.istio.io/v1","kind":"ServiceEntry","metadata":{"name":"NAME"},"spec":{"hosts":["NAME.example.com"],"resolution":"DNS"}}""";
        var list = $$"""{"apiVersion":"v1","kind":"List","items":[{{entry.Replace("NAME", "a", StringComparison.Ordinal)}},{{entry.Replace("NAME", "b", StringComparison.Ordinal)}}]}""";
        var answer = await api.SendAsync(HttpMethod.Post, "/v1/manifests", list, "application/json");
        Assert.Equal(2, answer.Json!["results"]!.AsArray().Count);
    }
}
