using System.Text;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace MeshDns.Host.Sources;

/// <summary>
/// Reads YAML into trees, document by document. The text is cut at its <c>---</c> lines first (YAML 1.2 section 9.1.2: such a line
/// ends a document wherever it stands), so that an error in one document hides none in the next, and each one's size is known.
/// </summary>
internal sealed class YamlTreeReader(string file, ReadOnlyMemory<byte> utf8, ManifestErrors errors)
{
    private int _number;
    private int _lineBefore;
    private int _values;
    private List<DuplicateField> _duplicates = [];

    /// <summary>The documents that are not empty.</summary>
    public IEnumerable<ManifestTree> Read()
    {
        var markers = 0;
        for (var start = 0; start < utf8.Length && !errors.Full && _number <= ManifestLimits.Documents;)
        {
            var end = EndOfChunk(utf8.Span, start);
            if (++markers > ManifestLimits.Markers)
            {
                errors.Add(new ManifestError(file, 0, _lineBefore + 1, "", $"a manifest has at most {ManifestLimits.Markers} document markers"));
                yield break;
            }
            var chunk = utf8[start..end];
            if (!IsBlank(chunk.Span))
                foreach (var tree in ReadChunk(Encoding.UTF8.GetString(chunk.Span)))
                    yield return tree;
            _lineBefore += chunk.Span.Count((byte)'\n');
            start = end;
        }
    }

    /// <summary>The offset of the next line after <paramref name="start"/> that is a document marker, or the end.</summary>
    private static int EndOfChunk(ReadOnlySpan<byte> text, int start)
    {
        for (var from = start; ;)
        {
            var at = text[from..].IndexOf("\n---"u8);
            if (at < 0) return text.Length;
            from += at + 4;
            if (from == text.Length || text[from] is (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n') return from - 3;
        }
    }

    /// <summary>True for a chunk without a document: white space, comments, directives and its own marker only.</summary>
    private static bool IsBlank(ReadOnlySpan<byte> chunk)
    {
        if (chunk.StartsWith("---"u8)) chunk = chunk[3..];
        foreach (var range in chunk.Split((byte)'\n'))
        {
            var line = chunk[range].Trim(" \t\r"u8);
            if (line.Length > 0 && line[0] is not ((byte)'#' or (byte)'%')) return false;
        }
        return true;
    }

    private List<ManifestTree> ReadChunk(string text)
    {
        var trees = new List<ManifestTree>();
        try
        {
            var parser = new Parser(new StringReader(text));
            while (!errors.Full && parser.MoveNext())
            {
                if (parser.Current is not DocumentStart) continue;
                _number++;
                if (_number > ManifestLimits.Documents) throw new ManifestSyntaxException(LineOf(parser.Current.Start), $"a manifest has at most {ManifestLimits.Documents} documents");
                _values = 0;
                _duplicates = [];
                Advance(parser);
                var root = ReadNode(parser, 1);
                if (root is ScalarNode { Kind: ScalarKind.Null }) _number--;
                else trees.Add(new ManifestTree(_number, root, _duplicates));
            }
        }
        catch (ManifestSyntaxException e) { Fail(e.Line, e.Message); }
        catch (YamlException e) { Fail(LineOf(e.Start), $"not YAML: {e.Message}"); }
        // The parser is not ours and the text may be anything: whatever else it throws is the text's fault.
        catch (Exception e) when (e is ArgumentException or InvalidOperationException or FormatException or IndexOutOfRangeException or OverflowException or NotSupportedException)
        {
            Fail(_lineBefore + 1, $"not YAML: {e.Message}");
        }
        return trees;
    }

    private ManifestNode ReadNode(Parser parser, int depth)
    {
        var line = LineOf(parser.Current!.Start);
        if (++_values > ManifestLimits.Values) throw new ManifestSyntaxException(line, $"a document has at most {ManifestLimits.Values} values");
        if (depth > ManifestLimits.Depth) throw new ManifestSyntaxException(line, $"a document is at most {ManifestLimits.Depth} levels deep");
        switch (parser.Current)
        {
            case AnchorAlias:
                throw new ManifestSyntaxException(line, "aliases (*name) are not supported; write the value out");
            case NodeEvent { Anchor.IsEmpty: false }:
                throw new ManifestSyntaxException(line, "anchors (&name) are not supported; write the value out where it is needed");
            case Scalar scalar:
                return ReadScalar(scalar, line);
            case SequenceStart start:
                CheckTag(start.Tag, "tag:yaml.org,2002:seq", line);
                return ReadList(parser, line, depth);
            case MappingStart start:
                CheckTag(start.Tag, "tag:yaml.org,2002:map", line);
                return ReadMap(parser, line, depth);
            default:
                throw new ManifestSyntaxException(line, "a value was expected");
        }
    }

    private static ScalarNode ReadScalar(Scalar scalar, int line)
    {
        const string StringTag = "tag:yaml.org,2002:str";
        CheckTag(scalar.Tag, StringTag, line);
        var isString = scalar.Style != ScalarStyle.Plain || !scalar.Tag.IsEmpty;
        return isString ? new ScalarNode(line, ScalarKind.String, scalar.Value) : YamlScalars.Resolve(scalar.Value, line);
    }

    private ListNode ReadList(Parser parser, int line, int depth)
    {
        var list = new ListNode(line);
        for (Advance(parser); parser.Current is not SequenceEnd; Advance(parser)) list.Add(ReadNode(parser, depth + 1));
        return list;
    }

    private MapNode ReadMap(Parser parser, int line, int depth)
    {
        var map = new MapNode(line);
        var start = parser.Current!.Start.Index;
        for (Advance(parser); parser.Current is not MappingEnd; Advance(parser))
        {
            var keyLine = LineOf(parser.Current!.Start);
            if (parser.Current is not Scalar { Anchor.IsEmpty: true } key) throw new ManifestSyntaxException(keyLine, "a field name must be a string");
            CheckTag(key.Tag, "tag:yaml.org,2002:str", keyLine);
            Advance(parser);
            var value = ReadNode(parser, depth + 1);
            if (!map.TryAdd(key.Value, value, keyLine)) _duplicates.Add(new DuplicateField(map, key.Value, keyLine));
        }
        map.Size = (int)(parser.Current.End.Index - start);
        return map;
    }

    private static void CheckTag(TagName tag, string allowed, int line)
    {
        if (tag.IsEmpty || tag.IsNonSpecific || tag.Value == allowed) return;
        throw new ManifestSyntaxException(line, $"the tag {ManifestNode.Quote(tag.Value)} is not supported");
    }

    private void Advance(Parser parser)
    {
        if (!parser.MoveNext()) throw new ManifestSyntaxException(_lineBefore + 1, "not YAML: the document ends early");
    }

    private int LineOf(Mark mark) => _lineBefore + (int)mark.Line;

    private void Fail(int line, string reason)
    {
        // An error before the document's first token belongs to the document that was expected.
        errors.Add(new ManifestError(file, Math.Max(_number, 1), line, "", reason));
    }
}
