using System.Buffers.Binary;
using MeshDns.Actors.Directory;
using MeshDns.Contracts.Dns;
using MeshDns.Contracts.Services;

namespace MeshDns.Host.Resolve.Records;

/// <summary>
/// HTTPS (RFC 9460): where a port says that it speaks HTTPS. At the host for port 443, at <c>_port._https.host</c> for any other. Clients take the record as
/// leave to turn http: into https: (section 9.5), so a host that also declares plain HTTP at port 80 has none.
/// </summary>
internal readonly struct HttpsRecords : IRecordFamily
{
    private const int HttpPort = 80;
    private const int HttpsPort = 443;
    private const int MaxHints = 8; // a family
    private const ushort PortKey = 3;
    private const ushort IPv4HintKey = 4;
    private const ushort IPv6HintKey = 6;
    private const int ParamHeadSize = 4;
    private const int MaxSize = 2 + DnsLimits.MaxNameSize + (3 * ParamHeadSize) + 2 + (MaxHints * (4 + 16));

    /// <inheritdoc/>
    public static bool Has(DnsType type, AnswerSource source, bool isApex) => type == DnsType.HTTPS && source is AnswerSource.Explicit or AnswerSource.Vip;

    /// <summary>True when the host itself has a record.</summary>
    public static bool AreOf(in PortList ports) => ports.Find(HttpsPort) is { } port && IsHttps(port) && !(ports.Find(HttpPort) is { } plain && IsHttp(plain));

    /// <summary>True when <c>_port._https.host</c> has a record.</summary>
    public static bool AreOf(in PortList ports, in ServiceName service) =>
        service.Number != HttpsPort && ports.Find(service.Number) is { } port && IsHttps(port);

    /// <inheritdoc/>
    public static LocalRecords Append(in RecordQuestion question, ref MessageWriter writer)
    {
        Span<byte> buffer = stackalloc byte[DnsLimits.MaxNameSize];
        var name = buffer[..question.Owner.Length];
        DnsName.Fold(question.Owner, name);
        Span<byte> data = stackalloc byte[MaxSize];
        BinaryPrimitives.WriteUInt16BigEndian(data, 1); // priority: the only one, and no alias
        var length = sizeof(ushort);
        if (ServiceName.TryParse(name, out var service) && service.Kind == ServiceNameKind.Https)
        {
            var target = SrvRecords.TargetOf(question.Finding, service);
            target.CopyTo(data[length..]);
            length += target.Length;
            BinaryPrimitives.WriteUInt16BigEndian(data[(length + ParamHeadSize)..], service.Number);
            length += WriteHead(data[length..], PortKey, sizeof(ushort));
        }
        else data[length++] = 0; // the owner itself
        if (question.Finding.Choice.Source != AnswerSource.Vip || !question.Resolver.IsExpired())
        {
            length += WriteHints(question, false, data[length..]);
            length += WriteHints(question, true, data[length..]);
        }
        return writer.TryWriteRecord(question.Owner, DnsType.HTTPS, DnsClass.IN, question.Resolver.Ttl, data[..length]) ? LocalRecords.Written : LocalRecords.Truncated;
    }

    private static int WriteHints(in RecordQuestion question, bool v6, Span<byte> data)
    {
        var length = AddressRecords.CopyTo(question, v6, data.Slice(ParamHeadSize, MaxHints * (v6 ? 16 : 4)));
        return length == 0 ? 0 : WriteHead(data, v6 ? IPv6HintKey : IPv4HintKey, length);
    }

    private static int WriteHead(Span<byte> param, ushort key, int size)
    {
        BinaryPrimitives.WriteUInt16BigEndian(param, key);
        BinaryPrimitives.WriteUInt16BigEndian(param[2..], (ushort)size);
        return ParamHeadSize + size;
    }

    private static bool IsHttps(ServicePort port) => Says(port, "HTTPS", "https");

    private static bool IsHttp(ServicePort port) => Says(port, "HTTP", "http");

    // By its protocol, or as Istio reads the names of plain TCP ports: the protocol, or the protocol, a dash and anything.
    private static bool Says(ServicePort port, string protocol, string prefix) => port.Protocol.Equals(protocol, StringComparison.OrdinalIgnoreCase)
        || (port.Protocol.Equals("TCP", StringComparison.OrdinalIgnoreCase)
            && port.Name is { } name && name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase) && (name.Length == prefix.Length || name[prefix.Length] == '-'));
}
