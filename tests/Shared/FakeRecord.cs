using System.Buffers.Binary;
using System.Net;
using MeshDns.Contracts.Dns;

namespace MeshDns.Tests.Shared;

/// <summary>A record for a test message, names as text.</summary>
public sealed record FakeRecord(string Owner, DnsType Type, uint Ttl, byte[] Data, DnsSection Section = DnsSection.Answer)
{
    public static FakeRecord A(string owner, uint ttl, string address) => new(owner, DnsType.A, ttl, IPAddress.Parse(address).GetAddressBytes());

    public static FakeRecord Aaaa(string owner, uint ttl, string address) => new(owner, DnsType.AAAA, ttl, IPAddress.Parse(address).GetAddressBytes());

    public static FakeRecord Cname(string owner, uint ttl, string target) => new(owner, DnsType.CNAME, ttl, Name(target));

    public static FakeRecord Dname(string owner, uint ttl, string target) => new(owner, DnsType.DNAME, ttl, Name(target));

    public static FakeRecord Ns(string owner, uint ttl, string target) => new(owner, DnsType.NS, ttl, Name(target), DnsSection.Authority);

    public static FakeRecord Txt(string owner, uint ttl, string text) => new(owner, DnsType.TXT, ttl, [(byte)text.Length, .. System.Text.Encoding.ASCII.GetBytes(text)]);

    public static FakeRecord Soa(string owner, uint ttl, uint minimum)
    {
        var numbers = new byte[20];
        BinaryPrimitives.WriteUInt32BigEndian(numbers.AsSpan(16), minimum);
        return new FakeRecord(owner, DnsType.SOA, ttl, [.. Name("ns.example."), .. Name("root.example."), .. numbers], DnsSection.Authority);
    }

    /// <summary>A signature that covers a type; its contents mean nothing.</summary>
    public static FakeRecord Rrsig(string owner, uint ttl, DnsType covered, DnsSection section = DnsSection.Answer)
    {
        var head = new byte[18];
        BinaryPrimitives.WriteUInt16BigEndian(head, (ushort)covered);
        return new FakeRecord(owner, DnsType.RRSIG, ttl, [.. head, .. Name("example."), 1, 2, 3], section);
    }

    public FakeRecord In(DnsSection section) => this with { Section = section };

    public static byte[] Name(string text)
    {
        var wire = new byte[DnsLimits.MaxNameSize];
        return DnsName.TryParse(text, wire, out int length) ? wire[..length] : throw new FormatException(text);
    }
}
