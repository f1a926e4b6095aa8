using System.Net.Sockets;
using MeshDns.Conformance.Harness;
using MeshDns.Contracts.Dns;
using MeshDns.Tests.Shared;
using Xunit.Abstractions;

namespace MeshDns.Conformance.Forwarding;

/// <summary>Forwarding: the cache of upstream answers (RFC 2308, 8767, 9520) and identical queries in flight.</summary>
public sealed class CacheTests(QueryNode fixture, ITestOutputHelper output) : QueryTest(fixture, output)
{
    [Fact]
    public async Task A_second_answer_comes_without_the_upstream_and_its_TTL_counts_down()
    {
        Upstream.Address4("cached.up.test", "198.51.100.10", ttl: 300);
        Assert.Equal(300u, (await Node.DigAsync("cached.up.test A")).Only.Ttl);
        await Node.PollAsync(async () => (await Node.DigAsync("cached.up.test A")).Only.Ttl is < 300 and > 200, "the TTL counts down");
        Assert.Single(Upstream.QueriesFor("cached.up.test"));
    }

    [Fact]
    public async Task An_answer_past_its_TTL_is_asked_again()
    {
        Upstream.Address4("short.up.test", "198.51.100.11", ttl: 1);
        Assert.Equal(["198.51.100.11"], await Node.AddressesAsync("short.up.test"));
        Upstream.Address4("short.up.test", "198.51.100.12", ttl: 1);
        await Node.PollAsync(async () => (await Node.AddressesAsync("short.up.test")) is ["198.51.100.12"], "the new address is answered");
    }

    [Fact]
    public async Task Rfc8767_when_the_upstream_dies_the_stale_answer_is_served_with_TTL_30()
    {
        Upstream.Address4("stale.up.test", "198.51.100.13", ttl: 1);
        Assert.Equal(["198.51.100.13"], await Node.AddressesAsync("stale.up.test"));
        Upstream.On("stale.up.test", _ => FakeReply.Never);
        await Node.PollAsync(async () =>
        {
            var reply = await Node.DigAsync("stale.up.test A");
            Assert.Equal(["198.51.100.13"], reply.Data);
            return reply.ExtendedError == 3 && reply.Only.Ttl == 30;
        }, "the answer is marked as stale");
    }

    [Theory]
    [InlineData("to-zero.up.test", "NOERROR")] // Its new address has TTL 0.
    [InlineData("to-nothing.up.test", "NXDOMAIN")] // Without SOA, RFC 2308 section 5.
    public async Task Rfc8767_what_was_refreshed_is_not_stale_whether_or_not_the_new_answer_is_kept(string name, string status)
    {
        Upstream.Address4(name, "198.51.100.16", ttl: 1);
        Assert.Equal(["198.51.100.16"], await Node.AddressesAsync(name));
        Upstream.On(name, query => status == "NOERROR" ? query.Answer(FakeRecord.A(query.Name, 0, "198.51.100.17")) : query.Fail(Rcode.NXDomain));
        await Node.PollAsync(async () =>
        {
            var reply = await Node.DigAsync($"{name} A");
            return reply.Status == status && !reply.Data.Contains("198.51.100.16");
        }, "the new answer is passed on");
        Upstream.On(name, query => query.Fail(Rcode.ServFail));
        Assert.Equal("SERVFAIL", (await Node.DigAsync($"{name} A")).Status);
    }

    [Fact]
    public async Task Rfc9520_a_failure_is_remembered_for_a_moment()
    {
        Upstream.On("failing.up.test", query => query.Fail(Rcode.ServFail));
        Assert.Equal("SERVFAIL", (await Node.DigAsync("failing.up.test A")).Status);
        var asked = Upstream.QueriesFor("failing.up.test").Count;
        // Queries of one dig run follow each other within the second that a first failure is kept.
        var run = await Node.RunDigAsync(string.Concat(Enumerable.Repeat("failing.up.test A ", 10)));
        Assert.All(DigReply.ReadAll(run.Output), reply => Assert.Equal("SERVFAIL", reply.Status));
        Assert.True(Upstream.QueriesFor("failing.up.test").Count <= asked + 2 * asked, "a failure is asked again each time");
    }

    [Fact]
    public async Task Identical_queries_in_flight_share_one()
    {
        const int Clients = 20;
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Upstream.On("shared.up.test", query => new FakeReply(query.Message(records: FakeRecord.A(query.Name, 60, "198.51.100.14"))) { Gate = gate.Task });
        const string Coalesced = "meshdns_upstream_events_total{event=\"coalesced\"}";
        var before = await Node.MetricAsync(Coalesced) ?? 0;
        var clients = Enumerable.Range(0, Clients).Select(_ => new UdpClient(AddressFamily.InterNetwork)).ToList();
        foreach (var client in clients) await client.SendAsync(RawClient.Query("shared.up.test"), Node.Dns);
        await Node.PollAsync(async () => await Node.MetricAsync(Coalesced) >= before + Clients - 1, "all but one wait for the first");
        gate.SetResult();
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        foreach (var client in clients)
        {
            Assert.Equal(1, DnsHeader.GetCount((await client.ReceiveAsync(deadline.Token)).Buffer, DnsSection.Answer));
            client.Dispose();
        }
        // The one question may be repeated when its answer is late.
        Assert.InRange(Upstream.QueriesFor("shared.up.test").Count, 1, 3);
    }

    [Fact]
    public async Task DO_and_CD_have_answers_of_their_own()
    {
        Upstream.Address4("keys.up.test", "198.51.100.15");
        foreach (var flags in (string[])["", "+dnssec", "+cd", ""]) Assert.Equal("NOERROR", (await Node.DigAsync($"keys.up.test A {flags}")).Status);
        Assert.Equal(3, Upstream.QueriesFor("keys.up.test").Count);
        Assert.Contains(Upstream.QueriesFor("keys.up.test"), query => query.DnssecOk);
    }
}
