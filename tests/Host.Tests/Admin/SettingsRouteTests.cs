using MeshDns.Contracts.Messages;

namespace MeshDns.Host.Tests.Admin;

/// <summary><c>GET</c> and <c>PUT /v1/settings</c>: shape, preconditions, and that nothing in a body is passed over.</summary>
public sealed class SettingsRouteTests
{
    private const string Path = "/v1/settings";

    [Fact]
    public async Task Settings_have_the_names_and_the_notation_of_a_configuration_file()
    {
        await using var api = await AdminFixture.StartAsync();
        var reply = await api.GetAsync(Path);
        Assert.Equal("""{"vips.quarantine":"24h","dns.ttl":"30s","mesh.zones":[],"mesh.cluster-domain":"cluster.local","vips.ipv4":"240.240.0.0/16","vips.ipv6":"2001:2::/48","cluster.shards":64}""", reply.Text);
        Assert.Equal($"\"{api.Mesh.Settings.Shared.Tag}\"", reply.ETag);
        (await api.GetAsync(Path + "?x=1")).Problem(400);
    }

    [Fact]
    public async Task A_PUT_names_some_of_them_and_what_GET_gives_may_be_put_back_whole()
    {
        await using var api = await AdminFixture.StartAsync();
        var reply = await PutAsync(api, """{"vips.quarantine":"12h"}""");
        Assert.Equal((200, "12h", "30s"), (reply.Status, (string?)reply.Json!["settings"]!["vips.quarantine"], (string?)reply.Json["settings"]!["dns.ttl"]));
        Assert.Equal(new SettingsChange { QuarantineMs = 43_200_000 }, api.Mesh.Requests[^1].Settings);
        Assert.Empty(api.Mesh.Requests[^1].Changes);
        var whole = await api.GetAsync(Path);
        Assert.Equal(whole.ETag, reply.ETag);
        Assert.Equal(200, (await PutAsync(api, whole.Text, ("If-Match", whole.ETag!))).Status);
        Assert.Equal(whole.ETag, (await api.GetAsync(Path)).ETag);
        Assert.Equal(200, (await PutAsync(api, """{"mesh.zones":["B.internal","a.internal."],"mesh.cluster-domain":"other.local","dns.ttl":"1m"}""")).Status);
        Assert.Equal(("b.internal,a.internal", "other.local", 60_000L), (string.Join(',', api.Mesh.Requests[^1].Settings!.Zones!), api.Mesh.Requests[^1].Settings!.ClusterDomain, api.Mesh.Requests[^1].Settings!.LargestTtlMs));
    }

    [Theory]
    [InlineData("""{"vips.quarantine":"12h","quarantine":"1h"}""", 400, "quarantine")]
    [InlineData("""{"vips.quarantine":"12h","vips.quarantine":"1h"}""", 400, "vips.quarantine")]
    [InlineData("""{"dns.negative-ttl":"5s"}""", 400, "dns.negative-ttl")]
    [InlineData("""{"vips.quarantine":3600}""", 422, "vips.quarantine")]
    [InlineData("""{"vips.quarantine":null}""", 422, "vips.quarantine")]
    [InlineData("""{"vips.quarantine":"a while"}""", 422, "vips.quarantine")]
    [InlineData("""{"dns.ttl":"1500ms"}""", 422, "dns.ttl")]
    [InlineData("""{"mesh.zones":"a.internal,b.internal"}""", 422, "mesh.zones")]
    [InlineData("""{"mesh.zones":["a.internal",7]}""", 422, "mesh.zones")]
    [InlineData("""{"mesh.zones":["*.internal"]}""", 422, "mesh.zones")]
    [InlineData("""{"mesh.cluster-domain":"no domain"}""", 422, "mesh.cluster-domain")]
    [InlineData("""{"vips.ipv4":"240.241.0.0/16"}""", 422, "vips.ipv4")]
    [InlineData("""{"vips.quarantine":"12h","cluster.shards":32}""", 422, "cluster.shards")]
    [InlineData("""{"cluster.shards":"64"}""", 422, "cluster.shards")]
    public async Task Whatever_is_wrong_with_a_body_is_named_and_nothing_is_changed(string body, int status, string field)
    {
        await using var api = await AdminFixture.StartAsync();
        var problem = (await PutAsync(api, body)).Problem(status);
        Assert.Equal(field, (string?)Assert.Single(problem["errors"]!.AsArray())!["field"]);
        Assert.Contains(field, (string?)problem["detail"], StringComparison.Ordinal);
        Assert.Empty(api.Mesh.Requests);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("{}")]
    public async Task What_is_no_object_of_settings_is_malformed(string body)
    {
        await using var api = await AdminFixture.StartAsync();
        (await PutAsync(api, body)).Problem(400);
        (await api.PutAsync(Path, "vips.quarantine: 12h")).Problem(415);
        Assert.Empty(api.Mesh.Requests);
    }

    [Fact]
    public async Task If_Match_takes_what_is_there_and_nothing_else()
    {
        await using var api = await AdminFixture.StartAsync();
        var seen = (await api.GetAsync(Path)).ETag!;
        const string Body = """{"vips.quarantine":"12h"}""";
        Assert.Equal(200, (await PutAsync(api, Body, ("If-Match", $"\"other\", {seen}"))).Status);
        (await PutAsync(api, Body, ("If-Match", seen))).Problem(412);
        (await PutAsync(api, Body, ("If-Match", $"\"other\", {seen}"))).Problem(412);
        (await PutAsync(api, Body, ("If-Match", "nonsense"))).Problem(400);
        (await PutAsync(api, Body, ("If-None-Match", "*"))).Problem(400);
        Assert.Equal(200, (await PutAsync(api, Body, ("If-Match", "*"))).Status);
    }

    [Fact]
    public async Task A_dry_run_a_key_and_an_outcome_that_nobody_knows_mean_what_they_mean_elsewhere()
    {
        await using var api = await AdminFixture.StartAsync();
        api.Mesh.OnChange = request => Task.FromResult<ChangeReply?>(request.DryRun ? new ChangeReply { Outcome = ChangeOutcome.Applied, Settings = api.Mesh.Settings, Warnings = ["w"] } : null);
        var dry = await api.SendAsync(HttpMethod.Put, Path + "?dryRun=true", """{"vips.quarantine":"12h"}""", "application/json", ("Idempotency-Key", "k"));
        Assert.Equal((true, "w", null, "k"), ((bool)dry.Json!["dryRun"]!, (string?)dry.Json["warnings"]![0], dry.ETag, api.Mesh.Requests[^1].IdempotencyKey));
        foreach (var (outcome, status) in ((ChangeOutcome, int)[])[(ChangeOutcome.Unavailable, 503), (ChangeOutcome.Unknown, 504)])
        {
            api.Mesh.OnChange = _ => Task.FromResult<ChangeReply?>(new ChangeReply { Outcome = outcome, Detail = "why" });
            Assert.Equal("why", (string?)(await PutAsync(api, """{"vips.quarantine":"12h"}""")).Problem(status)["detail"]);
        }
        api.Mesh.OnChange = _ => Task.FromResult<ChangeReply?>(ChangeReply.Refused(RefusalReason.Invalid, "vips.quarantine must be at least"));
        (await PutAsync(api, """{"vips.quarantine":"1m"}""")).Problem(422);
        (await api.SendAsync(HttpMethod.Put, Path + "?takeOver=true", "{}", "application/json")).Problem(400);
    }

    private static Task<Answer> PutAsync(AdminFixture api, string body, params (string Name, string Value)[] headers) => api.SendAsync(HttpMethod.Put, Path, body, "application/json", headers);
}
