using System.Buffers.Binary;

namespace MeshDns.Contracts.Dns;

/// <summary>The single-bit flags of the header, where they lie in its second 16-bit word (RFC 1035 section 4.1.1, RFC 4035 section 3.1.6).</summary>
[Flags]
public enum DnsFlags : ushort
{
    /// <summary>No flag.</summary>
    None = 0,

    /// <summary>QR: this is a response.</summary>
    Response = 0x8000,

    /// <summary>AA: the responder is an authority for the question's name.</summary>
    Authoritative = 0x0400,

    /// <summary>TC: the message was cut to fit; ask again over TCP.</summary>
    Truncated = 0x0200,

    /// <summary>RD: the client wants recursion.</summary>
    RecursionDesired = 0x0100,

    /// <summary>RA: the server offers recursion.</summary>
    RecursionAvailable = 0x0080,

    /// <summary>AD: the data was validated, or, in a query, the client understands the bit (RFC 6840 section 5.7).</summary>
    AuthenticData = 0x0020,

    /// <summary>CD: the client does not want validation.</summary>
    CheckingDisabled = 0x0010,
}

/// <summary>
/// Reads and writes the header in place. Reads of a message shorter than <see cref="DnsLimits.HeaderSize"/> give zero and writes to it do nothing
/// beyond its end, so that no message can make them throw; whoever cares checks the length once, at the door.
/// </summary>
public static class DnsHeader
{
    private const ushort FlagBits = 0x87B0;

    /// <summary>The transaction id.</summary>
    public static ushort GetId(ReadOnlySpan<byte> message) => Get(message, 0);

    /// <summary>Sets the transaction id.</summary>
    public static void SetId(Span<byte> message, ushort id) => Set(message, 0, id);

    /// <summary>The single-bit flags; the opcode, rcode and the reserved bit are masked away.</summary>
    public static DnsFlags GetFlags(ReadOnlySpan<byte> message) => (DnsFlags)(Get(message, 2) & FlagBits);

    /// <summary>Sets all single-bit flags, leaving the opcode and the rcode, and clears the reserved bit.</summary>
    public static void SetFlags(Span<byte> message, DnsFlags flags) =>
        Set(message, 2, (ushort)((Get(message, 2) & 0x780F) | ((ushort)flags & FlagBits)));

    /// <summary>True when QR says that this is a response.</summary>
    public static bool IsResponse(ReadOnlySpan<byte> message) => (Get(message, 2) & (ushort)DnsFlags.Response) != 0;

    /// <summary>The opcode, 0 to 15.</summary>
    public static Opcode GetOpcode(ReadOnlySpan<byte> message) => (Opcode)((Get(message, 2) >> 11) & 0xF);

    /// <summary>Sets the opcode (its lower four bits).</summary>
    public static void SetOpcode(Span<byte> message, Opcode opcode) => Set(message, 2, (ushort)((Get(message, 2) & 0x87FF) | (((int)opcode & 0xF) << 11)));

    /// <summary>The lower four bits of the rcode; the rest is in the OPT record, see <see cref="OptView.ExtendedRcode"/>.</summary>
    public static Rcode GetRcode(ReadOnlySpan<byte> message) => (Rcode)(Get(message, 2) & 0xF);

    /// <summary>Sets the lower four bits of the rcode.</summary>
    public static void SetRcode(Span<byte> message, Rcode rcode) => Set(message, 2, (ushort)((Get(message, 2) & 0xFFF0) | ((ushort)rcode & 0xF)));

    /// <summary>How many entries a section says that it has.</summary>
    public static ushort GetCount(ReadOnlySpan<byte> message, DnsSection section) => Get(message, 4 + (2 * (int)section));

    /// <summary>Sets how many entries a section has.</summary>
    public static void SetCount(Span<byte> message, DnsSection section, ushort count) => Set(message, 4 + (2 * (int)section), count);

    private static ushort Get(ReadOnlySpan<byte> message, int offset) =>
        message.Length >= DnsLimits.HeaderSize ? BinaryPrimitives.ReadUInt16BigEndian(message[offset..]) : (ushort)0;

    private static void Set(Span<byte> message, int offset, ushort value)
    {
        if (message.Length >= DnsLimits.HeaderSize)
            BinaryPrimitives.WriteUInt16BigEndian(message[offset..], value);
    }
}
