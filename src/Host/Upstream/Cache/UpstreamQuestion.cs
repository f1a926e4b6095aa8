using MeshDns.Contracts.Dns;

namespace MeshDns.Host.Upstream.Cache;

/// <summary>What is asked of an upstream.</summary>
/// <param name="Name">The folded name in wire form.</param>
/// <param name="Type">The type.</param>
/// <param name="Class">The class; the pipeline lets only IN through.</param>
/// <param name="DnssecOk">DO of the client.</param>
/// <param name="CheckingDisabled">CD of the client.</param>
internal sealed record UpstreamQuestion(byte[] Name, DnsType Type, DnsClass Class, bool DnssecOk, bool CheckingDisabled)
{
    private const int RoomForRest = 128;

    /// <summary>The query as sent, its id left 0 for the transport; see <see cref="WriteQuery"/>.</summary>
    public byte[] ToQuery(bool edns, ReadOnlySpan<byte> loopMark)
    {
        var buffer = new byte[DnsLimits.HeaderSize + Name.Length + RoomForRest + loopMark.Length];
        return buffer[..WriteQuery(buffer, edns, loopMark)];
    }

    /// <summary>
    /// Writes the query as sent, its id left 0 for the transport; returns its length. RD is set, since we want recursion; AD too, to learn whether the
    /// data was validated (RFC 6840 section 5.7): whether a client is told depends on its own query. No option of the client's goes along, so no
    /// client subnet.
    /// </summary>
    public int WriteQuery(Span<byte> buffer, bool edns, ReadOnlySpan<byte> loopMark)
    {
        var writer = new MessageWriter(buffer);
        var flags = DnsFlags.RecursionDesired | DnsFlags.AuthenticData;
        DnsHeader.SetFlags(buffer, CheckingDisabled ? flags | DnsFlags.CheckingDisabled : flags);
        writer.TryWriteQuestion(Name, Type, Class);
        if (edns)
            writer.TryWriteOpt(new OptRecord { DnssecOk = DnssecOk, OtherOptions = loopMark });
        return writer.Length;
    }
}
