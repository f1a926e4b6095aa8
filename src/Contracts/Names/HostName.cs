using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace MeshDns.Contracts.Names;

/// <summary>
/// A host name as MeshDns stores and compares it: lower case, IDNA A-labels, no trailing dot (RFC 1035 section 2.3.1, RFC 5890).
/// At most 253 characters, labels of 1 to 63. A leading <c>*.</c> makes it a wildcard for every name below its suffix.
/// </summary>
[JsonConverter(typeof(HostNameJsonConverter))]
public readonly record struct HostName : IComparable<HostName>
{
    private const int MaxTextLength = 253;
    private const int MaxLabelLength = 63;

    private readonly string? _text;

    private HostName(string text) => _text = text;

    /// <summary>The folded text; empty for the default value.</summary>
    public string Text => _text ?? "";

    /// <summary>True for <c>*.suffix</c>.</summary>
    public bool IsWildcard => Text.StartsWith("*.", StringComparison.Ordinal);

    /// <summary>The name without its leading <c>*.</c>; the name itself when it is no wildcard.</summary>
    public HostName Suffix => IsWildcard ? new HostName(Text[2..]) : this;

    /// <summary>Reads a name that a person wrote. False with a reason when it is not a host name.</summary>
    public static bool TryParse(string? text, out HostName name, out string error)
    {
        name = default;
        if (string.IsNullOrEmpty(text)) { error = "a host must not be empty"; return false; }
        if (text.Length > 1024) { error = "a host name has at most 253 characters"; return false; }
        var wildcard = text.StartsWith("*.", StringComparison.Ordinal);
        var rest = wildcard ? text[2..] : text;
        if (rest.EndsWith('.')) rest = rest[..^1];
        if (rest == "*") { error = "a bare '*' is not a host; use '*.suffix'"; return false; }
        if (!TryFold(rest, out var folded, out error)) return false;
        if (!CheckLabels(folded, out error)) return false;
        if (folded.Length + (wildcard ? 2 : 0) > MaxTextLength) { error = $"a host name has at most {MaxTextLength} characters, this one has {folded.Length}"; return false; }
        if (!wildcard && IPAddress.TryParse(folded, out _)) { error = $"'{text}' is an address, not a host name"; return false; }
        name = new HostName(wildcard ? "*." + folded : folded);
        return true;
    }

    /// <summary>Reads a name that was already checked (journal, snapshot).</summary>
    /// <exception cref="FormatException">It is not a host name.</exception>
    public static HostName Parse(string text) => TryParse(text, out var name, out var error) ? name : throw new FormatException(error);

    /// <summary>The name in uncompressed wire form (RFC 1035 section 3.1), with the root label; a wildcard's star is a label of one byte.</summary>
    public byte[] ToWire()
    {
        var text = Text;
        if (text.Length == 0) return [0];
        var wire = new byte[text.Length + 2];
        var start = 0;
        for (var i = 0; i <= text.Length; i++)
        {
            if (i < text.Length && text[i] != '.') { wire[i + 1] = (byte)text[i]; continue; }
            wire[start] = (byte)(i - start);
            start = i + 1;
        }
        return wire;
    }

    /// <summary>Orders by text, ordinally.</summary>
    public int CompareTo(HostName other) => string.CompareOrdinal(Text, other.Text);

    /// <inheritdoc/>
    public override string ToString() => Text;

    private static bool TryFold(string text, out string folded, out string error)
    {
        error = "";
        if (!Ascii.IsValid(text)) return InternationalName.TryFold(text, out folded, out error);
        folded = text.ToLowerInvariant();
        return true;
    }

    private static bool CheckLabels(string text, out string error)
    {
        foreach (var range in text.AsSpan().Split('.'))
        {
            var label = text.AsSpan(range);
            if (label.Length == 0) { error = $"'{text}' has an empty label"; return false; }
            if (label.Length > MaxLabelLength) { error = $"the label '{label[..16]}...' has {label.Length} characters, at most {MaxLabelLength} are allowed"; return false; }
            foreach (var c in label)
            {
                if (char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '-' or '_') continue;
                error = c == '*' ? "a '*' is allowed only as the whole first label" : $"'{text}' has the character '{c}', which a host name cannot have";
                return false;
            }
            if (label[0] == '-' || label[^1] == '-') { error = $"the label '{label}' begins or ends with '-'"; return false; }
            if (label.StartsWith("xn--", StringComparison.Ordinal) && !InternationalName.IsWellFormed(label.ToString(), out error)) return false;
        }
        error = "";
        return true;
    }

    /// <summary>Orders by text.</summary>
    public static bool operator <(HostName left, HostName right) => left.CompareTo(right) < 0;

    /// <summary>Orders by text.</summary>
    public static bool operator >(HostName left, HostName right) => left.CompareTo(right) > 0;

    /// <summary>Orders by text.</summary>
    public static bool operator <=(HostName left, HostName right) => left.CompareTo(right) <= 0;

    /// <summary>Orders by text.</summary>
    public static bool operator >=(HostName left, HostName right) => left.CompareTo(right) >= 0;

    /// <summary>Trusts text that this type wrote; journals hold only checked names.</summary>
    internal static HostName FromFolded(string text) => new(text);
}

/// <summary>A host name as a JSON string; as a property name too, so that it can key a map.</summary>
public sealed class HostNameJsonConverter : JsonConverter<HostName>
{
    /// <inheritdoc/>
    public override HostName Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        HostName.FromFolded(reader.GetString() ?? throw new JsonException("a host name must not be null"));

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, HostName value, JsonSerializerOptions options) => writer.WriteStringValue(value.Text);

    /// <inheritdoc/>
    public override HostName ReadAsPropertyName(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        HostName.FromFolded(reader.GetString() ?? "");

    /// <inheritdoc/>
    public override void WriteAsPropertyName(Utf8JsonWriter writer, HostName value, JsonSerializerOptions options) => writer.WritePropertyName(value.Text);
}
