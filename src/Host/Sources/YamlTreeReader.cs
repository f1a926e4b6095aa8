using System.Text;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace MeshDns.Host.Sources;

/// <summary>
/// Reads YAML into trees, document by document. The text is cut at its <c>---</c> lines first (YAML 1.2 section 9.1.2: such a line
/// ends a document wherever it stands), so that an error in one document hides none in the next, and each one's size is known.
/// </summary>
internal sealed class YamlTreeReader(string file, ReadOnlyMemory<byte> utf8, ManifestErrors errors, AliasBudget aliases)
{
    private const string StringTag = "tag:yaml.org,2002:str";

    private int _number;
    private int _lineBefore;
    private int _values;
    private int _lastLine;
    private List<DuplicateField> _duplicates = [];
    private YamlAnchors _anchors = new(aliases);

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
        _lastLine = _lineBefore + 1;
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
                _anchors = new YamlAnchors(aliases);
                Advance(parser);
                var root = ReadNode(parser, 1);
                if (root is ScalarNode { Kind: ScalarKind.Null }) _number--;
                else trees.Add(new ManifestTree(_number, root, _duplicates));
            }
        }
        catch (ManifestSyntaxException e) { Fail(e.Line, e.Message); }
        // The parser is not ours and the text may be anything: whatever else it throws is the text's fault.
        catch (Exception e) when (e is YamlException or ArgumentException or InvalidOperationException or FormatException or IndexOutOfRangeException or OverflowException or NotSupportedException)
        {
            var (line, reason) = YamlFault.Explain(text, e, _lastLine - _lineBefore);
            Fail(_lineBefore + line, reason);
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
            case AnchorAlias alias:
                return _anchors.Copy(alias.Value.Value, line, depth);
            case Scalar scalar:
                return ReadScalar(scalar, line);
            case SequenceStart start:
                CheckTag(start.Tag, "tag:yaml.org,2002:seq", line);
                return ReadList(parser, start.Anchor, line, depth);
            case MappingStart start:
                CheckTag(start.Tag, "tag:yaml.org,2002:map", line);
                return ReadMap(parser, start.Anchor, line, depth);
            default:
                throw new ManifestSyntaxException(line, "a value was expected");
        }
    }

    private ScalarNode ReadScalar(Scalar scalar, int line)
    {
        CheckTag(scalar.Tag, StringTag, line);
        var isString = scalar.Style != ScalarStyle.Plain || !scalar.Tag.IsEmpty;
        var node = isString ? new ScalarNode(line, ScalarKind.String, scalar.Value) : YamlScalars.Resolve(scalar.Value, line);
        if (!scalar.Anchor.IsEmpty) _anchors.Define(scalar.Anchor.Value, node);
        return node;
    }

    private ListNode ReadList(Parser parser, AnchorName anchor, int line, int depth)
    {
        var list = new ListNode(line);
        if (!anchor.IsEmpty) _anchors.Open(anchor.Value, list);
        for (Advance(parser); parser.Current is not SequenceEnd; Advance(parser)) list.Add(ReadNode(parser, depth + 1));
        _anchors.Close(list);
        return list;
    }

    private MapNode ReadMap(Parser parser, AnchorName anchor, int line, int depth)
    {
        var map = new MapNode(line);
        if (!anchor.IsEmpty) _anchors.Open(anchor.Value, map);
        var (start, added) = (parser.Current!.Start.Index, _anchors.Added);
        ManifestNode? merged = null;
        for (Advance(parser); parser.Current is not MappingEnd; Advance(parser))
        {
            var keyLine = LineOf(parser.Current!.Start);
            var isMerge = parser.Current is Scalar { Style: ScalarStyle.Plain, Value: "<<" };
            var key = ReadKey(parser, keyLine, depth + 1);
            Advance(parser);
            var value = ReadNode(parser, depth + 1);
            if (isMerge && merged is null) merged = value;
            else if (isMerge || !map.TryAdd(key, value, keyLine)) _duplicates.Add(new DuplicateField(map, key, keyLine));
        }
        if (merged is not null) Merge(map, merged);
        map.Size = (int)Math.Min(int.MaxValue, parser.Current.End.Index - start + (_anchors.Added - added));
        _anchors.Close(map);
        return map;
    }

    private string ReadKey(Parser parser, int line, int depth)
    {
        var key = parser.Current switch
        {
            Scalar scalar => ReadScalar(scalar, line),
            AnchorAlias alias => _anchors.Copy(alias.Value.Value, line, depth) as ScalarNode,
            _ => null,
        };
        return key?.Text ?? throw new ManifestSyntaxException(line, "a field name must be a string");
    }

    /// <summary>The merge key of YAML 1.1, as kubectl reads it: the map's own fields win, then those of the first map that has them.</summary>
    private static void Merge(MapNode map, ManifestNode merged)
    {
        foreach (var node in merged is ListNode list ? list.Items : [merged])
        {
            if (node is not MapNode source) throw new ManifestSyntaxException(node.Line, $"a merge key (<<) takes a map or a list of maps, not {node.Description}");
            foreach (var field in source.Fields) map.TryAdd(field.Name, field.Value, field.Line);
        }
    }

    private static void CheckTag(TagName tag, string allowed, int line)
    {
        if (tag.IsEmpty || tag.IsNonSpecific || tag.Value == allowed) return;
        throw new ManifestSyntaxException(line, $"the tag {ManifestNode.Quote(tag.Value)} is not supported");
    }

    private void Advance(Parser parser)
    {
        _lastLine = LineOf(parser.Current!.End);
        if (!parser.MoveNext()) throw new ManifestSyntaxException(_lastLine, "not YAML: the document ends early");
    }

    private int LineOf(Mark mark) => _lineBefore + (int)mark.Line;

    private void Fail(int line, string reason)
    {
        // An error before the document's first token belongs to the document that was expected.
        errors.Add(new ManifestError(file, Math.Max(_number, 1), line, "", reason));
    }
}
