using System.Buffers;
using System.Globalization;

namespace MeshDns.Host.Sources;

/// <summary>What an unquoted YAML scalar is. As Kubernetes reads it: YAML 1.1, so <c>yes</c> and <c>on</c> are booleans and <c>010</c> is 8.</summary>
internal static class YamlScalars
{
    private static readonly SearchValues<char> _floatCharacters = SearchValues.Create("0123456789.eE+-");

    public static ScalarNode Resolve(string text, int line)
    {
        if (text.Length == 0) return new ScalarNode(line, ScalarKind.Null, text);
        var first = text[0];
        if (char.IsAsciiDigit(first) || first is '+' or '-' or '.') return ResolveNumber(text, line);
        return text switch
        {
            "~" or "null" or "Null" or "NULL" => new ScalarNode(line, ScalarKind.Null, text),
            "true" or "True" or "TRUE" or "yes" or "Yes" or "YES" or "on" or "On" or "ON" or "y" or "Y" => new ScalarNode(line, ScalarKind.Boolean, text, 1),
            "false" or "False" or "FALSE" or "no" or "No" or "NO" or "off" or "Off" or "OFF" or "n" or "N" => new ScalarNode(line, ScalarKind.Boolean, text),
            _ => new ScalarNode(line, ScalarKind.String, text),
        };
    }

    private static ScalarNode ResolveNumber(string text, int line)
    {
        if (text.Length > 64) return new ScalarNode(line, ScalarKind.String, text);
        var plain = text.Contains('_', StringComparison.Ordinal) ? text.Replace("_", "", StringComparison.Ordinal) : text;
        if (TryInteger(plain, out var number)) return new ScalarNode(line, ScalarKind.Integer, text, number);
        return new ScalarNode(line, IsFloat(plain) ? ScalarKind.Float : ScalarKind.String, text);
    }

    private static bool TryInteger(ReadOnlySpan<char> text, out long number)
    {
        number = 0;
        var negative = text is ['-', ..];
        if (text is ['+' or '-', ..]) text = text[1..];
        var (prefix, radix) = text switch
        {
            ['0', 'x' or 'X', ..] => (2, 16),
            ['0', 'b' or 'B', ..] => (2, 2),
            ['0', 'o' or 'O', ..] => (2, 8),
            ['0', _, ..] => (1, 8),
            _ => (0, 10),
        };
        var digits = text[prefix..];
        if (digits.Length == 0) return false;
        foreach (var c in digits)
        {
            var digit = char.IsAsciiDigit(c) ? c - '0' : char.IsAsciiHexDigit(c) ? (c | 0x20) - 'a' + 10 : radix;
            if (digit >= radix || number > (long.MaxValue - digit) / radix) return false;
            number = number * radix + digit;
        }
        if (negative) number = -number;
        return true;
    }

    private static bool IsFloat(string text)
    {
        if (text is ".inf" or ".Inf" or ".INF" or "+.inf" or "+.Inf" or "+.INF" or "-.inf" or "-.Inf" or "-.INF" or ".nan" or ".NaN" or ".NAN") return true;
        return text.AsSpan().ContainsAnyInRange('0', '9') && !text.AsSpan().ContainsAnyExcept(_floatCharacters)
            && double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out _);
    }
}
