using System.Buffers.Text;
using MeshDns.Contracts.Dns;

namespace MeshDns.Host.Resolve;

/// <summary>What stands before a host in the name of one of its services.</summary>
internal enum ServiceNameKind
{
    /// <summary><c>_port._proto.host</c> (RFC 2782).</summary>
    Port,

    /// <summary><c>_proto.host</c>: exists where a port of the protocol is named (RFC 8020).</summary>
    Protocol,

    /// <summary><c>_number._https.host</c>: HTTPS at another port than 443 (RFC 9460 section 9.1).</summary>
    Https,
}

/// <summary>A name of a service of a host: which one, and of whom. Slices of the name.</summary>
internal readonly ref struct ServiceName
{
    private ServiceName(ServiceNameKind kind, ReadOnlySpan<byte> port, ReadOnlySpan<byte> protocol, ReadOnlySpan<byte> host, ushort number = 0)
    {
        Number = number;
        Kind = kind;
        Port = port;
        Protocol = protocol;
        Host = host;
    }

    public readonly ServiceNameKind Kind;

    /// <summary>The port's name without its underscore.</summary>
    public readonly ReadOnlySpan<byte> Port;

    /// <summary>The port's number, of <see cref="ServiceNameKind.Https"/> alone.</summary>
    public readonly ushort Number;

    /// <summary><c>tcp</c>, <c>udp</c> or <c>sctp</c>.</summary>
    public readonly ReadOnlySpan<byte> Protocol;

    /// <summary>The host's name.</summary>
    public readonly ReadOnlySpan<byte> Host;

    /// <summary>False for nearly every name that is none.</summary>
    public static bool IsOne(ReadOnlySpan<byte> name) => name.Length > 2 && name[1] == '_';

    /// <summary>False for every other name.</summary>
    /// <param name="foldedName">Lower case, wire form.</param>
    /// <param name="service">What it says.</param>
    public static bool TryParse(ReadOnlySpan<byte> foldedName, out ServiceName service)
    {
        service = default;
        if (!IsOne(foldedName) || foldedName[0] < 2) return false;
        var first = LabelOf(foldedName);
        var rest = DnsName.Parent(foldedName);
        if (IsProtocol(first))
        {
            service = new ServiceName(ServiceNameKind.Protocol, default, first, rest);
            return rest.Length > 1;
        }
        if (rest.Length < 2 || rest[1] != '_' || rest[0] < 2) return false;
        var second = LabelOf(rest);
        var host = DnsName.Parent(rest);
        if (IsProtocol(second)) service = new ServiceName(ServiceNameKind.Port, first, second, host);
        else if (second.SequenceEqual("https"u8) && Utf8Parser.TryParse(first, out ushort number, out var read) && read == first.Length && first[0] != '0')
            service = new ServiceName(ServiceNameKind.Https, first, "tcp"u8, host, number);
        else return false;
        return host.Length > 1;
    }

    private static ReadOnlySpan<byte> LabelOf(ReadOnlySpan<byte> name) => name.Slice(2, name[0] - 1);

    private static bool IsProtocol(ReadOnlySpan<byte> label) => label.SequenceEqual("tcp"u8) || label.SequenceEqual("udp"u8) || label.SequenceEqual("sctp"u8);
}
