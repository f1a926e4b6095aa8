using MeshDns.Conformance.Harness;
using Xunit.Abstractions;

namespace MeshDns.Conformance.Rfc2181;

/// <summary>Queries, rule 8: what does not fit. 250 addresses are 4,000 bytes and more.</summary>
public sealed class TruncationTests(QueryNode fixture, ITestOutputHelper output) : QueryTest(fixture, output)
{
    [Theory]
    [InlineData("+noedns", 512)]
    [InlineData("+bufsize=100", 512)]
    [InlineData("+bufsize=600", 600)]
    [InlineData("+bufsize=1232", 1232)]
    [InlineData("+bufsize=4096", 1232)]
    [InlineData("+bufsize=65535", 1232)]
    public async Task Rule8_over_UDP_as_many_addresses_as_fit_with_TC(string size, int limit)
    {
        var reply = await Node.DigAsync($"many.example.com A +ignore {size}");
        Assert.Contains("tc", reply.Flags);
        Assert.InRange(reply.Size, limit - 16, limit);
        Assert.NotEmpty(reply.Answer);
        Assert.Equal(size != "+noedns", reply.HasEdns);
    }

    [Fact]
    public async Task Rule8_over_TCP_all_addresses()
    {
        var expected = Enumerable.Range(1, 250).Select(i => $"198.18.0.{i}").Order(StringComparer.Ordinal).ToArray();
        // dig asks over TCP by itself after TC.
        foreach (var reply in (DigReply[])[await Node.DigAsync("many.example.com A"), await Node.KdigAsync("many.example.com A +tcp")])
        {
            Assert.True(reply.IsTcp);
            Assert.DoesNotContain("tc", reply.Flags);
            Assert.Equal(expected, reply.Data.Order(StringComparer.Ordinal));
        }
    }

    [Fact]
    public async Task Rule8_which_addresses_fit_rotates()
    {
        var run = await Node.RunDigAsync("+ignore " + string.Concat(Enumerable.Repeat("many.example.com A +ignore ", 20)));
        var replies = DigReply.ReadAll(run.Output);
        Assert.True(replies.SelectMany(reply => reply.Data).Distinct().Count() > replies.Max(reply => reply.Answer.Count), run.ToString());
    }
}
