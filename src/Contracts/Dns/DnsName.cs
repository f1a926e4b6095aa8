using System.Buffers.Binary;

namespace MeshDns.Contracts.Dns;

/// <summary>
/// Names in wire form: labels, each after a length byte, up to the root's zero byte; at most 255 bytes (RFC 1035 section 3.1).
/// A "name" in any signature here is that form, uncompressed and complete, unless it says "message". Nothing throws or loops on a malformed one.
/// </summary>
public static partial class DnsName
{
    /// <summary>The root: one zero byte.</summary>
    public static ReadOnlySpan<byte> Root => "\0"u8;

    /// <summary>
    /// Copies the name at <paramref name="offset"/> of a message out of its compression (RFC 1035 section 4.1.4).
    /// False for a name that runs out of the message, is longer than 255 bytes or <paramref name="destination"/>, has a label of a type other
    /// than 00, or a pointer that does not go back to before the labels that led to it (which also rules out every loop) or goes into the header.
    /// </summary>
    /// <param name="message">The whole message, from its header on.</param>
    /// <param name="offset">Where the name begins.</param>
    /// <param name="destination">Takes the name; <see cref="DnsLimits.MaxNameSize"/> bytes are always enough.</param>
    /// <param name="nameLength">Bytes written to <paramref name="destination"/>.</param>
    /// <param name="nextOffset">The first byte of the message after the name.</param>
    public static bool TryRead(ReadOnlySpan<byte> message, int offset, Span<byte> destination, out int nameLength, out int nextOffset)
    {
        nameLength = 0;
        nextOffset = 0;
        int limit = Math.Min(destination.Length, DnsLimits.MaxNameSize);
        int at = offset;
        int chunkStart = offset;
        int pointers = 0;
        int written = 0;
        while ((uint)at < (uint)message.Length)
        {
            int length = message[at];
            if (length > DnsLimits.MaxLabelSize)
            {
                if (!TryFollow(message, at, chunkStart, out int target) || ++pointers > DnsLimits.MaxPointers)
                    return false;
                if (pointers == 1)
                    nextOffset = at + 2;
                at = target;
                chunkStart = target;
                continue;
            }
            int size = length + 1;
            if (size > limit - written || size > message.Length - at)
                return false;
            message.Slice(at, size).CopyTo(destination[written..]);
            written += size;
            at += size;
            if (length != 0)
                continue;
            nameLength = written;
            if (pointers == 0)
                nextOffset = at;
            return true;
        }
        return false;
    }

    /// <summary>
    /// Steps over the name at <paramref name="offset"/> without following a pointer: time is linear in the bytes stepped over.
    /// That a pointer's target holds a good name is only known after <see cref="TryRead"/>.
    /// </summary>
    public static bool TrySkip(ReadOnlySpan<byte> message, int offset, out int nextOffset)
    {
        nextOffset = 0;
        int at = offset;
        while ((uint)at < (uint)message.Length && at - offset < DnsLimits.MaxNameSize)
        {
            int length = message[at];
            if (length > DnsLimits.MaxLabelSize)
            {
                nextOffset = at + 2;
                return TryFollow(message, at, offset, out _);
            }
            at += length + 1;
            if (length != 0)
                continue;
            nextOffset = at;
            return at <= message.Length && at - offset <= DnsLimits.MaxNameSize;
        }
        return false;
    }

    /// <summary>Like <see cref="TrySkip"/>, but a compression pointer is an error, as in the question of a query, which has nothing to point at.</summary>
    public static bool TrySkipUncompressed(ReadOnlySpan<byte> message, int offset, out int nextOffset)
    {
        nextOffset = 0;
        int at = offset;
        while ((uint)at < (uint)message.Length)
        {
            int length = message[at];
            at += length + 1;
            if (length > DnsLimits.MaxLabelSize || at > message.Length || at - offset > DnsLimits.MaxNameSize)
                return false;
            if (length != 0)
                continue;
            nextOffset = at;
            return true;
        }
        return false;
    }

    /// <summary>True when the span is exactly one complete, uncompressed name.</summary>
    public static bool IsWellFormed(ReadOnlySpan<byte> name) => TrySkipUncompressed(name, 0, out int next) && next == name.Length;

    /// <summary>The number of labels, the root not counted; the labels before the fault when the name is malformed.</summary>
    public static int CountLabels(ReadOnlySpan<byte> name)
    {
        int count = 0;
        for (ReadOnlySpan<byte> rest = name; rest.Length > 1 && rest[0] is > 0 and <= DnsLimits.MaxLabelSize; rest = Parent(rest))
            count++;
        return count;
    }

    /// <summary>The name without its first label: a slice of the argument. Empty for the root and for a malformed name.</summary>
    public static ReadOnlySpan<byte> Parent(ReadOnlySpan<byte> name)
    {
        if (name.IsEmpty)
            return default;
        int length = name[0];
        return length is 0 or > DnsLimits.MaxLabelSize || length + 1 >= name.Length ? default : name[(length + 1)..];
    }

    /// <summary>True when the name is <paramref name="suffix"/> or below it, without regard to case. Everything is below the root.</summary>
    public static bool IsSubdomainOf(ReadOnlySpan<byte> name, ReadOnlySpan<byte> suffix)
    {
        ReadOnlySpan<byte> rest = name;
        while (rest.Length > suffix.Length)
            rest = Parent(rest);
        return !rest.IsEmpty && EqualsIgnoreCase(rest, suffix);
    }

    /// <summary>
    /// Copies the name with A to Z as a to z and every other byte as it is (RFC 4343 section 3). Length bytes need no care: at most 63, they are
    /// below 'A'. <paramref name="folded"/> must be as long as the name and may be the name itself.
    /// </summary>
    public static void Fold(ReadOnlySpan<byte> name, Span<byte> folded)
    {
        int at = 0;
        for (; at <= name.Length - sizeof(ulong); at += sizeof(ulong))
            BinaryPrimitives.WriteUInt64LittleEndian(folded[at..], FoldWord(BinaryPrimitives.ReadUInt64LittleEndian(name[at..])));
        for (; at < name.Length; at++)
            folded[at] = FoldByte(name[at]);
    }

    /// <summary>Whether two names are the same without regard to the case of A to Z (RFC 4343).</summary>
    public static bool EqualsIgnoreCase(ReadOnlySpan<byte> name, ReadOnlySpan<byte> other)
    {
        if (name.Length != other.Length)
            return false;
        int at = 0;
        for (; at <= name.Length - sizeof(ulong); at += sizeof(ulong))
        {
            ulong left = FoldWord(BinaryPrimitives.ReadUInt64LittleEndian(name[at..]));
            if (left != FoldWord(BinaryPrimitives.ReadUInt64LittleEndian(other[at..])))
                return false;
        }
        for (; at < name.Length; at++)
        {
            if (FoldByte(name[at]) != FoldByte(other[at]))
                return false;
        }
        return true;
    }

    /// <summary>
    /// A 64-bit hash of the folded name: SipHash-1-3 keyed with <paramref name="seed"/>, so that a client who chooses names cannot choose
    /// collisions. The seed must be random and secret to the process; the value means nothing outside it.
    /// </summary>
    public static ulong Hash(ReadOnlySpan<byte> name, ulong seed)
    {
        var state = new SipState(seed, ulong.RotateLeft(seed, 29) ^ 0x9E3779B97F4A7C15);
        int at = 0;
        for (; at <= name.Length - sizeof(ulong); at += sizeof(ulong))
            state.Absorb(FoldWord(BinaryPrimitives.ReadUInt64LittleEndian(name[at..])), rounds: 1);
        ulong last = (ulong)name.Length << 56;
        for (int shift = 0; at < name.Length; at++, shift += 8)
            last |= (ulong)FoldByte(name[at]) << shift;
        state.Absorb(last, rounds: 1);
        return state.Finish(rounds: 3);
    }

    // A target must lie before the labels that led to it: each hop then goes strictly back, so no chain of pointers can meet itself.
    private static bool TryFollow(ReadOnlySpan<byte> message, int at, int chunkStart, out int target)
    {
        target = 0;
        if ((message[at] & 0xC0) != 0xC0 || at + 1 >= message.Length)
            return false;
        target = ((message[at] & 0x3F) << 8) | message[at + 1];
        return target >= DnsLimits.HeaderSize && target < chunkStart;
    }

    // Eight bytes at once: adding to the lower seven bits carries into the top bit exactly from 'A' up, and from past 'Z' up.
    private static ulong FoldWord(ulong word)
    {
        ulong low = word & 0x7F7F7F7F7F7F7F7F;
        ulong fromA = low + 0x3F3F3F3F3F3F3F3F;
        ulong pastZ = low + 0x2525252525252525;
        ulong upper = (fromA ^ pastZ) & ~word & 0x8080808080808080;
        return word | (upper >> 2);
    }

    private static byte FoldByte(byte value) => value is >= (byte)'A' and <= (byte)'Z' ? (byte)(value | 0x20) : value;
}
