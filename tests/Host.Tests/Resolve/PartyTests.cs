using System.Net;
using MeshDns.Contracts.Dns;
using MeshDns.Host.Resolve;
using MeshDns.Tests.Shared;

namespace MeshDns.Host.Tests.Resolve;

/// <summary>docs/adr/0022-fair-places.md: who is a client, and what is a domain.</summary>
public sealed class PartyTests
{
    [Theory]
    [InlineData("www.example.com.", "example.com.")]
    [InlineData("a.b.c.d.Example.com.", "Example.com.")]
    [InlineData("example.com.", "example.com.")]
    [InlineData("com.", "com.")]
    [InlineData(".", ".")]
    [InlineData("www.example.co.uk.", "example.co.uk.")]
    [InlineData("a.www.example.com.au.", "example.com.au.")]
    [InlineData("co.uk.", "co.uk.")]
    [InlineData("www.example.de.", "example.de.")]
    [InlineData("a.b.com.example.", "com.example.")]
    [InlineData("4.3.2.1.in-addr.arpa.", "2.1.in-addr.arpa.")]
    [InlineData("4.3.2.1.IN-ADDR.ARPA.", "2.1.IN-ADDR.ARPA.")]
    [InlineData("1.in-addr.arpa.", "1.in-addr.arpa.")]
    public void A_domain_is_what_somebody_registered(string name, string domain) =>
        Assert.Equal(domain, DnsName.ToText(Party.RegisteredDomain(FakeRecord.Name(name))));

    [Theory]
    [InlineData("192.0.2.1", "192.0.2.1", true)]
    [InlineData("192.0.2.1", "192.0.2.2", false)]
    [InlineData("10.0.0.65", "10.0.0.97", false)]
    [InlineData("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", true)]
    [InlineData("2001:db8:0:1::1", "2001:db8:0:2::1", false)]
    [InlineData("fd00::1", "fd00::2", false)]
    [InlineData("fe80::1", "fe80::2", false)]
    public void A_client_is_an_address_or_the_network_that_a_host_chooses_addresses_from(string one, string other, bool isSame)
    {
        byte[] first = IPAddress.Parse(one).GetAddressBytes();
        byte[] second = IPAddress.Parse(other).GetAddressBytes();
        Assert.Equal(isSame, Party.Network(first).SequenceEqual(Party.Network(second)));
        // Different ones share a slot once in 65,536 runs.
        Assert.Equal(isSame, Party.Of(first, DnsName.Root).Client == Party.Of(second, DnsName.Root).Client);
    }

    [Fact]
    public void A_domains_slot_knows_no_case() => Assert.Equal(Party.DomainOf(FakeRecord.Name("a.Example.COM.")), Party.DomainOf(FakeRecord.Name("b.example.com.")));
}
