using System.Text;

namespace MeshDns.Host.Settings.Hocon;

/// <summary>Dotted keys as text.</summary>
internal static class HoconPath
{
    public static string Render(IEnumerable<string> path)
    {
        var text = new StringBuilder();
        foreach (var element in path)
        {
            if (text.Length > 0)
                text.Append('.');
            Quote(text, element, dotIsPlain: false);
        }
        return text.ToString();
    }

    /// <summary>Appends the text, in quotes unless it reads back as itself without. Control characters are always escaped, so that it is safe to print.</summary>
    public static void Quote(StringBuilder into, string text, bool dotIsPlain)
    {
        if (text.Length > 0 && text != "null" && text.All(c => IsPlain(c) || (dotIsPlain && c == '.')))
        {
            into.Append(text);
            return;
        }
        into.Append('"');
        foreach (var c in text)
        {
            if (c is '"' or '\\')
                into.Append('\\').Append(c);
            else if (char.IsControl(c) || char.IsSurrogate(c))
                into.Append("\\u").Append(((int)c).ToString("x4"));
            else
                into.Append(c);
        }
        into.Append('"');
    }

    private static bool IsPlain(char c) => char.IsAsciiLetterOrDigit(c) || c is '-' or '_';
}
