using System.Buffers.Binary;
using MeshDns.Contracts.Dns;

namespace MeshDns.Host.Tests.Resolve;

/// <summary>Queries as clients send them.</summary>
public static class QueryPacket
{
    public static byte[] Of(
        string name, DnsType type = DnsType.A, ushort id = 0x1234, DnsFlags flags = DnsFlags.RecursionDesired, int? edns = null, bool dnssecOk = false,
        byte version = 0, byte[]? cookie = null, DnsClass dnsClass = DnsClass.IN, Opcode opcode = Opcode.Query)
    {
        var packet = new byte[1024];
        var wire = new byte[DnsLimits.MaxNameSize];
        Assert.True(DnsName.TryParse(name, wire, out var size));
        var writer = new MessageWriter(packet);
        DnsHeader.SetId(packet, id);
        DnsHeader.SetOpcode(packet, opcode);
        DnsHeader.SetFlags(packet, flags);
        Assert.True(writer.TryWriteQuestion(wire.AsSpan(0, size), type, dnsClass));
        if (edns is { } payload)
            Assert.True(writer.TryWriteOpt(new OptRecord { UdpPayloadSize = (ushort)payload, DnssecOk = dnssecOk, Version = version, Cookie = cookie }));
        return packet[..writer.Length];
    }

    public static byte[] WithoutQuestion(byte[]? cookie)
    {
        var packet = new byte[128];
        var writer = new MessageWriter(packet);
        DnsHeader.SetId(packet, 7);
        if (cookie is not null) Assert.True(writer.TryWriteOpt(new OptRecord { Cookie = cookie }));
        return packet[..writer.Length];
    }

    public static byte[] Framed(byte[] packet)
    {
        var frame = new byte[packet.Length + 2];
        BinaryPrimitives.WriteUInt16BigEndian(frame, (ushort)packet.Length);
        packet.CopyTo(frame, 2);
        return frame;
    }
}
