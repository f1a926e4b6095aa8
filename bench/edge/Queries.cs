using MeshDns.Contracts.Dns;
using MeshDns.Contracts.Names;

namespace MeshDns.Bench.Edge;

/// <summary>Queries as clients send them.</summary>
internal static class Queries
{
    public static byte[] Of(string name, DnsType type, bool edns)
    {
        var packet = new byte[DnsLimits.MinUdpSize];
        var writer = new MessageWriter(packet);
        DnsHeader.SetFlags(writer.Message, DnsFlags.RecursionDesired);
        writer.TryWriteQuestion(HostName.Parse(name).ToWire(), type);
        if (edns) writer.TryWriteOpt(new OptRecord());
        return packet[..writer.Length];
    }
}
