using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace MeshDns.Host.Sources;

/// <summary>
/// JSON as block-style YAML. Strings stand unquoted only where every YAML version reads them as strings; all others are double-quoted,
/// with escapes that YAML and JSON share.
/// </summary>
public static class YamlText
{
    /// <summary>The text, ending in a line break. Numbers, booleans and null keep their JSON spelling.</summary>
    public static string Of(JsonNode? node)
    {
        var text = new StringBuilder();
        if (IsBlock(node)) WriteBlock(text, node!, 0, isInline: false);
        else WriteScalar(text, node).Append('\n');
        return text.ToString();
    }

    private static bool IsBlock(JsonNode? node) => node is JsonObject { Count: > 0 } or JsonArray { Count: > 0 };

    /// <param name="text">Where to.</param>
    /// <param name="node">A map or a list that is not empty.</param>
    /// <param name="indent">Its column.</param>
    /// <param name="isInline">True when the first line's indentation is there already (after <c>- </c>).</param>
    private static void WriteBlock(StringBuilder text, JsonNode node, int indent, bool isInline)
    {
        if (node is JsonArray list)
        {
            foreach (var item in list)
            {
                if (!isInline) text.Append(' ', indent);
                isInline = false;
                text.Append("- ");
                if (IsBlock(item)) WriteBlock(text, item!, indent + 2, isInline: true);
                else WriteScalar(text, item).Append('\n');
            }
            return;
        }
        foreach (var (key, value) in (JsonObject)node)
        {
            if (!isInline) text.Append(' ', indent);
            isInline = false;
            WriteString(text, key).Append(':');
            if (!IsBlock(value)) { WriteScalar(text.Append(' '), value).Append('\n'); continue; }
            text.Append('\n');
            WriteBlock(text, value!, indent + 2, isInline: false);
        }
    }

    private static StringBuilder WriteScalar(StringBuilder text, JsonNode? node) => node switch
    {
        null => text.Append("null"),
        JsonValue value when value.GetValueKind() == JsonValueKind.String => WriteString(text, value.GetValue<string>()),
        _ => text.Append(node.ToJsonString()),
    };

    private static StringBuilder WriteString(StringBuilder text, string value)
    {
        if (IsPlain(value)) return text.Append(value);
        text.Append('"');
        foreach (var c in value)
        {
            switch (c)
            {
                case '"' or '\\': text.Append('\\').Append(c); break;
                case '\n': text.Append("\\n"); break;
                case '\t': text.Append("\\t"); break;
                // Line separators, the byte order mark and non-characters are not printable YAML.
                case < ' ' or (>= '\x7f' and <= '\x9f') or '\u2028' or '\u2029' or '\uFEFF' or '\uFFFE' or '\uFFFF': text.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}"); break;
                default: text.Append(c); break;
            }
        }
        return text.Append('"');
    }

    private static bool IsPlain(string value)
    {
        if (value.Length == 0 || !char.IsAsciiLetterOrDigit(value[0])) return false;
        foreach (var c in value) if (!char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_' or '.' or '/')) return false;
        // A date is a string to Kubernetes and a timestamp to others.
        return YamlScalars.Resolve(value, 0).Kind == ScalarKind.String && !char.IsAsciiDigit(value[0]) || IsAddress(value);
    }

    private static bool IsAddress(string value) => value.AsSpan().Count('.') == 3 && YamlScalars.Resolve(value, 0).Kind == ScalarKind.String && value.All(c => char.IsAsciiDigit(c) || c == '.');
}
