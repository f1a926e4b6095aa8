using System.Buffers.Binary;

namespace MeshDns.Contracts.Dns;

/// <summary>SipHash-2-4 with a 128-bit key (Aumasson and Bernstein, 2012): the keyed hash of RFC 9018's server cookies.</summary>
public static class SipHash24
{
    /// <summary>The key's length in bytes.</summary>
    public const int KeySize = 16;

    /// <summary>The 64-bit hash of <paramref name="data"/>; written little-endian it is the byte string of the paper's vectors.</summary>
    /// <exception cref="ArgumentException">The key is not <see cref="KeySize"/> bytes: a fault of configuration, not of any message.</exception>
    public static ulong Compute(ReadOnlySpan<byte> data, ReadOnlySpan<byte> key)
    {
        if (key.Length != KeySize)
            throw new ArgumentException($"A SipHash key has {KeySize} bytes.", nameof(key));
        var state = new SipState(BinaryPrimitives.ReadUInt64LittleEndian(key), BinaryPrimitives.ReadUInt64LittleEndian(key[8..]));
        ulong last = (ulong)data.Length << 56;
        while (data.Length >= sizeof(ulong))
        {
            state.Absorb(BinaryPrimitives.ReadUInt64LittleEndian(data), rounds: 2);
            data = data[sizeof(ulong)..];
        }
        for (int i = 0; i < data.Length; i++)
            last |= (ulong)data[i] << (8 * i);
        state.Absorb(last, rounds: 2);
        return state.Finish(rounds: 4);
    }
}

/// <summary>The four words of SipHash, shared by the cookie's 2-4 and the name table's 1-3.</summary>
internal struct SipState(ulong key0, ulong key1)
{
    private ulong _v0 = key0 ^ 0x736f6d6570736575;
    private ulong _v1 = key1 ^ 0x646f72616e646f6d;
    private ulong _v2 = key0 ^ 0x6c7967656e657261;
    private ulong _v3 = key1 ^ 0x7465646279746573;

    public void Absorb(ulong word, int rounds)
    {
        _v3 ^= word;
        for (int i = 0; i < rounds; i++)
            Round();
        _v0 ^= word;
    }

    public ulong Finish(int rounds)
    {
        _v2 ^= 0xFF;
        for (int i = 0; i < rounds; i++)
            Round();
        return _v0 ^ _v1 ^ _v2 ^ _v3;
    }

    private void Round()
    {
        _v0 += _v1;
        _v1 = ulong.RotateLeft(_v1, 13) ^ _v0;
        _v0 = ulong.RotateLeft(_v0, 32);
        _v2 += _v3;
        _v3 = ulong.RotateLeft(_v3, 16) ^ _v2;
        _v0 += _v3;
        _v3 = ulong.RotateLeft(_v3, 21) ^ _v0;
        _v2 += _v1;
        _v1 = ulong.RotateLeft(_v1, 17) ^ _v2;
        _v2 = ulong.RotateLeft(_v2, 32);
    }
}
