using MeshDns.Contracts.Dns;

namespace MeshDns.Contracts.Tests.Dns;

/// <summary>RFC 4343: names are compared without the case of A to Z, and of nothing else.</summary>
public class Rfc4343Tests
{
    [Fact]
    public void Section_3_folding_changes_A_to_Z_and_no_other_byte()
    {
        byte[] all = [.. Enumerable.Range(0, 256).Select(value => (byte)value)];
        byte[] expected = [.. all.Select(value => value is >= 0x41 and <= 0x5A ? (byte)(value + 0x20) : value)];
        for (int start = 0; start < 9; start++)
        {
            var folded = new byte[all.Length - start];
            DnsName.Fold(all.AsSpan(start), folded);
            Assert.Equal(expected[start..], folded);
        }
    }

    [Theory]
    [InlineData("a.example.com", "A.eXAMPLE.Com", true)]
    [InlineData("a.example.com", "b.example.com", false)]
    [InlineData(@"\196.x", @"\228.x", false)]
    [InlineData("[.x", "{.x", false)]
    [InlineData("@a.x", "`a.x", false)]
    public void Section_3_equality_and_hash_agree(string left, string right, bool isEqual)
    {
        Assert.Equal(isEqual, DnsName.EqualsIgnoreCase(Wire.Name(left), Wire.Name(right)));
        Assert.Equal(isEqual, DnsName.Hash(Wire.Name(left), 42) == DnsName.Hash(Wire.Name(right), 42));
    }

    [Fact]
    public void The_hash_depends_on_the_seed() => Assert.NotEqual(DnsName.Hash(Wire.Name("a.b"), 1), DnsName.Hash(Wire.Name("a.b"), 2));

    [Theory]
    [InlineData("a.example.com", "example.com", true)]
    [InlineData("example.com", "Example.COM", true)]
    [InlineData("anexample.com", "example.com", false)]
    [InlineData("com", "example.com", false)]
    [InlineData("example.com", ".", true)]
    [InlineData(@"a\007example.com", "example.com", false)]
    public void Subdomains_are_found_at_label_boundaries(string name, string suffix, bool expected) =>
        Assert.Equal(expected, DnsName.IsSubdomainOf(Wire.Name(name), Wire.Name(suffix)));

    [Fact]
    public void Labels_are_counted_without_the_root()
    {
        Assert.Equal(0, DnsName.CountLabels(DnsName.Root));
        Assert.Equal(3, DnsName.CountLabels(Wire.Name("a.b.c")));
        Assert.Equal("b.c.", DnsName.ToText(DnsName.Parent(Wire.Name("a.b.c"))));
        Assert.True(DnsName.Parent(DnsName.Root).IsEmpty);
    }
}
