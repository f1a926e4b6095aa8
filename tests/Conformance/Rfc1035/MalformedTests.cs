using System.Text;
using MeshDns.Conformance.Harness;
using MeshDns.Contracts.Dns;
using Xunit.Abstractions;

namespace MeshDns.Conformance.Rfc1035;

/// <summary>Queries, rule 9: bad input, by raw sockets.</summary>
public sealed class MalformedTests(QueryNode fixture, ITestOutputHelper output) : QueryTest(fixture, output)
{
    private static readonly byte[] _opt = [0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0, 0, 0];

    public static TheoryData<string, byte[]> Malformed => new()
    {
        { "a header that promises a question", Header(questions: 1) },
        { "a question cut in its name", [.. Header(1), 3, (byte)'v', (byte)'i'] },
        { "a question cut in its type", [.. Header(1), 1, (byte)'a', 0, 0] },
        { "two questions", [.. Header(2), .. Question, .. Question] },
        { "a name that points at itself", [.. Header(1), 0xc0, 12, 0, 1, 0, 1] },
        { "a name that points ahead", [.. Header(1), 0xc0, 14, 0, 1, 0, 1] },
        { "two pointers at each other", [.. Header(1), 0xc0, 14, 0xc0, 12, 0, 1, 0, 1] },
        { "a label of the reserved type 01", [.. Header(1), 0x41, (byte)'a', 0, 0, 1, 0, 1] },
        { "a name over 255 bytes", [.. Header(1), .. Enumerable.Repeat((byte[])[63, .. Encoding.ASCII.GetBytes(new string('a', 63))], 4).SelectMany(l => l), 0, 0, 1, 0, 1] },
        { "two OPT records", [.. Header(1, additional: 2), .. Question, .. _opt, .. _opt] },
        { "an OPT record that is cut", [.. Header(1, additional: 1), .. Question, .. _opt[..^3]] },
        { "an OPT record with another owner", [.. Header(1, additional: 1), .. Question, 1, (byte)'x', .. _opt] },
        { "an option longer than its record", [.. Header(1, additional: 1), .. Question, .. _opt[..^1], 4, 0, 10, 0, 99] },
        { "a cookie of 7 bytes", [.. Header(1, additional: 1), .. Question, .. _opt[..^1], 11, 0, 10, 0, 7, 1, 2, 3, 4, 5, 6, 7] },
        { "more records than bytes", [.. Header(1, additional: 65535), .. Question] },
        { "a record longer than the packet", [.. Header(1, additional: 1), .. Question, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0xff, 0xff, 1] },
        { "an answer section", [.. Header(1, answers: 1), .. Question, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 1, 2, 3, 4] },
    };

    private static byte[] Question => [3, (byte)'v', (byte)'i', (byte)'p', 0, 0, 1, 0, 1];

    [Theory]
    [MemberData(nameof(Malformed))]
    public async Task Rule9_malformed_with_a_header_is_FORMERR(string what, byte[] packet)
    {
        foreach (var reply in (byte[][])[await RawClient.AskUdpAsync(Node.Dns, packet), Assert.Single(await RawClient.PipelineAsync(Node.Dns, packet))])
        {
            Assert.True(DnsHeader.GetRcode(reply) == Rcode.FormErr, $"{what}: {DnsHeader.GetRcode(reply)}");
            Assert.Equal(0x1234, DnsHeader.GetId(reply));
            Assert.True(DnsHeader.IsResponse(reply));
        }
    }

    [Fact]
    public async Task Rule9_under_12_bytes_is_dropped() =>
        Assert.Empty(await RawClient.SendUdpAsync(Node.Dns, [], [1], Header(0)[..11]));

    [Fact]
    public async Task Rule9_a_response_is_dropped()
    {
        var response = RawClient.Query("vip.example.com");
        response[2] |= 0x80;
        Assert.Empty(await RawClient.SendUdpAsync(Node.Dns, response));
    }

    [Fact]
    public async Task Rule9_bytes_behind_the_message_are_ignored() =>
        Assert.Equal(Rcode.NoError, DnsHeader.GetRcode(await RawClient.AskUdpAsync(Node.Dns, [.. RawClient.Query("vip.example.com"), 1, 2, 3])));

    [Fact]
    public async Task Rule9_damaged_packets_never_hurt_the_node()
    {
        var random = new Random(20261120);
        byte[][] sound = [RawClient.Query("vip.example.com", edns: true), RawClient.Query("a.b.mesh.internal", DnsType.MX), RawClient.Query("many.example.com")];
        for (var round = 0; round < 40; round++)
            await RawClient.SendUdpAsync(Node.Dns, [.. Enumerable.Range(0, 25).Select(_ => Damaged(sound[random.Next(sound.Length)], random))]);
        Assert.Equal(0, await Node.MetricAsync("meshdns_edge_faults_total"));
        Assert.NotEmpty(await Node.AddressesAsync("vip.example.com"));
    }

    // Whatever becomes of the id, it is not the sentinel's: its first byte is kept.
    private static byte[] Damaged(byte[] packet, Random random)
    {
        var damaged = packet[..random.Next(2, packet.Length + 1)];
        for (var i = 0; i < 4; i++) damaged[random.Next(1, damaged.Length)] = (byte)random.Next(256);
        return damaged;
    }

    private static byte[] Header(byte questions, ushort answers = 0, ushort additional = 0) =>
        [0x12, 0x34, 0x01, 0x00, 0, questions, (byte)(answers >> 8), (byte)answers, 0, 0, (byte)(additional >> 8), (byte)additional];
}
