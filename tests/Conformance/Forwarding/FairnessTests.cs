using System.Net;
using MeshDns.Conformance.Harness;
using MeshDns.Tests.Shared;
using Xunit.Abstractions;

namespace MeshDns.Conformance.Forwarding;

/// <summary>A node whose upstream never answers for slow.test.</summary>
public sealed class FloodedNode() : MeshNode("upstream.timeout=60s");

/// <summary>One client's names that nobody answers, and another's that are (docs/adr/0022-fair-places.md).</summary>
public sealed class FairnessTests(FloodedNode fixture, ITestOutputHelper output) : MeshTest(fixture, output), IClassFixture<FloodedNode>
{
    // As many questions as can be under way.
    private const int Places = 4096;
    private const int Asked = 100;
    private const int Portion = 64;
    private static readonly IPAddress _flooder = IPAddress.Parse("127.0.0.2");
    private static readonly IPAddress _other = IPAddress.Parse("127.0.0.3");

    [Fact]
    public async Task A_flood_of_names_that_nobody_answers_takes_every_place_and_leaves_others_their_answers()
    {
        await FloodAsync(0, Places);
        Assert.Equal((0, 0), (await EventsAsync("overload"), await EventsAsync("displaced")));
        await AnswersAsync(_other, "other.test");
        Assert.InRange(await EventsAsync("displaced"), 1, Asked);
        // The same client, for another domain.
        await FloodAsync(Places, Places + Asked);
        var before = await EventsAsync("displaced");
        await AnswersAsync(_flooder, "same.test");
        Assert.InRange(await EventsAsync("displaced"), before + 1, before + Asked);
    }

    private async Task FloodAsync(int from, int to)
    {
        for (var at = from; at < to; at += Portion)
        {
            var names = Enumerable.Range(at, Math.Min(Portion, to - at)).Select(i => $"n{i}.slow.test").ToArray();
            foreach (var name in names) Upstream.On(name, _ => FakeReply.Never);
            await RawClient.SendUdpAsync(Node.Dns, _flooder, [.. names.Select((name, i) => RawClient.Query(name, id: (ushort)i))]);
        }
    }

    private async Task AnswersAsync(IPAddress client, string domain)
    {
        using var asker = new UdpAsker(Node.Dns, client);
        for (var i = 0; i < Asked; i++)
        {
            Upstream.Address4($"n{i}.{domain}", "198.51.100.7");
            Assert.Equal(IPAddress.Parse("198.51.100.7"), Assert.Single((await asker.AskAsync($"n{i}.{domain}", TimeSpan.FromSeconds(30)))!.Addresses));
        }
    }

    private async Task<long> EventsAsync(string what) => (long)(await Node.MetricAsync($"meshdns_upstream_events_total{{event=\"{what}\"}}"))!;
}
