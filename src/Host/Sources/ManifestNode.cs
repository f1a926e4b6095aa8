using System.Globalization;
using System.Text;

namespace MeshDns.Host.Sources;

/// <summary>A value of a manifest with its line and its place, whatever syntax it was written in.</summary>
internal abstract class ManifestNode(int line)
{
    /// <summary>From 1.</summary>
    public int Line { get; } = line;

    /// <summary>Characters that it takes in the manifest; known for maps only.</summary>
    public int Size { get; set; }

    /// <summary>What an error calls it: <c>a map</c>, <c>the number 80</c>.</summary>
    public abstract string Description { get; }

    private ManifestNode? Parent { get; set; }

    private string? Key { get; set; }

    private int Index { get; set; }

    /// <summary>Where it is, such as <c>spec.hosts[2]</c>; empty for a document's root.</summary>
    public string Path => AppendPath(new StringBuilder(), null, indexes: true).ToString();

    /// <summary>Its path below <paramref name="root"/> with <c>[]</c> for every index, so that a thousand endpoints share one path.</summary>
    public string PatternBelow(ManifestNode root) => AppendPath(new StringBuilder(), root, indexes: false).ToString();

    /// <summary>The path that a field of this map has or would have.</summary>
    public string PathOf(string field) => Path is { Length: > 0 } path ? path + "." + field : field;

    /// <summary>Makes it a field of a map.</summary>
    public void Attach(MapNode parent, string key) => (Parent, Key) = (parent, key);

    /// <summary>Makes it an item of a list.</summary>
    public void Attach(ListNode parent, int index) => (Parent, Index) = (parent, index);

    /// <summary>Text from a manifest as errors show it: bounded, without control characters.</summary>
    public static string Quote(string text)
    {
        var shown = new StringBuilder(text.Length <= 64 ? text : text[..64] + "...");
        for (var i = 0; i < shown.Length; i++) if (char.IsControl(shown[i]) || char.IsSurrogate(shown[i])) shown[i] = '?';
        return $"'{shown}'";
    }

    private StringBuilder AppendPath(StringBuilder path, ManifestNode? root, bool indexes)
    {
        if (Parent is null || ReferenceEquals(this, root)) return path;
        Parent.AppendPath(path, root, indexes);
        if (Key is null) return indexes ? path.Append(CultureInfo.InvariantCulture, $"[{Index}]") : path.Append("[]");
        if (!IsPlain(Key)) return path.Append('[').Append(Quote(Key)).Append(']');
        return (path.Length > 0 ? path.Append('.') : path).Append(Key);
    }

    private static bool IsPlain(string key) => key.Length is > 0 and <= 64 && key.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_');
}

/// <summary>What a scalar is, as Kubernetes reads it.</summary>
internal enum ScalarKind
{
    /// <summary>Text.</summary>
    String,

    /// <summary>A whole number of 64 bits.</summary>
    Integer,

    /// <summary>Any other number.</summary>
    Float,

    /// <summary>True or false.</summary>
    Boolean,

    /// <summary>Nothing; the same as leaving the field out.</summary>
    Null,
}

/// <summary>A scalar. <paramref name="number"/> is the value of an integer, and 1 for true.</summary>
internal sealed class ScalarNode(int line, ScalarKind kind, string text, long number = 0) : ManifestNode(line)
{
    public ScalarKind Kind { get; } = kind;

    /// <summary>As written, without quotes and escapes.</summary>
    public string Text { get; } = text;

    public long Number { get; } = number;

    public override string Description => Kind switch
    {
        ScalarKind.String => $"the string {Quote(Text)}",
        ScalarKind.Boolean => Number == 1 ? "the boolean true" : "the boolean false",
        ScalarKind.Null => "null",
        _ => $"the number {Quote(Text)[1..^1]}",
    };
}

/// <summary>A list.</summary>
internal sealed class ListNode(int line) : ManifestNode(line)
{
    private readonly List<ManifestNode> _items = [];

    public IReadOnlyList<ManifestNode> Items => _items;

    public override string Description => "a list";

    public void Add(ManifestNode item)
    {
        item.Attach(this, _items.Count);
        _items.Add(item);
    }
}

/// <summary>A field of a map.</summary>
internal readonly record struct Field(string Name, ManifestNode Value, int Line);

/// <summary>A map, in the order of the manifest.</summary>
internal sealed class MapNode(int line) : ManifestNode(line)
{
    private readonly List<Field> _fields = [];
    private HashSet<string>? _names;

    public IReadOnlyList<Field> Fields => _fields;

    public override string Description => "a map";

    /// <summary>Adds a field; false when its name is there already (it is dropped then).</summary>
    public bool TryAdd(string name, ManifestNode value, int line)
    {
        value.Attach(this, name);
        if (!IsNew(name)) return false;
        _fields.Add(new Field(name, value, line));
        return true;
    }

    /// <summary>The value of a field; null when it is absent or null.</summary>
    public ManifestNode? Find(string name)
    {
        foreach (var field in _fields)
            if (field.Name == name) return field.Value is ScalarNode { Kind: ScalarKind.Null } ? null : field.Value;
        return null;
    }

    private bool IsNew(string name)
    {
        // A set only for large maps: most have a handful of fields.
        if (_fields.Count >= 16) return (_names ??= [.. _fields.Select(f => f.Name)]).Add(name);
        foreach (var field in _fields) if (field.Name == name) return false;
        return true;
    }
}
