using System.Net;
using MeshDns.Conformance.Harness;
using Xunit.Abstractions;

namespace MeshDns.Conformance.Declarations;

/// <summary>A pool of 15 addresses whose quarantine is seconds.</summary>
public sealed class SmallPool() : MeshNode("vips.ipv4=240.240.7.0/28", "vips.quarantine=4s", "dns.ttl=1s");

/// <summary>"Who gets a VIP": a full pool, quarantine, return.</summary>
public sealed class PoolTests(SmallPool fixture, ITestOutputHelper output) : MeshTest(fixture, output), IClassFixture<SmallPool>
{
    [Fact]
    public async Task A_full_pool_refuses_the_change_whole_until_a_quarantine_has_ended()
    {
        var capacity = await PoolAsync("capacity");
        Assert.InRange(capacity, 14, 15);
        var hosts = Enumerable.Range(1, capacity - 1).Select(i => $"h{i}.pool.test").ToArray();
        var reply = await Node.ApplyAsync(Manifest.Entry("all-but-one", hosts, "resolution: DNS"));
        Assert.Contains("%", reply.Warnings); // used over 80 %

        // Two more are one too many: neither gets anything.
        var events = await Node.EventsAsync();
        var problem = (await Node.ApplyAsync(Manifest.Vip("one", "one.pool.test") + Manifest.Vip("two", "two.pool.test"))).Refused(HttpStatusCode.Conflict);
        Assert.Equal("urn:meshdns:problem:pool-exhausted", (string?)problem["type"]);
        foreach (var number in (string[])[$"{capacity} (capacity)", $"{capacity - 1} are used", "0 quarantined", "0 reserved", "1 free"]) Assert.Contains(number, (string?)problem["detail"]);
        Assert.Equal(events, await Node.EventsAsync());
        Assert.Null(await VipOfAsync("one.pool.test"));
        Assert.Equal(HttpStatusCode.NotFound, (await Node.GetAsync("/v1/service-entries/default/one")).Status);

        _ = (await Node.ApplyAsync(Manifest.Vip("one", "one.pool.test"))).Done;
        (await Node.ApplyAsync(Manifest.Vip("two", "two.pool.test"))).Refused(HttpStatusCode.Conflict);
        // A claim that would leave its holder without a place is refused too.
        var vip = (await VipOfAsync("one.pool.test"))!.Value;
        (await Node.ApplyAsync(Manifest.Fixed("claim", "claim.pool.test", vip.IPv4))).Refused(HttpStatusCode.Conflict);
        (await Node.ApplyAsync(Manifest.Fixed("claim", "claim.pool.test", $"{vip.IPv4}/32"))).Refused(HttpStatusCode.Conflict);

        // Released, it rests first; then another may have it.
        _ = (await Node.DeleteAsync("one")).Done;
        var release = System.Diagnostics.Stopwatch.GetTimestamp();
        ApiReply last = null!;
        await Node.PollAsync(async () => (last = await Node.ApplyAsync(Manifest.Vip("two", "two.pool.test"))).Status == HttpStatusCode.OK, "the quarantine ends");
        // Not a measure of speed: earlier would break a promise. The clocks of the two processes may differ by a tick.
        Assert.True(System.Diagnostics.Stopwatch.GetElapsedTime(release) > TimeSpan.FromSeconds(3.5));
        Assert.Equal([vip.IPv4], await Node.AddressesAsync("two.pool.test"));
        Assert.Equal(0, await PoolAsync("free"));

        // Every sum of the metrics agrees with the API's.
        Assert.Equal(capacity, await Node.MetricAsync("meshdns_vips_capacity"));
        Assert.Equal(capacity, await Node.MetricAsync("meshdns_vips{state=\"leased\"}"));
        Assert.Equal(0, await Node.MetricAsync("meshdns_vips{state=\"free\"}"));
    }
}
