using System.Runtime.CompilerServices;

namespace MeshDns.Contracts.Dns;

/// <summary>
/// Remembers where a message being written holds which suffix, so that later names can point there (RFC 1035 section 4.1.4). Bounded: after
/// <see cref="Capacity"/> suffixes nothing more is remembered, so hostile answers with thousands of names cannot make compression quadratic.
/// </summary>
internal struct NameCompressor
{
    public const int Capacity = 48;
    private const int PointerReach = 0x4000;

    private Offsets _offsets;
    private Sizes _sizes;

    /// <summary>How many suffixes are remembered. Lowering it forgets the latest, which is how a write is rolled back.</summary>
    public int Count { get; set; }

    /// <summary>The offset of a remembered name equal to <paramref name="name"/> without regard to case, or -1.</summary>
    public readonly int Find(ReadOnlySpan<byte> message, ReadOnlySpan<byte> name)
    {
        byte size = (byte)name.Length;
        for (int i = 0; i < Count; i++)
        {
            if (_sizes[i] == size && IsAt(message, _offsets[i], name))
                return _offsets[i];
        }
        return -1;
    }

    /// <summary>Remembers that a name of <paramref name="size"/> uncompressed bytes begins at an offset, unless it is out of a pointer's reach.</summary>
    public void Remember(int offset, int size)
    {
        if (Count >= Capacity || offset >= PointerReach)
            return;
        _offsets[Count] = (ushort)offset;
        _sizes[Count] = (byte)size;
        Count++;
    }

    // The offsets were written by us, so every pointer met here is good and goes strictly back.
    private static bool IsAt(ReadOnlySpan<byte> message, int offset, ReadOnlySpan<byte> name)
    {
        // Mostly it is there in one piece and in the same case.
        if (offset + name.Length <= message.Length && message.Slice(offset, name.Length).SequenceEqual(name))
            return true;
        while (true)
        {
            int length = message[offset];
            if (length > DnsLimits.MaxLabelSize)
            {
                offset = ((length & 0x3F) << 8) | message[offset + 1];
                continue;
            }
            if (length + 1 > name.Length || !DnsName.EqualsIgnoreCase(message.Slice(offset, length + 1), name[..(length + 1)]))
                return false;
            if (length == 0)
                return true;
            offset += length + 1;
            name = name[(length + 1)..];
        }
    }

    [InlineArray(Capacity)]
    private struct Offsets
    {
        private ushort _first;
    }

    [InlineArray(Capacity)]
    private struct Sizes
    {
        private byte _first;
    }
}
