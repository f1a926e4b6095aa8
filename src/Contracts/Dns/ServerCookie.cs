using System.Buffers.Binary;
using System.Security.Cryptography;

namespace MeshDns.Contracts.Dns;

/// <summary>What checking a server cookie found.</summary>
public enum CookieCheck
{
    /// <summary>Not a cookie of ours for this client and secret, or outside the time window: treat the query as one without a server cookie.</summary>
    Invalid,

    /// <summary>Ours and fresh: send the same cookie back.</summary>
    Fresh,

    /// <summary>Ours, but older than half an hour: accept the query and send a new one (RFC 9018 section 4.3).</summary>
    Renew,
}

/// <summary>
/// Server cookies in the interoperable form of RFC 9018 section 4: version 1, three reserved bytes, a timestamp, and SipHash-2-4 over the
/// client's cookie, those eight bytes and the client's address. Any server of an anycast set that has the secret can check them.
/// </summary>
public static class ServerCookie
{
    /// <summary>Bytes of the client's part (RFC 7873 section 4).</summary>
    public const int ClientSize = 8;

    /// <summary>Bytes of the server's part as made here.</summary>
    public const int ServerSize = 16;

    /// <summary>Bytes of the option's data in our replies: both parts.</summary>
    public const int Size = ClientSize + ServerSize;

    private const int MaxAgeSeconds = 3600;
    private const int RenewAgeSeconds = 1800;
    private const int MaxAheadSeconds = 300;
    private const int MaxAddressSize = 16;

    /// <summary>Writes the server's part for a client.</summary>
    /// <param name="clientCookie">The client's part, <see cref="ClientSize"/> bytes.</param>
    /// <param name="clientAddress">The client's address: 4 or 16 bytes in network order.</param>
    /// <param name="nowSeconds">Unix time in seconds, modulo 2^32.</param>
    /// <param name="secret">The secret, 16 bytes, shared by every server that answers on the same address.</param>
    /// <param name="serverCookie">Takes <see cref="ServerSize"/> bytes.</param>
    /// <exception cref="ArgumentException">A length is wrong: a fault of the caller, since the query parser admits no other client cookie.</exception>
    public static void Write(
        ReadOnlySpan<byte> clientCookie, ReadOnlySpan<byte> clientAddress, uint nowSeconds, ReadOnlySpan<byte> secret, Span<byte> serverCookie)
    {
        BinaryPrimitives.WriteUInt32BigEndian(serverCookie, 0x01000000);
        BinaryPrimitives.WriteUInt32BigEndian(serverCookie[4..], nowSeconds);
        BinaryPrimitives.WriteUInt64LittleEndian(serverCookie[8..], Sign(clientCookie, serverCookie[..8], clientAddress, secret));
    }

    /// <summary>
    /// Checks a server's part that a client sent back. The time window is an hour into the past and five minutes into the future, compared
    /// by serial number arithmetic so that the 32-bit time may wrap (RFC 9018 section 4.3).
    /// </summary>
    public static CookieCheck Check(
        ReadOnlySpan<byte> clientCookie, ReadOnlySpan<byte> serverCookie, ReadOnlySpan<byte> clientAddress, uint nowSeconds, ReadOnlySpan<byte> secret)
    {
        if (clientCookie.Length != ClientSize || serverCookie.Length != ServerSize || serverCookie[0] != 1)
            return CookieCheck.Invalid;
        int age = unchecked((int)(nowSeconds - BinaryPrimitives.ReadUInt32BigEndian(serverCookie[4..])));
        if (age is > MaxAgeSeconds or < -MaxAheadSeconds)
            return CookieCheck.Invalid;
        Span<byte> expected = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(expected, Sign(clientCookie, serverCookie[..8], clientAddress, secret));
        if (!CryptographicOperations.FixedTimeEquals(expected, serverCookie[8..]))
            return CookieCheck.Invalid;
        return age > RenewAgeSeconds ? CookieCheck.Renew : CookieCheck.Fresh;
    }

    private static ulong Sign(ReadOnlySpan<byte> clientCookie, ReadOnlySpan<byte> prefix, ReadOnlySpan<byte> clientAddress, ReadOnlySpan<byte> secret)
    {
        if (clientCookie.Length != ClientSize || clientAddress.Length is not (4 or MaxAddressSize))
            throw new ArgumentException("A client cookie has 8 bytes and an address 4 or 16.", nameof(clientCookie));
        Span<byte> input = stackalloc byte[ClientSize + 8 + MaxAddressSize];
        clientCookie.CopyTo(input);
        prefix.CopyTo(input[ClientSize..]);
        clientAddress.CopyTo(input[(ClientSize + 8)..]);
        return SipHash24.Compute(input[..(ClientSize + 8 + clientAddress.Length)], secret);
    }
}
