using System.Buffers.Binary;
using System.Security.Cryptography;
using MeshDns.Contracts.Dns;

namespace MeshDns.Host.Resolve;

/// <summary>
/// Server cookies (RFC 7873, RFC 9018): every query with a cookie gets one back; none is demanded. The secret is made at the start: a client whose
/// cookie another server made, or this one before a restart, simply gets a new one.
/// </summary>
/// <param name="time">The clock.</param>
public sealed class CookieJar(TimeProvider time)
{
    private const int OptionSize = 4 + ServerCookie.Size;
    private readonly byte[] _secret = RandomNumberGenerator.GetBytes(SipHash24.KeySize);

    /// <summary>Bytes that <see cref="TryStamp"/> needs in a reply.</summary>
    public static int Room(in DnsQuery query) => query.HasCookie ? OptionSize : 0;

    /// <summary>The option's data for the reply, written into <paramref name="buffer"/>; empty when the query has no cookie.</summary>
    /// <param name="query">The query.</param>
    /// <param name="clientAddress">4 or 16 bytes.</param>
    /// <param name="buffer">Takes <see cref="ServerCookie.Size"/> bytes.</param>
    public ReadOnlySpan<byte> Reply(in DnsQuery query, ReadOnlySpan<byte> clientAddress, Span<byte> buffer)
    {
        if (!query.HasCookie) return [];
        var now = (uint)time.GetUtcNow().ToUnixTimeSeconds();
        var server = buffer[ServerCookie.ClientSize..ServerCookie.Size];
        query.ClientCookie.CopyTo(buffer);
        if (ServerCookie.Check(query.ClientCookie, query.ServerCookiePart, clientAddress, now, _secret) == CookieCheck.Fresh) query.ServerCookiePart.CopyTo(server);
        else ServerCookie.Write(query.ClientCookie, clientAddress, now, _secret, server);
        return buffer[..ServerCookie.Size];
    }

    /// <summary>Adds the cookie to a reply that somebody else wrote, when its OPT record is its last and there is room; else the reply stays as it is.</summary>
    /// <param name="reply">The buffer that holds the reply, up to the client's limit.</param>
    /// <param name="length">The reply's length, before and after.</param>
    /// <param name="cookie">The option's data; empty: nothing happens.</param>
    public static void TryStamp(Span<byte> reply, ReadOnlySpan<byte> cookie, ref int length)
    {
        if (cookie.IsEmpty || length + OptionSize > reply.Length) return;
        var reader = new MessageReader(reply[..length]);
        while (reader.TryReadRecord(out var record))
        {
            if (record.Type != DnsType.OPT || record.EndOffset != length) continue;
            BinaryPrimitives.WriteUInt16BigEndian(reply[(record.RdataOffset - 2)..], (ushort)(record.RdataLength + OptionSize));
            BinaryPrimitives.WriteUInt16BigEndian(reply[length..], (ushort)EdnsOptionCode.Cookie);
            BinaryPrimitives.WriteUInt16BigEndian(reply[(length + 2)..], (ushort)cookie.Length);
            cookie.CopyTo(reply[(length + 4)..]);
            length += OptionSize;
            return;
        }
    }
}
