namespace MeshDns.Host.Sources;

/// <summary>
/// What aliases may still add to a set of manifests. A value costs its characters and <see cref="ValueCost"/>, so that neither a few long texts
/// nor many short ones make much of little (the "billion laughs").
/// </summary>
internal sealed class AliasBudget
{
    /// <summary>What a value costs beside its characters: about what it takes in memory.</summary>
    public const int ValueCost = 32;

    private long _left = ManifestLimits.AliasSize;

    public void Take(int size, int line)
    {
        _left -= size;
        if (_left < 0) throw new ManifestSyntaxException(line, $"aliases (*name) add more than {ManifestLimits.AliasSize} characters to the manifests; write the values out");
    }
}

/// <summary>The anchors of one YAML document, and the copies that its aliases stand for: each value has one place of its own in the tree.</summary>
internal sealed class YamlAnchors(AliasBudget budget)
{
    private readonly Dictionary<string, ManifestNode> _nodes = new(StringComparer.Ordinal);
    private readonly HashSet<ManifestNode> _open = [];

    /// <summary>Characters that aliases have added to this document so far.</summary>
    public long Added { get; private set; }

    /// <summary>Names a value whose parts are still to be read. A name may be given again; an alias means the value that had it last.</summary>
    public void Open(string name, ManifestNode node)
    {
        _nodes[name] = node;
        _open.Add(node);
    }

    /// <summary>The value is there as a whole; it need not have a name.</summary>
    public void Close(ManifestNode node) => _open.Remove(node);

    /// <summary>Names a scalar.</summary>
    public void Define(string name, ScalarNode node) => _nodes[name] = node;

    /// <summary>What an alias stands for, with the lines of the value that it names, where its text is.</summary>
    /// <param name="name">The anchor.</param>
    /// <param name="line">Where the alias stands.</param>
    /// <param name="depth">How deep in the tree, from 1.</param>
    public ManifestNode Copy(string name, int line, int depth)
    {
        if (!_nodes.TryGetValue(name, out var node)) throw new ManifestSyntaxException(line, $"the alias *{ManifestNode.Quote(name)[1..^1]} names no anchor before it");
        // What is whole holds nothing that is not.
        if (_open.Contains(node)) throw new ManifestSyntaxException(line, $"the alias *{ManifestNode.Quote(name)[1..^1]} is inside the value that it names");
        return Copy(node, line, depth);
    }

    private ManifestNode Copy(ManifestNode node, int line, int depth)
    {
        if (depth > ManifestLimits.Depth) throw new ManifestSyntaxException(line, $"a document is at most {ManifestLimits.Depth} levels deep");
        switch (node)
        {
            case ListNode list:
                Add(0, line);
                var items = new ListNode(list.Line);
                foreach (var item in list.Items) items.Add(Copy(item, line, depth + 1));
                return items;
            case MapNode map:
                Add(0, line);
                var fields = new MapNode(map.Line) { Size = map.Size };
                foreach (var field in map.Fields)
                {
                    Add(field.Name.Length, line);
                    fields.TryAdd(field.Name, Copy(field.Value, line, depth + 1), field.Line);
                }
                return fields;
            default:
                var scalar = (ScalarNode)node;
                Add(scalar.Text.Length, line);
                return new ScalarNode(scalar.Line, scalar.Kind, scalar.Text, scalar.Number);
        }
    }

    private void Add(int characters, int line)
    {
        Added += characters;
        budget.Take(characters + AliasBudget.ValueCost, line);
    }
}
