using MeshDns.Contracts.Dns;
using MeshDns.Host.Cli;
using MeshDns.Tests.Shared;

namespace MeshDns.Host.Tests.Cli;

/// <summary><c>meshdns query</c> against a server with a script.</summary>
public sealed class QueryVerbTests
{
    private static readonly Dictionary<string, string> _nothing = [];

    [Fact]
    public async Task A_reply_is_printed_section_by_section_as_zone_files_have_it()
    {
        using var server = new FakeUpstream(query => query.Answer(
            FakeRecord.Cname("www.example.", 60, "web.example."), FakeRecord.A("web.example.", 30, "192.0.2.1"), FakeRecord.Txt("web.example.", 30, "a b").In(DnsSection.Additional)));
        var run = (await RunAsync(server, "www.example")).Exits(ExitCode.Done);
        var lines = run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal("", run.Error);
        Assert.Matches($@"^;; NOERROR rd ra, from {server.Address} in \d+\.\d ms$", lines[0]);
        Assert.Equal(["www.example. 60 IN CNAME web.example.", "web.example. 30 IN A 192.0.2.1", ";; ADDITIONAL", "web.example. 30 IN TXT \"a b\""], lines[1..]);
        Assert.Equal((DnsType.A, false), (server.Queries.Single().Type, server.Queries.Single().IsTcp));
    }

    [Fact]
    public async Task A_name_that_does_not_exist_is_a_reply_with_its_SOA()
    {
        using var server = new FakeUpstream(query => query.Fail(Rcode.NXDomain, FakeRecord.Soa("example.", 60, 5)));
        var run = (await RunAsync(server, "absent.example", "AAAA")).Exits(ExitCode.Done);
        Assert.StartsWith(";; NXDOMAIN rd ra, from ", run.Output, StringComparison.Ordinal);
        Assert.Contains("\n;; AUTHORITY\nexample. 60 IN SOA ns.example. root.example. 0 0 0 0 5", run.Output, StringComparison.Ordinal);
        Assert.Equal(DnsType.AAAA, server.Queries.Single().Type);
    }

    [Theory]
    [InlineData("A", DnsType.A)]
    [InlineData("srv", DnsType.SRV)]
    [InlineData("HTTPS", DnsType.HTTPS)]
    [InlineData("TYPE65", DnsType.HTTPS)]
    [InlineData("ANY", DnsType.ANY)]
    public async Task The_type_is_asked_by_its_name_or_its_number(string text, DnsType type)
    {
        using var server = new FakeUpstream(query => query.Answer());
        (await RunAsync(server, "a.example", text)).Exits(ExitCode.Done);
        Assert.Equal(type, server.Queries.Single().Type);
    }

    [Theory]
    [InlineData("192.0.2.7", "7.2.0.192.in-addr.arpa.")]
    [InlineData("2001:db8::7", "7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa.")]
    public async Task Of_an_address_its_PTR_records_are_asked(string address, string name)
    {
        using var server = new FakeUpstream(query => query.Answer());
        (await RunAsync(server, address)).Exits(ExitCode.Done);
        Assert.Equal((name, DnsType.PTR), (server.Queries.Single().Name, server.Queries.Single().Type));
    }

    [Fact]
    public async Task Tcp_is_asked_when_it_is_wanted_and_after_a_truncated_reply()
    {
        using var server = new FakeUpstream(query => query.IsTcp ? query.Answer(FakeRecord.A(query.Name, 1, "192.0.2.1")) : query.Truncated());
        (await RunAsync(server, "a.example", "--tcp")).Exits(ExitCode.Done);
        Assert.True(server.Queries.Single().IsTcp);
        Assert.Contains("192.0.2.1", (await RunAsync(server, "a.example")).Exits(ExitCode.Done).Output, StringComparison.Ordinal);
        Assert.Equal([true, false, true], server.Queries.Select(query => query.IsTcp));
    }

    [Fact]
    public async Task Who_does_not_answer_is_named_and_exit_code_1()
    {
        using var server = new FakeUpstream(_ => FakeReply.Never);
        var run = (await CliRun.RunAsync(["query", "a.example", "--server", server.Address.ToString()], _nothing, timeout: TimeSpan.FromMilliseconds(100))).Exits(ExitCode.Failed);
        Assert.Equal($"error: {server.Address} does not answer: asked twice, 0.1 s each\n", run.Error);
    }

    [Fact]
    public async Task By_default_the_node_of_these_settings_is_asked_on_loopback_where_it_listens_everywhere()
    {
        using var server = new FakeUpstream(query => query.Answer(FakeRecord.A(query.Name, 1, "192.0.2.1")));
        Assert.Contains("192.0.2.1", (await CliRun.RunAsync(["query", "a.example", "--set", $"dns.listen=0.0.0.0:{server.Address.Port}"], _nothing)).Exits(ExitCode.Done).Output, StringComparison.Ordinal);
    }

    private static Task<CliRun> RunAsync(FakeUpstream server, params string[] arguments) => CliRun.RunAsync(["query", .. arguments, "--server", server.Address.ToString()], _nothing);
}
