using MeshDns.Actors;
using MeshDns.Contracts.Messages;
using MeshDns.Host.Cli;
using MeshDns.Host.Tests.Admin;

namespace MeshDns.Host.Tests.Cli;

/// <summary>A server that says when to ask again (Retry-After, RFC 9110 section 10.2.3) is asked again, and for how long.</summary>
public sealed class RetryTests
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_change_is_asked_again_with_the_same_key_until_it_is_done()
    {
        await using var api = await AdminFixture.StartAsync();
        api.Mesh.OnChange = _ => Task.FromResult(api.Mesh.Requests.Count < 3 ? new ChangeReply { Outcome = ChangeOutcome.Unavailable, Detail = "all is busy" } : null);
        var run = (await RunAsync(api, _patience, "apply", "-f", "-")).Exits(ExitCode.Done);
        Assert.Equal("serviceentry/default/e created  e.example.com -> 240.240.0.1, 2001:2::1\n", run.Output);
        Assert.Equal("Not available now: all is busy; asking again\n", run.Error);
        Assert.Equal(3, api.Mesh.Requests.Count);
        Assert.Single(api.Mesh.Requests.Select(request => request.IdempotencyKey).Distinct());
    }

    [Fact]
    public async Task A_read_is_asked_again_too()
    {
        await using var api = await AdminFixture.StartAsync();
        var reads = 0;
        api.Mesh.OnRead = _ => ++reads == 1 ? throw new MeshUnavailableException("no owner") : Task.CompletedTask;
        (await RunAsync(api, _patience, "get", "hosts")).Exits(ExitCode.Done);
        Assert.Equal(2, reads);
    }

    [Fact]
    public async Task Patience_ends_with_the_servers_reason()
    {
        await using var api = await AdminFixture.StartAsync();
        api.Mesh.OnChange = _ => Task.FromResult<ChangeReply?>(new ChangeReply { Outcome = ChangeOutcome.Unavailable, Detail = "no store" });
        var run = (await RunAsync(api, TimeSpan.FromSeconds(2.5), "apply", "-f", "-")).Exits(ExitCode.Failed);
        Assert.EndsWith("error: Not available now: no store\n", run.Error, StringComparison.Ordinal);
        Assert.InRange(api.Mesh.Requests.Count, 2, 3);
        // The server's second is longer than this.
        (await RunAsync(api, TimeSpan.FromSeconds(0.5), "apply", "-f", "-")).Exits(ExitCode.Failed);
        Assert.InRange(api.Mesh.Requests.Count, 3, 4);
    }

    [Fact]
    public async Task Neither_a_health_check_nor_a_refusal_is_repeated()
    {
        await using var api = await AdminFixture.StartAsync();
        api.Health.NotReady = ["no upstream"];
        Assert.Contains("no upstream", (await RunAsync(api, _patience, "health")).Exits(ExitCode.Failed).Error, StringComparison.Ordinal);
        Assert.Equal(1, await api.MetricAsync("meshdns_admin_requests_total{method=\"GET\",code=\"503\"}"));
        api.Mesh.OnChange = request => Task.FromResult<ChangeReply?>(ChangeReply.Refused(RefusalReason.Contention, "again and again"));
        (await RunAsync(api, _patience, "apply", "-f", "-")).Exits(ExitCode.Failed);
        Assert.Single(api.Mesh.Requests);
    }

    private static Task<CliRun> RunAsync(AdminFixture api, TimeSpan patience, params string[] arguments) =>
        CliRun.RunAsync([.. arguments, "--server", api.Url.ToString()], new Dictionary<string, string>(), AdminFixture.Entry("e", "e.example.com"), patience: patience);
}
