using System.Text;

namespace MeshDns.Actors.Directory;

/// <summary>Folded wire names as the text that <c>HostName</c> keeps: no escapes can occur, no trailing dot.</summary>
public static class WireText
{
    /// <summary>The text of a folded name.</summary>
    public static string Of(ReadOnlySpan<byte> name)
    {
        var text = new StringBuilder(name.Length);
        for (var i = 0; i < name.Length && name[i] != 0; i += name[i] + 1)
        {
            if (i > 0) text.Append('.');
            foreach (var b in name.Slice(i + 1, name[i])) text.Append((char)b);
        }
        return text.ToString();
    }
}
