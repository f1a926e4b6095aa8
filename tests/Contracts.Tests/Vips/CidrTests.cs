using System.Net;
using System.Net.Sockets;
using FsCheck;
using FsCheck.Fluent;
using MeshDns.Contracts.Vips;

namespace MeshDns.Contracts.Tests.Vips;

public class CidrTests
{
    [Theory]
    [InlineData("240.240.0.0/16", "240.240.0.0/16")]
    [InlineData("240.240.7.9/24", "240.240.7.0/24")]
    [InlineData("0.0.0.0/0", "0.0.0.0/0")]
    [InlineData("255.255.255.255/32", "255.255.255.255/32")]
    [InlineData("2001:2::/48", "2001:2::/48")]
    [InlineData("2001:0002:0:0::FFFF/48", "2001:2::/48")]
    [InlineData("::/0", "::/0")]
    [InlineData("::1/128", "::1/128")]
    public void Its_text_is_canonical_with_host_bits_cleared(string text, string canonical)
    {
        Assert.True(Cidr.TryParse(text, out var cidr));
        Assert.Equal(canonical, cidr.ToString());
        Assert.Equal(cidr, Cidr.Parse(canonical));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("/")]
    [InlineData("/8")]
    [InlineData("10.0.0.0")]
    [InlineData("10.0.0.0/")]
    [InlineData("10.0.0.0/33")]
    [InlineData("10.0.0.0/08")]
    [InlineData("10.0.0.0/00")]
    [InlineData("10.0.0.0/-1")]
    [InlineData("10.0.0.0/+8")]
    [InlineData("10.0.0.0/ 8")]
    [InlineData("10.0.0.0/8/8")]
    [InlineData("10.0.0.0/255.0.0.0")]
    [InlineData("10.0/8")]
    [InlineData("010.0.0.0/8")]
    [InlineData("2001:2::/129")]
    [InlineData("fe80::1%eth0/64")]
    [InlineData("[::1]/128")]
    [InlineData("::ffff:10.0.0.0/104")]
    [InlineData("10.0.0.0/99999999999999999999")]
    public void Anything_else_is_refused(string? text)
    {
        Assert.False(Cidr.TryParse(text, out _));
        if (text is not null) Assert.Throws<FormatException>(() => Cidr.Parse(text));
    }

    [Theory]
    [InlineData("1.2.3.4", "1.2.3.4")]
    [InlineData("2001:DB8::0001", "2001:db8::1")]
    [InlineData("::ffff:1.2.3.4", "1.2.3.4")]
    public void An_address_is_read_strictly(string text, string canonical)
    {
        Assert.True(Cidr.TryParseAddress(text, out var address));
        Assert.Equal(canonical, address.ToString());
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("1.2")]
    [InlineData("1.2.3")]
    [InlineData("0x7f.1")]
    [InlineData("127.0.0.01")]
    [InlineData("1.2.3.4 ")]
    [InlineData("1.2.3.256")]
    [InlineData("2130706433")]
    [InlineData("fe80::1%1")]
    [InlineData("[::1]")]
    [InlineData("::g")]
    [InlineData("1.2.3.4:53")]
    public void Short_forms_zones_and_brackets_are_no_addresses(string? text) => Assert.False(Cidr.TryParseAddress(text, out _));

    [Fact]
    public void A_family_contains_only_its_own()
    {
        Assert.True(Cidr.Parse("0.0.0.0/0").Contains(IPAddress.Parse("8.8.8.8")));
        Assert.False(Cidr.Parse("0.0.0.0/0").Contains(IPAddress.Parse("::1")));
        Assert.False(Cidr.Parse("::/0").Contains(IPAddress.Parse("8.8.8.8")));
    }

    [Fact]
    public void It_contains_exactly_what_lies_between_its_ends()
    {
        var gen = from bits in Gen.Choose(int.MinValue, int.MaxValue)
                  from prefix in Gen.Choose(0, 32)
                  from other in Gen.Choose(int.MinValue, int.MaxValue)
                  from near in Gen.Choose(-300, 300)
                  select (Bits: bits, Prefix: prefix, Other: other, Near: near);
        Prop.ForAll(gen.ToArbitrary(), test =>
        {
            var cidr = Cidr.Parse($"{Text((uint)test.Bits)}/{test.Prefix}");
            Assert.Equal(AddressFamily.InterNetwork, cidr.Family);
            Assert.Equal((UInt128)1 << (32 - test.Prefix), cidr.LastBits - cidr.Bits + 1);
            foreach (var probe in new[] { (uint)test.Other, (uint)(test.Bits + test.Near) })
                Assert.Equal(probe >= cidr.Bits && probe <= cidr.LastBits, cidr.Contains(IPAddress.Parse(Text(probe))));
        }).QuickCheckThrowOnFailure();
    }

    private static string Text(uint bits) => $"{bits >> 24}.{(bits >> 16) & 255}.{(bits >> 8) & 255}.{bits & 255}";
}
