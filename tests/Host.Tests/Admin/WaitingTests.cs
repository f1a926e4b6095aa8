using System.Net;
using MeshDns.Contracts.Messages;
using MeshDns.Host.Admin;
using MeshDns.Tests.Shared;

namespace MeshDns.Host.Tests.Admin;

/// <summary>Changes at the same time wait for each other instead of being refused.</summary>
public sealed class WaitingTests
{
    private static readonly string _padding = string.Concat(Enumerable.Repeat("\n# comment", AdminLimits.DocumentBytes / 20));

    [Fact]
    public async Task Forty_sets_at_the_same_time_are_all_applied()
    {
        await using var api = await AdminFixture.StartAsync();
        var answers = await Task.WhenAll(Enumerable.Range(0, 40).Select(i => api.ApplyAsync(AdminFixture.Entry($"e{i}", $"h{i}.example.com"))));
        Assert.All(answers, answer => Assert.Equal(200, answer.Status));
        Assert.Equal(40, (await api.GetAsync("/v1/service-entries")).Json!["items"]!.AsArray().Count);
    }

    [Fact]
    public async Task Large_sets_are_carried_out_two_at_a_time_while_small_ones_pass()
    {
        await using var api = await AdminFixture.StartAsync();
        var (gate, large, most) = (new SemaphoreSlim(0), 0, 0);
        api.Mesh.OnChange = async request =>
        {
            if (!request.Changes[0].Key.Name.StartsWith("large", StringComparison.Ordinal)) return null;
            most = Math.Max(most, Interlocked.Increment(ref large));
            await gate.WaitAsync();
            Interlocked.Decrement(ref large);
            return null;
        };
        var sets = Enumerable.Range(0, 6).Select(i => api.ApplyAsync(AdminFixture.Entry($"large-{i}", $"l{i}.example.com") + _padding + "\n---\n" + AdminFixture.Entry($"also-{i}", $"a{i}.example.com") + _padding)).ToArray();
        await api.MetricReachesAsync("meshdns_admin_requests_waiting{kind=\"large_change\"}", 4);
        Assert.Equal(200, (await api.ApplyAsync(AdminFixture.Entry("small", "small.example.com"))).Status);
        // Both that have a place are there, and not only on their way.
        while (Volatile.Read(ref large) < 2) await Task.Yield();
        gate.Release(6);
        foreach (var answer in await Task.WhenAll(sets)) Assert.Equal(200, answer.Status);
        Assert.Equal(2, most);
    }

    [Fact]
    public async Task A_set_whose_turn_does_not_come_is_503_with_retry_after_and_nothing_happened()
    {
        var time = new ManualTimeProvider();
        await using var api = await AdminFixture.StartAsync(time: time, bounds: new AdminBounds { Changes = 1, Waiting = 1 });
        var gate = new TaskCompletionSource<ChangeReply?>();
        api.Mesh.OnChange = _ => gate.Task;
        var first = api.ApplyAsync(AdminFixture.Entry("one", "one.example.com"));
        while (api.Mesh.Requests.Count == 0) await Task.Yield();
        var second = api.ApplyAsync(AdminFixture.Entry("two", "two.example.com"));
        await api.MetricReachesAsync("meshdns_admin_requests_waiting{kind=\"change\"}", 1);
        (await api.ApplyAsync(AdminFixture.Entry("three", "three.example.com"))).Problem(503);
        time.Advance(AdminLimits.Patience);
        var late = await second;
        Assert.Equal("1 changes were under way for 20 s", (string?)late.Problem(503)["detail"]);
        Assert.True(late.HasRetryAfter);
        Assert.Single(api.Mesh.Requests);
        gate.SetResult(null);
        Assert.Equal(HttpStatusCode.OK, (HttpStatusCode)(await first).Status);
    }
}
