namespace MeshDns.Contracts.Dns;

public static partial class DnsName
{
    /// <summary>
    /// The name as master files and dig write it (RFC 1035 section 5.1, RFC 4343 section 2.1), fully qualified, so with the final dot:
    /// special characters after a backslash, bytes outside ! to ~ as \DDD. A malformed name gives the labels before its fault.
    /// </summary>
    public static string ToText(ReadOnlySpan<byte> name)
    {
        Span<char> text = stackalloc char[DnsLimits.MaxNameTextSize];
        return TryFormat(name, text, out int written) ? new string(text[..written]) : string.Empty;
    }

    /// <summary>Writes what <see cref="ToText"/> returns. False when it does not fit; <see cref="DnsLimits.MaxNameTextSize"/> characters always do.</summary>
    public static bool TryFormat(ReadOnlySpan<byte> name, Span<char> text, out int written)
    {
        written = 0;
        int length = 0;
        ReadOnlySpan<byte> rest = name[..Math.Min(name.Length, DnsLimits.MaxNameSize)];
        while (rest.Length > 1 && rest[0] is > 0 and <= DnsLimits.MaxLabelSize && rest[0] < rest.Length)
        {
            foreach (byte value in rest.Slice(1, rest[0]))
            {
                if (!TryFormatByte(value, text, ref length))
                    return false;
            }
            if (!TryAppend('.', text, ref length))
                return false;
            rest = rest[(rest[0] + 1)..];
        }
        if (length == 0 && !TryAppend('.', text, ref length))
            return false;
        written = length;
        return true;
    }

    /// <summary>
    /// Reads a name from text, with or without its final dot, \X and \DDD understood; case is kept. "." is the root. False for the empty text, an
    /// empty label, a label over 63 or a name over 255 bytes, a bad escape, and any character that is not ASCII (internationalised names come as
    /// A-labels). <paramref name="wire"/> takes <paramref name="length"/> bytes; <see cref="DnsLimits.MaxNameSize"/> are always enough.
    /// </summary>
    public static bool TryParse(ReadOnlySpan<char> text, Span<byte> wire, out int length)
    {
        length = 0;
        int limit = Math.Min(wire.Length, DnsLimits.MaxNameSize);
        if (text.IsEmpty || limit == 0)
            return false;
        if (text is ".")
        {
            wire[0] = 0;
            length = 1;
            return true;
        }
        int labelStart = 0;
        int at = 1;
        while (!text.IsEmpty)
        {
            bool isDot = text[0] == '.';
            if (!TryTakeByte(ref text, out byte value))
                return false;
            if (isDot && !TryCloseLabel(wire, limit, ref labelStart, ref at))
                return false;
            if (isDot)
                continue;
            if (at >= limit)
                return false;
            wire[at++] = value;
        }
        bool isOpen = at > labelStart + 1;
        if (isOpen && !TryCloseLabel(wire, limit, ref labelStart, ref at))
            return false;
        wire[labelStart] = 0;
        length = labelStart + 1;
        return true;
    }

    private static bool TryCloseLabel(Span<byte> wire, int limit, ref int labelStart, ref int at)
    {
        int size = at - labelStart - 1;
        if (size is 0 or > DnsLimits.MaxLabelSize || at >= limit)
            return false;
        wire[labelStart] = (byte)size;
        labelStart = at++;
        return true;
    }

    private static bool TryTakeByte(ref ReadOnlySpan<char> text, out byte value)
    {
        char first = text[0];
        value = (byte)first;
        text = text[1..];
        if (first != '\\')
            return char.IsAscii(first);
        if (text.IsEmpty || !char.IsAscii(text[0]))
            return false;
        value = (byte)text[0];
        if (!char.IsAsciiDigit(text[0]))
        {
            text = text[1..];
            return true;
        }
        if (text.Length < 3 || !char.IsAsciiDigit(text[1]) || !char.IsAsciiDigit(text[2]))
            return false;
        int number = ((text[0] - '0') * 100) + ((text[1] - '0') * 10) + (text[2] - '0');
        value = (byte)number;
        text = text[3..];
        return number <= byte.MaxValue;
    }

    private static bool TryFormatByte(byte value, Span<char> text, ref int length)
    {
        if (value is > (byte)' ' and < 0x7F)
        {
            bool isSpecial = ".\\\"();@$"u8.Contains(value);
            return (!isSpecial || TryAppend('\\', text, ref length)) && TryAppend((char)value, text, ref length);
        }
        return TryAppend('\\', text, ref length)
            && TryAppend((char)('0' + (value / 100)), text, ref length)
            && TryAppend((char)('0' + (value / 10 % 10)), text, ref length)
            && TryAppend((char)('0' + (value % 10)), text, ref length);
    }

    private static bool TryAppend(char value, Span<char> text, ref int length)
    {
        if (length >= text.Length)
            return false;
        text[length++] = value;
        return true;
    }
}
