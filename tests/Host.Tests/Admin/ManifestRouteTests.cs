using MeshDns.Contracts.Messages;

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

    [Theory]
    [InlineData("application/yaml", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n---\n", "\n---\napiVersion: v1\nkind: Pod\n")]
    [InlineData("application/json", """{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web"}}""", """{"apiVersion":"v1","kind":"Pod"}""")]
    public async Task Kinds_that_mean_nothing_for_names_are_passed_over_and_listed(string type, string before, string after)
    {
        await using var api = await AdminFixture.StartAsync();
        const string entry = """{"apiVersion":"networking.istio.io/v1","kind":"ServiceEntry","metadata":{"name":"a"},"spec":{"hosts":["a.example.com"],"resolution":"DNS"}}""";
        var answer = await api.SendAsync(HttpMethod.Post, "/v1/manifests", before + entry + after, type);
        Assert.Equal(200, answer.Status);
        Assert.Equal(2, (int)Assert.Single(answer.Json!["results"]!.AsArray())!["document"]!);
        Assert.Equal([(1, "Deployment", "web"), (3, "Pod", null)], answer.Json["skipped"]!.AsArray().Select(s => ((int)s!["document"]!, (string)s["kind"]!, (string?)s["name"])));
        Assert.Equal("apps/v1", (string?)answer.Json["skipped"]![0]!["apiVersion"]);

        var deleted = await api.SendAsync(HttpMethod.Post, "/v1/manifests?delete=true", before + entry + after, type);
        Assert.Equal(("deleted", 2, 2), ((string?)deleted.Json!["results"]![0]!["action"], (int)deleted.Json["results"]![0]!["document"]!, deleted.Json["skipped"]!.AsArray().Count));
        Assert.Null((await api.SendAsync(HttpMethod.Post, "/v1/manifests", entry, type)).Json!["skipped"]);

        var problem = (await api.SendAsync(HttpMethod.Post, "/v1/manifests?strict=true", before + entry + after, type)).Problem(422);
        Assert.Equal([1, 3], problem["errors"]!.AsArray().Select(e => (int)e!["document"]!));
        (await api.SendAsync(HttpMethod.Post, "/v1/manifests?strict=yes", before + entry + after, type)).Problem(400);
        Assert.Contains("Deployment (apps/v1) web is skipped", (string?)(await api.SendAsync(HttpMethod.Post, "/v1/manifests", before, type)).Problem(400)["detail"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_refusal_names_the_document_of_the_body()
    {
        await using var api = await AdminFixture.StartAsync();
        api.Mesh.OnChange = request => Task.FromResult<ChangeReply?>(ChangeReply.Refused(RefusalReason.OtherSource, "it belongs to file:infra", request.Changes[0].Key));
        var problem = (await api.ApplyAsync("apiVersion: v1\nkind: Pod\n---\n" + AdminFixture.Entry("a", "a.example.com"))).Problem(409);
        Assert.Equal(2, (int)Assert.Single(problem["errors"]!.AsArray())!["document"]!);
    }

    [Fact]
    public async Task One_document_that_is_put_must_be_of_its_kind()
    {
        await using var api = await AdminFixture.StartAsync();
        var problem = (await api.PutAsync("/v1/service-entries/default/a", "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n")).Problem(422);
        Assert.Equal("kind", (string?)problem["errors"]![0]!["field"]);
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
