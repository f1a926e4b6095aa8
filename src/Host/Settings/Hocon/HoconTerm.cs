namespace MeshDns.Host.Settings.Hocon;

/// <summary>A value as written, before substitutions are resolved.</summary>
internal abstract class HoconTerm(HoconOrigin origin)
{
    public HoconOrigin Origin { get; } = origin;

    /// <summary>Whether the value hides everything assigned to its key before, whatever that was.</summary>
    public virtual bool HidesEarlier => false;
}

/// <summary>A string, number or boolean; <c>IsBlank</c> for the white space between two parts of a concatenation.</summary>
internal sealed class TextTerm(HoconOrigin origin, string text, bool isBlank = false) : HoconTerm(origin)
{
    public string Text { get; } = text;

    public bool IsBlank { get; } = isBlank;

    public override bool HidesEarlier => true;
}

internal sealed class NullTerm(HoconOrigin origin) : HoconTerm(origin)
{
    public override bool HidesEarlier => true;
}

internal sealed class ArrayTerm(HoconOrigin origin, IReadOnlyList<HoconTerm> items) : HoconTerm(origin)
{
    public IReadOnlyList<HoconTerm> Items { get; } = items;

    public override bool HidesEarlier => true;
}

/// <summary><c>${path}</c> or <c>${?path}</c>. <c>Prefix</c> is the key under which the file that says so was included; the path is looked for there first.</summary>
internal sealed class SubstitutionTerm(HoconOrigin origin, IReadOnlyList<string> path, bool optional, IReadOnlyList<string> prefix) : HoconTerm(origin)
{
    public IReadOnlyList<string> Path { get; } = path;

    public bool Optional { get; } = optional;

    public IReadOnlyList<string> Prefix { get; } = prefix;
}

/// <summary>Values written beside each other: text is joined, arrays are appended, objects merged.</summary>
internal sealed class ConcatTerm(HoconOrigin origin, IReadOnlyList<HoconTerm> parts) : HoconTerm(origin)
{
    public IReadOnlyList<HoconTerm> Parts { get; } = parts;
}

/// <summary>A value that was resolved on the way to another one.</summary>
internal sealed class ResolvedTerm(HoconValue value) : HoconTerm(value.Origin)
{
    public HoconValue Value { get; } = value;
}

/// <summary>
/// An object as written. Each key keeps everything that was assigned to it, earliest first: a substitution that refers to its own key
/// means the values before it, and an optional one that is undefined leaves them in force.
/// </summary>
internal sealed class ObjectTerm(HoconOrigin origin) : HoconTerm(origin)
{
    private readonly Dictionary<string, FieldTerm> _fields = new(StringComparer.Ordinal);

    public IReadOnlyDictionary<string, FieldTerm> Fields => _fields;

    /// <summary>Assigns to a dotted key: <c>a.b = x</c> is <c>a { b = x }</c>.</summary>
    public void Set(IReadOnlyList<string> path, HoconOrigin keyOrigin, HoconTerm value)
    {
        for (var i = path.Count - 1; i > 0; i--)
        {
            var outer = new ObjectTerm(keyOrigin);
            outer.Add(path[i], keyOrigin, value);
            value = outer;
        }
        Add(path[0], keyOrigin, value);
    }

    private void Add(string key, HoconOrigin keyOrigin, HoconTerm value)
    {
        if (!_fields.TryGetValue(key, out var field))
            _fields[key] = field = new FieldTerm(keyOrigin);
        field.KeyOrigin = keyOrigin;
        var layers = field.Layers;
        if (value is ObjectTerm added && layers.Count > 0 && layers[^1] is ObjectTerm existing)
        {
            existing.Merge(added);
            return;
        }
        // A plain value, or an object over a plain value, leaves nothing of what was before.
        if (value.HidesEarlier || (value is ObjectTerm && layers.Count > 0 && layers[^1].HidesEarlier))
            layers.Clear();
        layers.Add(value);
    }

    private void Merge(ObjectTerm other)
    {
        foreach (var (key, field) in other._fields)
        {
            foreach (var layer in field.Layers)
                Add(key, field.KeyOrigin, layer);
        }
    }
}

/// <summary>What was assigned to one key, earliest first.</summary>
internal sealed class FieldTerm(HoconOrigin keyOrigin)
{
    public HoconOrigin KeyOrigin { get; set; } = keyOrigin;

    public List<HoconTerm> Layers { get; } = [];
}
