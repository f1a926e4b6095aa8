using System.Text;

namespace MeshDns.Host.Cli;

/// <summary>Text for a terminal.</summary>
internal static class CliText
{
    /// <summary>The text without control characters other than line breaks: what a server or a file says must not steer the terminal.</summary>
    public static string Printable(string text)
    {
        if (!text.Any(c => char.IsControl(c) && c != '\n')) return text;
        var clean = new StringBuilder(text.Length);
        foreach (var c in text) clean.Append(char.IsControl(c) && c != '\n' ? '?' : c);
        return clean.ToString();
    }

    /// <summary>Rows under a heading, columns aligned by spaces; nothing after the last column, so that lines can be cut and compared.</summary>
    public static string Table(IReadOnlyList<string> heading, IReadOnlyList<IReadOnlyList<string>> rows)
    {
        var widths = heading.Select(title => title.Length).ToArray();
        foreach (var row in rows) for (var i = 0; i < widths.Length; i++) widths[i] = Math.Max(widths[i], row[i].Length);
        var text = new StringBuilder();
        WriteRow(text, heading, widths);
        foreach (var row in rows) WriteRow(text, row, widths);
        return text.ToString();
    }

    private static void WriteRow(StringBuilder text, IReadOnlyList<string> row, int[] widths)
    {
        var end = text.Length;
        for (var i = 0; i < widths.Length; i++)
        {
            var cell = Printable(row[i]).Replace('\n', ' ');
            text.Append(cell);
            if (cell.Length > 0) end = text.Length;
            text.Append(' ', widths[i] - cell.Length + 3);
        }
        text.Length = end;
        text.Append('\n');
    }
}
