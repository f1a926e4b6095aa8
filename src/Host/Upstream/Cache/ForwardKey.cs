using System.Buffers.Binary;
using System.Security.Cryptography;
using MeshDns.Contracts.Dns;

namespace MeshDns.Host.Upstream.Cache;

/// <summary>
/// What makes two questions the same to the cache and to the flights: name, type, class, DO, CD and route, as bytes, so that a lookup by span
/// needs no object. One flags byte, then route, type and class in 16 bits each, then the folded name in wire form.
/// </summary>
internal static class ForwardKey
{
    /// <summary>The longest key, in bytes.</summary>
    public const int MaxSize = PrefixSize + DnsLimits.MaxNameSize;

    private const int PrefixSize = 7;
    private const byte DnssecOkFlag = 1;
    private const byte CheckingDisabledFlag = 2;

    /// <summary>Writes the key of a query that goes by a route; returns its length.</summary>
    public static int Write(Span<byte> key, scoped in DnsQuery query, ReadOnlySpan<byte> foldedName, int route)
    {
        key[0] = (byte)((query.DnssecOk ? DnssecOkFlag : 0) | (query.CheckingDisabled ? CheckingDisabledFlag : 0));
        BinaryPrimitives.WriteUInt16BigEndian(key[1..], (ushort)route);
        BinaryPrimitives.WriteUInt16BigEndian(key[3..], (ushort)query.Type);
        BinaryPrimitives.WriteUInt16BigEndian(key[5..], (ushort)query.Class);
        foldedName.CopyTo(key[PrefixSize..]);
        return PrefixSize + foldedName.Length;
    }

    /// <summary>The question that a key stands for.</summary>
    public static UpstreamQuestion ToQuestion(ReadOnlySpan<byte> key) => new(
        Name(key).ToArray(),
        (DnsType)BinaryPrimitives.ReadUInt16BigEndian(key[3..]),
        (DnsClass)BinaryPrimitives.ReadUInt16BigEndian(key[5..]),
        (key[0] & DnssecOkFlag) != 0,
        (key[0] & CheckingDisabledFlag) != 0);

    /// <summary>The name in a key: a slice of it.</summary>
    public static ReadOnlySpan<byte> Name(ReadOnlySpan<byte> key) => key[PrefixSize..];

    /// <summary>The route in a key.</summary>
    public static int Route(ReadOnlySpan<byte> key) => BinaryPrimitives.ReadUInt16BigEndian(key[1..]);
}

/// <summary>Compares keys as bytes, with a keyed hash: clients choose the names, and must not be able to choose collisions.</summary>
internal sealed class ForwardKeyComparer : IEqualityComparer<byte[]>, IAlternateEqualityComparer<ReadOnlySpan<byte>, byte[]>
{
    private readonly ulong _seed = BinaryPrimitives.ReadUInt64LittleEndian(RandomNumberGenerator.GetBytes(sizeof(ulong)));

    public bool Equals(byte[]? x, byte[]? y) => x is null ? y is null : y is not null && x.AsSpan().SequenceEqual(y);

    public int GetHashCode(byte[] obj) => GetHashCode(obj.AsSpan());

    public byte[] Create(ReadOnlySpan<byte> alternate) => alternate.ToArray();

    public bool Equals(ReadOnlySpan<byte> alternate, byte[] other) => alternate.SequenceEqual(other);

    // The hash folds case, also in the bytes before the name; equal keys still hash the same, which is all that is asked of it.
    public int GetHashCode(ReadOnlySpan<byte> alternate) => DnsName.Hash(alternate, _seed).GetHashCode();
}
