using System.Text;

namespace MeshDns.Host.Settings.Hocon;

/// <summary>Reads characters, comments, strings and dotted keys of one text, and knows where it stands.</summary>
internal sealed class HoconScanner(string source, string text, bool hasLines)
{
    private const string NotInUnquoted = "$\"{}[]:=,+#`^?!@*&\\";

    private int _at = text.StartsWith('\uFEFF') ? 1 : 0;
    private int _line = 1;
    private int _column = 1;

    public const char End = '\0';

    public HoconOrigin Origin => hasLines ? new HoconOrigin(source, _line, _column) : new HoconOrigin(source, 0, 0);

    public bool AtEnd => _at >= text.Length;

    /// <summary>The character a few places ahead, <see cref="End"/> after the last.</summary>
    public char Peek(int ahead = 0) => _at + ahead < text.Length ? text[_at + ahead] : End;

    public bool StartsWith(string expected) => string.CompareOrdinal(text, _at, expected, 0, expected.Length) == 0;

    /// <summary>Everything not read yet.</summary>
    public string Rest => text[_at..];

    public char Take()
    {
        var c = text[_at++];
        if (c == '\n')
        {
            _line++;
            _column = 1;
        }
        else
        {
            _column++;
        }
        return c;
    }

    public void Take(int count)
    {
        for (var i = 0; i < count; i++)
            Take();
    }

    public void Expect(char expected, string where)
    {
        if (AtEnd || Peek() != expected)
            throw Error($"expected '{expected}' {where}, found {Found()}");
        Take();
    }

    /// <summary>White space on this line.</summary>
    public string TakeSpaces()
    {
        var start = _at;
        while (!AtEnd && Peek() != '\n' && IsSpace(Peek()))
            Take();
        return text[start.._at];
    }

    /// <summary>White space, new lines and comments. True when a new line was among them.</summary>
    public bool SkipBlank()
    {
        var line = _line;
        while (!AtEnd)
        {
            if (AtComment())
            {
                while (!AtEnd && Peek() != '\n')
                    Take();
            }
            else if (IsSpace(Peek()))
            {
                Take();
            }
            else
            {
                break;
            }
        }
        return _line != line;
    }

    public bool AtComment() => Peek() == '#' || (Peek() == '/' && Peek(1) == '/');

    /// <summary>The longest unquoted text here, perhaps empty; without its dots when it is part of a key.</summary>
    public string TakeUnquoted(bool stopAtDot = false)
    {
        var start = _at;
        while (!AtEnd && !AtComment() && IsUnquoted(Peek()) && !(stopAtDot && Peek() == '.'))
            Take();
        return text[start.._at];
    }

    /// <summary>The longest run of ASCII letters here, perhaps empty.</summary>
    public string TakeWord()
    {
        var start = _at;
        while (char.IsAsciiLetter(Peek()))
            Take();
        return text[start.._at];
    }

    /// <summary>A string in quotes or in triple quotes.</summary>
    public string TakeQuoted() => StartsWith("\"\"\"") ? TakeTripleQuoted() : TakeSingleQuoted();

    /// <summary>A dotted key: elements are quoted, unquoted or both beside each other.</summary>
    public IReadOnlyList<string> TakePath()
    {
        var path = new List<string>();
        while (true)
        {
            var element = new StringBuilder();
            var quoted = false;
            while (true)
            {
                if (Peek() == '"')
                {
                    element.Append(TakeSingleQuoted());
                    quoted = true;
                    continue;
                }
                var plain = TakeUnquoted(stopAtDot: true);
                if (plain.Length == 0)
                    break;
                element.Append(plain);
            }
            if (element.Length == 0 && !quoted)
                throw Error(path.Count == 0 ? $"expected a key, found {Found()}" : "a dotted key has an empty element");
            path.Add(element.ToString());
            if (path.Count > HoconLimits.Nesting)
                throw Error($"a key has more than {HoconLimits.Nesting} elements");
            if (Peek() != '.')
                return path;
            Take();
        }
    }

    public HoconException Error(string message) => new(Origin, message);

    /// <summary>What stands here, in words that are safe to print and show at most one character.</summary>
    public string Found() => AtEnd ? "the end of the text" : Peek() switch
    {
        '\n' => "the end of the line",
        var c when char.IsControl(c) || char.IsSurrogate(c) => $"the character U+{(int)c:X4}",
        var c => $"'{c}'",
    };

    private string TakeSingleQuoted()
    {
        var start = Origin;
        var result = new StringBuilder();
        Take();
        while (true)
        {
            if (AtEnd || Peek() == '\n')
                throw new HoconException(start, "a string in quotes does not end on its line (\"\"\" begins one of several lines)");
            var c = Take();
            if (c == '"')
                return result.ToString();
            result.Append(c == '\\' ? TakeEscape() : c);
        }
    }

    private char TakeEscape()
    {
        var c = AtEnd ? End : Peek();
        var plain = c switch { '"' => '"', '\\' => '\\', '/' => '/', 'b' => '\b', 'f' => '\f', 'n' => '\n', 'r' => '\r', 't' => '\t', _ => End };
        if (plain != End)
        {
            Take();
            return plain;
        }
        if (c == 'u' && _at + 5 <= text.Length && ushort.TryParse(text.AsSpan(_at + 1, 4), System.Globalization.NumberStyles.AllowHexSpecifier, null, out var code))
        {
            Take(5);
            return (char)code;
        }
        throw Error("a backslash in quotes begins \\\" \\\\ \\/ \\b \\f \\n \\r \\t or \\u with four hex digits, nothing else");
    }

    private string TakeTripleQuoted()
    {
        var start = Origin;
        Take(3);
        var from = _at;
        while (!StartsWith("\"\"\""))
        {
            if (AtEnd)
                throw new HoconException(start, "a string in triple quotes does not end");
            Take();
        }
        // More than three closing quotes: all but the last three belong to the string.
        while (Peek(3) == '"')
            Take();
        var result = text[from.._at];
        Take(3);
        return result;
    }

    private static bool IsSpace(char c) => char.IsWhiteSpace(c) || c == '\uFEFF';

    private static bool IsUnquoted(char c) => !IsSpace(c) && !char.IsControl(c) && !NotInUnquoted.Contains(c, StringComparison.Ordinal);
}
