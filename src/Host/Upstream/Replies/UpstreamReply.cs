using System.Buffers.Binary;
using MeshDns.Contracts.Dns;

namespace MeshDns.Host.Upstream.Replies;

/// <summary>Reads what the OPT record of an upstream's reply adds to its header. It is for one hop, and never passed on.</summary>
internal static class UpstreamReply
{
    private const int MaxTextSize = 64;

    /// <summary>The whole rcode: BADVERS, for one, has its lower bits alone in the header, where it looks like NOERROR.</summary>
    public static Rcode FullRcode(ReadOnlySpan<byte> reply) =>
        TryFindOpt(reply, out RecordView record) && OptView.TryRead(reply, record, out OptView opt) ? opt.FullRcode(reply) : DnsHeader.GetRcode(reply);

    /// <summary>Whether an rcode says something of the name, and not of the server.</summary>
    public static bool IsAnswer(Rcode rcode) => rcode is Rcode.NoError or Rcode.NXDomain or Rcode.YXDomain;

    /// <summary>The extended error that the upstream gave, its text cut to 64 bytes, or none. RFC 8914 section 3 lets a forwarder pass it on.</summary>
    public static ForwardFailure? ExtendedError(ReadOnlySpan<byte> reply)
    {
        if (!TryFindOpt(reply, out RecordView record))
            return null;
        var options = new EdnsOptionReader(record.Rdata(reply));
        while (options.TryRead(out EdnsOptionCode code, out ReadOnlySpan<byte> data))
        {
            if (code == EdnsOptionCode.ExtendedDnsError && data.Length >= sizeof(ushort))
                return new ForwardFailure((EdeCode)BinaryPrimitives.ReadUInt16BigEndian(data), data[2..Math.Min(data.Length, MaxTextSize)].ToArray());
        }
        return null;
    }

    private static bool TryFindOpt(ReadOnlySpan<byte> reply, out RecordView record)
    {
        var reader = new MessageReader(reply);
        while (reader.TryReadRecord(out record))
        {
            if (OptView.TryRead(reply, record, out _))
                return true;
        }
        return false;
    }
}
