namespace MeshDns.Host.Settings.Hocon;

/// <summary>
/// Parses HOCON (github.com/lightbend/config, HOCON.md) into terms. Stricter than the specification in three places: a missing
/// <c>include "file"</c> is an error unless it says <c>optional(...)</c>, a key has no white space in it, and <c>url</c> and <c>classpath</c> are refused.
/// </summary>
internal sealed class HoconParser
{
    private readonly HoconScanner _in;
    private readonly HoconFiles? _files;
    private readonly string? _directory;
    private readonly IReadOnlyList<string> _prefix;

    private HoconParser(HoconScanner scanner, HoconFiles? files, string? directory, IReadOnlyList<string> prefix)
    {
        _in = scanner;
        _files = files;
        _directory = directory;
        _prefix = prefix;
    }

    /// <summary>Parses a text and lays it over what <paramref name="root"/> already holds.</summary>
    /// <exception cref="HoconException">The text is not HOCON.</exception>
    public static void Parse(ObjectTerm root, string source, string text)
    {
        RefuseLong(source, text);
        new HoconParser(new HoconScanner(source, text, hasLines: true), null, null, []).ParseRoot(root, 0);
    }

    /// <summary>Parses a file, with all that it includes, and lays it over what <paramref name="root"/> already holds.</summary>
    /// <exception cref="HoconException">The file cannot be read or is not HOCON.</exception>
    public static void ParseFile(ObjectTerm root, string path)
    {
        var files = new HoconFiles();
        var origin = new HoconOrigin(path, 0, 0);
        if (!files.Read(path, origin, text => OfFile(path, text, files, []).ParseRoot(root, 0)))
            throw new HoconException(origin, "the file does not exist");
    }

    /// <summary>Parses a single value that is not in a file, such as a <c>--set</c> argument's; <paramref name="path"/> is the key it is for.</summary>
    /// <exception cref="HoconException">The text is not one HOCON value.</exception>
    public static HoconTerm ParseValue(string source, string text, IReadOnlyList<string> path)
    {
        RefuseLong(source, text);
        var parser = new HoconParser(new HoconScanner(source, text, hasLines: false), null, null, []);
        parser._in.SkipBlank();
        var value = parser.ParseValue(path, path.Count);
        parser._in.SkipBlank();
        return parser._in.AtEnd ? value : throw parser._in.Error($"expected the end of the value, found {parser._in.Found()}");
    }

    private static HoconParser OfFile(string path, string text, HoconFiles files, IReadOnlyList<string> prefix)
        => new(new HoconScanner(path, text, hasLines: true), files, Path.GetDirectoryName(path), prefix);

    private static void RefuseLong(string source, string text)
    {
        if (text.Length > HoconLimits.FileChars)
            throw new HoconException(new HoconOrigin(source, 0, 0), $"longer than {HoconLimits.FileChars} characters");
    }

    private void ParseRoot(ObjectTerm root, int depth)
    {
        _in.SkipBlank();
        var braces = _in.Peek() == '{';
        if (braces)
            _in.Take();
        ParseFields(root, _prefix, depth, braces ? '}' : HoconScanner.End);
        _in.SkipBlank();
        if (!_in.AtEnd)
            throw _in.Error($"expected the end of the text, found {_in.Found()}");
    }

    /// <summary>Fields up to the closing brace, or to the end of the text for a root without braces. A null path: inside an array.</summary>
    private void ParseFields(ObjectTerm into, IReadOnlyList<string>? path, int depth, char close)
    {
        var opened = _in.Origin;
        _in.SkipBlank();
        while (!AtClose(opened, close))
        {
            if (AtInclude())
                ParseInclude(into, path ?? [], depth);
            else
                ParseField(into, path, depth);
            TakeSeparator(close);
        }
    }

    private bool AtClose(HoconOrigin opened, char close)
    {
        if (_in.AtEnd)
            return close == HoconScanner.End ? true : throw new HoconException(opened, $"the '{close}' that ends this is missing");
        if (close == HoconScanner.End || _in.Peek() != close)
            return false;
        _in.Take();
        return true;
    }

    private void TakeSeparator(char close)
    {
        var newLine = _in.SkipBlank();
        if (_in.Peek() == ',' && !_in.AtEnd)
        {
            _in.Take();
            _in.SkipBlank();
            if (_in.Peek() == ',')
                throw _in.Error("two commas in a row");
        }
        else if (!newLine && !_in.AtEnd && _in.Peek() != close)
        {
            var hint = _in.Peek() is ':' or '=' or '*' or '@' or '?' or '&' or '+' or '!' ? " (a value that contains it must be in quotes)" : "";
            throw _in.Error($"expected a new line or ',', found {_in.Found()}{hint}");
        }
    }

    private void ParseField(ObjectTerm into, IReadOnlyList<string>? path, int depth)
    {
        var keyOrigin = _in.Origin;
        var key = _in.TakePath();
        IReadOnlyList<string>? full = path is null ? null : [.. path, .. key];
        _in.TakeSpaces();
        var append = _in.StartsWith("+=");
        if (append)
            _in.Take(2);
        else if (_in.Peek() is '=' or ':')
            _in.Take();
        else if (_in.Peek() != '{')
            throw _in.Error($"expected '=', ':' or '{{' after the key, found {_in.Found()}");
        _in.SkipBlank();
        var value = ParseValue(full, depth + key.Count);
        if (append)
        {
            if (full is null)
                throw new HoconException(keyOrigin, "'+=' has no meaning inside an array");
            value = new ConcatTerm(value.Origin, [new SubstitutionTerm(keyOrigin, full, optional: true, []), new ArrayTerm(value.Origin, [value])]);
        }
        into.Set(key, keyOrigin, value);
    }

    private HoconTerm ParseValue(IReadOnlyList<string>? path, int depth)
    {
        if (depth > HoconLimits.Nesting)
            throw _in.Error($"nested deeper than {HoconLimits.Nesting}");
        var origin = _in.Origin;
        var parts = new List<HoconTerm>();
        while (true)
        {
            var spaceOrigin = _in.Origin;
            var spaces = _in.TakeSpaces();
            var unquoted = _in.Peek() != '"';
            var part = ParsePart(path, depth);
            if (part is null)
                break;
            if (spaces.Length > 0 && parts.Count > 0)
                parts.Add(new TextTerm(spaceOrigin, spaces, isBlank: true));
            // Only an unquoted null that stands alone is null.
            parts.Add(part is TextTerm { Text: "null" } && unquoted ? new NullTerm(part.Origin) : part);
        }
        return parts.Count switch
        {
            0 => throw _in.Error($"expected a value, found {_in.Found()}"),
            1 => parts[0],
            _ when parts.TrueForAll(part => part is TextTerm or NullTerm) => new TextTerm(origin, string.Concat(parts.Select(part => part is TextTerm text ? text.Text : "null"))),
            _ => new ConcatTerm(origin, parts),
        };
    }

    /// <summary>One part of a concatenation; null at the value's end.</summary>
    private HoconTerm? ParsePart(IReadOnlyList<string>? path, int depth)
    {
        var origin = _in.Origin;
        switch (_in.Peek())
        {
            case '"':
                return new TextTerm(origin, _in.TakeQuoted());
            case '{':
                _in.Take();
                var fields = new ObjectTerm(origin);
                ParseFields(fields, path, depth + 1, '}');
                return fields;
            case '[':
                _in.Take();
                return ParseArray(origin, depth + 1);
            case '$' when _in.Peek(1) == '{':
                return ParseSubstitution(origin);
            default:
                var text = _in.TakeUnquoted();
                return text.Length > 0 ? new TextTerm(origin, text) : null;
        }
    }

    private ArrayTerm ParseArray(HoconOrigin opened, int depth)
    {
        var items = new List<HoconTerm>();
        _in.SkipBlank();
        while (!AtClose(opened, ']'))
        {
            items.Add(ParseValue(null, depth));
            TakeSeparator(']');
        }
        return new ArrayTerm(opened, items);
    }

    private SubstitutionTerm ParseSubstitution(HoconOrigin origin)
    {
        _in.Take(2);
        var optional = _in.Peek() == '?';
        if (optional)
            _in.Take();
        _in.TakeSpaces();
        var path = _in.TakePath();
        _in.TakeSpaces();
        _in.Expect('}', "after the name in ${...}");
        return new SubstitutionTerm(origin, path, optional, _prefix);
    }

    /// <summary><c>include</c> followed by a name; <c>include = x</c> and <c>include.x</c> are ordinary keys.</summary>
    private bool AtInclude()
    {
        const string Word = "include";
        if (!_in.StartsWith(Word) || _in.Peek(Word.Length) is not (' ' or '\t'))
            return false;
        var ahead = Word.Length;
        while (_in.Peek(ahead) is ' ' or '\t')
            ahead++;
        return _in.Peek(ahead) is not ('=' or ':' or '{' or '+');
    }

    private void ParseInclude(ObjectTerm into, IReadOnlyList<string> path, int depth)
    {
        var origin = _in.Origin;
        _in.Take("include".Length);
        _in.TakeSpaces();
        var optional = false;
        var parentheses = 0;
        while (_in.Peek() != '"')
        {
            var word = _in.TakeWord();
            if (word is not ("optional" or "required" or "file") || parentheses > 1)
                throw new HoconException(origin, "an include is \"NAME\", file(\"NAME\"), optional(...) or required(...) of either");
            optional |= word == "optional";
            _in.Expect('(', $"after {word}");
            parentheses++;
        }
        var name = _in.TakeQuoted();
        for (; parentheses > 0; parentheses--)
            _in.Expect(')', "to end the include");
        if (_files is null)
            throw new HoconException(origin, "include works in files only");
        var file = Path.Combine(_directory ?? "", name);
        if (!_files.Read(file, origin, text => OfFile(file, text, _files, path).ParseRoot(into, depth)) && !optional)
            throw new HoconException(origin, $"the included file '{file}' does not exist (include optional(\"...\") allows that)");
    }
}
