using System.Text;
using System.Text.Json;

namespace MeshDns.Host.Sources;

/// <summary>Reads JSON (RFC 8259), one value or several after one another, into trees. Comments and trailing commas are errors.</summary>
internal sealed class JsonTreeReader(string file, ReadOnlyMemory<byte> utf8, ManifestErrors errors)
{
    private int _number;
    private int _values;
    private List<DuplicateField> _duplicates = [];
    private int _line = 1;
    private int _lineCountedTo;
    private int _readTo;
    private JsonReaderState _state = new(new JsonReaderOptions { AllowMultipleValues = true, MaxDepth = ManifestLimits.Depth * 2 });

    /// <summary>The documents, up to the first syntax error, each read when it is asked for: a large set's trees are never all there at once.</summary>
    public IEnumerable<ManifestTree> Read()
    {
        while (ReadOne() is { } tree) yield return tree;
    }

    private ManifestTree? ReadOne()
    {
        var reader = new Utf8JsonReader(utf8.Span[_readTo..], isFinalBlock: true, _state);
        try
        {
            if (!reader.Read()) return null;
            _number++;
            if (_number > ManifestLimits.Documents) throw new ManifestSyntaxException(Line(reader), $"a manifest has at most {ManifestLimits.Documents} documents");
            _duplicates = [];
            _values = 0;
            var root = ReadNode(ref reader, 1);
            _readTo += (int)reader.BytesConsumed;
            _state = reader.CurrentState;
            return new ManifestTree(_number, root, _duplicates);
        }
        catch (ManifestSyntaxException e) { Fail(e.Line, e.Message); }
        catch (JsonException e) { Fail((int)(e.LineNumber ?? 0) + 1, $"not JSON: {Sentence(e.Message)}"); }
        // GetString throws this for an escaped half of a surrogate pair.
        catch (InvalidOperationException) { Fail(Line(reader), "not JSON: a string is not Unicode text"); }
        return null;
    }

    private ManifestNode ReadNode(ref Utf8JsonReader reader, int depth)
    {
        var line = Line(reader);
        if (++_values > ManifestLimits.Values) throw new ManifestSyntaxException(line, $"a document has at most {ManifestLimits.Values} values");
        if (depth > ManifestLimits.Depth) throw new ManifestSyntaxException(line, $"a document is at most {ManifestLimits.Depth} levels deep");
        return reader.TokenType switch
        {
            JsonTokenType.StartObject => ReadMap(ref reader, line, depth),
            JsonTokenType.StartArray => ReadList(ref reader, line, depth),
            JsonTokenType.String => new ScalarNode(line, ScalarKind.String, reader.GetString()!),
            JsonTokenType.True => new ScalarNode(line, ScalarKind.Boolean, "true", 1),
            JsonTokenType.False => new ScalarNode(line, ScalarKind.Boolean, "false"),
            JsonTokenType.Null => new ScalarNode(line, ScalarKind.Null, "null"),
            _ => ReadNumber(reader, line),
        };
    }

    private static ScalarNode ReadNumber(Utf8JsonReader reader, int line)
    {
        var text = Encoding.UTF8.GetString(reader.ValueSpan.Length <= 64 ? reader.ValueSpan : reader.ValueSpan[..64]);
        return reader.TryGetInt64(out var number) ? new ScalarNode(line, ScalarKind.Integer, text, number) : new ScalarNode(line, ScalarKind.Float, text);
    }

    private ListNode ReadList(ref Utf8JsonReader reader, int line, int depth)
    {
        var list = new ListNode(line);
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray) list.Add(ReadNode(ref reader, depth + 1));
        return list;
    }

    private MapNode ReadMap(ref Utf8JsonReader reader, int line, int depth)
    {
        var map = new MapNode(line);
        var start = reader.TokenStartIndex;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
        {
            var keyLine = Line(reader);
            var key = reader.GetString()!;
            reader.Read();
            if (!map.TryAdd(key, ReadNode(ref reader, depth + 1), keyLine)) _duplicates.Add(new DuplicateField(map, key, keyLine));
        }
        map.Size = (int)(reader.BytesConsumed - start);
        return map;
    }

    // The reader tells lines only in its exceptions; tokens come in order, so each byte is counted once.
    private int Line(in Utf8JsonReader reader)
    {
        var at = _readTo + (int)reader.TokenStartIndex;
        _line += utf8.Span[_lineCountedTo..at].Count((byte)'\n');
        _lineCountedTo = at;
        return _line;
    }

    private void Fail(int line, string reason) => errors.Add(new ManifestError(file, Math.Max(_number, 1), line, "", reason));

    // "'x' is invalid. LineNumber: 0 | BytePositionInLine: 3." says the line a second time.
    private static string Sentence(string message)
    {
        var at = message.IndexOf(" LineNumber:", StringComparison.Ordinal);
        return at > 0 ? message[..at] : message;
    }
}
