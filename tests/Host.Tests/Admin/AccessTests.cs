using MeshDns.Tests.Shared;
using Microsoft.Extensions.Logging;

namespace MeshDns.Host.Tests.Admin;

/// <summary>Who may call.</summary>
public sealed class AccessTests
{
    [Fact]
    public async Task With_a_token_only_its_bearer_gets_in()
    {
        await using var api = await AdminFixture.StartAsync(token: "s3cret-token");
        foreach (var path in new[] { "/v1/hosts", "/metrics", "/v1/export", "/nowhere" })
        {
            var refused = await api.GetAsync(path);
            refused.Problem(401);
            Assert.True(refused.HasChallenge);
            Assert.DoesNotContain("s3cret", refused.Text, StringComparison.Ordinal);
        }
        foreach (var header in new[] { "Bearer wrong", "Bearer ", "s3cret-token", "Basic s3cret-token", "Bearer s3cret-tokenx" }) (await api.GetAsync("/v1/hosts", ("Authorization", header))).Problem(401);
        Assert.Equal(200, (await api.GetAsync("/v1/hosts", ("Authorization", "Bearer s3cret-token"))).Status);
        Assert.Equal(200, (await api.GetAsync("/v1/hosts", ("Authorization", "bearer s3cret-token"), ("Host", "meshdns.example.com"))).Status);
        Assert.Equal(200, (await api.GetAsync("/healthz")).Status);
        Assert.Equal(200, (await api.GetAsync("/readyz")).Status);
    }

    [Fact]
    public async Task A_flood_of_wrong_tokens_is_counted_and_leaves_a_line_a_minute_without_them()
    {
        var time = new ManualTimeProvider();
        var log = new ListLogger();
        await using var api = await AdminFixture.StartAsync(token: "s3cret-token", time: time, log: log);
        for (var i = 0; i < 500; i++) (await api.GetAsync("/v1/hosts", ("Authorization", $"Bearer guess-{i}"))).Problem(401);
        (await api.GetAsync("/v1/hosts")).Problem(401);
        Assert.Equal("rejected a request to the API from 127.0.0.1: it shows a wrong token (0 more since the last such line)", Assert.Single(log.Lines).Text);
        time.Advance(TimeSpan.FromSeconds(61));
        (await api.GetAsync("/v1/hosts", ("Authorization", "Bearer guess"))).Problem(401);
        Assert.EndsWith("(500 more since the last such line)", log.Of(LogLevel.Warning).Last(), StringComparison.Ordinal);
        Assert.Equal(2, log.Lines.Count);
        Assert.DoesNotContain(log.Lines, line => line.Text.Contains("guess", StringComparison.Ordinal));
        var metrics = (await api.GetAsync("/metrics", ("Authorization", "Bearer s3cret-token"))).Text;
        Assert.Contains("meshdns_admin_rejected_total{reason=\"token_wrong\"} 501\n", metrics, StringComparison.Ordinal);
        Assert.Contains("meshdns_admin_rejected_total{reason=\"token_missing\"} 1\n", metrics, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_token_a_rebound_name_and_a_foreign_page_are_refused()
    {
        await using var api = await AdminFixture.StartAsync();
        var port = api.Server.Endpoint.Port;
        (await api.GetAsync("/v1/hosts", ("Host", "attacker.example.com"))).Problem(421);
        (await api.GetAsync("/v1/hosts", ("Origin", "https://attacker.example.com"))).Problem(403);
        (await api.SendAsync(HttpMethod.Post, "/v1/nodes/node-1/drain", null, "", ("Origin", "null"))).Problem(403);
        Assert.Empty(api.Mesh.Drained);
        foreach (var host in new[] { "localhost", "LOCALHOST:1", "127.0.0.1", "[::1]:80" }) Assert.Equal(200, (await api.GetAsync("/v1/hosts", ("Host", host))).Status);
        Assert.Equal(200, (await api.GetAsync("/v1/hosts", ("Origin", $"http://127.0.0.1:{port}"))).Status);
    }
}
