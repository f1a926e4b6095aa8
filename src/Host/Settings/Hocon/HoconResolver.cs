namespace MeshDns.Host.Settings.Hocon;

/// <summary>
/// Turns terms into values: merges what was assigned to each key and replaces substitutions, which look into the whole tree first and into the
/// environment then. A substitution that leads back to itself means what was assigned before it.
/// </summary>
internal sealed class HoconResolver
{
    private readonly ObjectTerm _root;
    private readonly IReadOnlyDictionary<string, string> _environment;
    private readonly HashSet<HoconTerm> _inProgress = new(ReferenceEqualityComparer.Instance);
    private readonly HashSet<HoconTerm> _failed = new(ReferenceEqualityComparer.Instance);
    private readonly List<HoconException> _errors = [];
    private int _steps;
    private int _depth;

    private HoconResolver(ObjectTerm root, IReadOnlyDictionary<string, string> environment)
    {
        _root = root;
        _environment = environment;
    }

    /// <summary>Resolves the whole tree. A substitution that fails is listed in <paramref name="errors"/> and counts as undefined, so that all are found at once.</summary>
    public static HoconObject Resolve(ObjectTerm root, IReadOnlyDictionary<string, string> environment, out IReadOnlyList<HoconException> errors)
    {
        var resolver = new HoconResolver(root, environment);
        errors = resolver._errors;
        try
        {
            return (HoconObject)resolver.Evaluate(root)!;
        }
        catch (HoconException tooMuch)
        {
            resolver._errors.Add(tooMuch);
            return new HoconObject(root.Origin, new Dictionary<string, HoconField>());
        }
    }

    /// <summary>The value of one term; null when it is undefined.</summary>
    private HoconValue? Evaluate(HoconTerm term)
    {
        Spend(term, 1);
        if (++_depth > HoconLimits.ResolveDepth)
            throw new HoconException(term.Origin, $"substitutions lead on more than {HoconLimits.ResolveDepth} deep");
        var value = term switch
        {
            TextTerm text => new HoconText(text.Origin, text.Text),
            NullTerm => new HoconNull(term.Origin),
            ResolvedTerm resolved => resolved.Value,
            ArrayTerm array => new HoconArray(array.Origin, [.. array.Items.Select(Evaluate).OfType<HoconValue>()]),
            ObjectTerm fields => EvaluateFields(fields),
            _ => EvaluateOnce(term),
        };
        _depth--;
        return value;
    }

    private HoconObject EvaluateFields(ObjectTerm term)
    {
        var fields = new Dictionary<string, HoconField>(StringComparer.Ordinal);
        foreach (var (key, field) in term.Fields)
        {
            if (Fold(field.Layers) is { } value)
                fields[key] = new HoconField(field.KeyOrigin, value);
        }
        return new HoconObject(term.Origin, fields);
    }

    private HoconValue? EvaluateOnce(HoconTerm term)
    {
        if (!_inProgress.Add(term))
            return Fail(term, "the value refers to itself");
        var value = term is SubstitutionTerm substitution ? Substitute(substitution) : Join((ConcatTerm)term);
        _inProgress.Remove(term);
        return value;
    }

    private HoconValue? Substitute(SubstitutionTerm term)
    {
        var value = (term.Prefix.Count > 0 ? Fold(Find([.. term.Prefix, .. term.Path])) : null) ?? Fold(Find(term.Path));
        if (value is not null)
            return value;
        var name = string.Join('.', term.Path);
        if (_environment.TryGetValue(name, out var text))
        {
            Spend(term, 1);
            return text.Length <= HoconLimits.TextChars
                ? new HoconText(HoconOrigin.Environment(name), text)
                : Fail(term, $"the environment variable is longer than {HoconLimits.TextChars} characters");
        }
        return term.Optional ? null : Fail(term, $"${{{HoconPath.Render(term.Path)}}} is defined neither here nor in the environment, or only by itself");
    }

    /// <summary>The value of a key from all that was assigned to it: the last defined one, objects merged into those before.</summary>
    private HoconValue? Fold(List<HoconTerm> layers)
    {
        var objects = new Stack<HoconObject>();
        for (var i = Usable(layers) - 1; i >= 0; i--)
        {
            var value = Evaluate(layers[i]);
            if (value is HoconObject fields)
            {
                objects.Push(fields);
            }
            else if (value is not null)
            {
                if (objects.Count == 0)
                    return value;
                break;
            }
        }
        return objects.Count == 0 ? null : objects.Aggregate(Merge);
    }

    /// <summary>How many of the layers count now: those before the one that is being resolved, if one of them is ("self-reference looks back").</summary>
    private int Usable(List<HoconTerm> layers)
    {
        Spend(null, layers.Count / 8);
        for (var i = 0; i < layers.Count; i++)
        {
            if (_inProgress.Contains(layers[i]))
                return i;
        }
        return layers.Count;
    }

    /// <summary>What was assigned to a path of the tree, earliest first; resolves no more of the tree than the way there.</summary>
    private List<HoconTerm> Find(IReadOnlyList<string> path)
    {
        List<HoconTerm> layers = [_root];
        foreach (var key in path)
        {
            var below = new List<HoconTerm>();
            var usable = Usable(layers);
            for (var i = 0; i < usable; i++)
                Descend(layers[i], key, below);
            layers = below;
        }
        return layers;
    }

    private void Descend(HoconTerm layer, string key, List<HoconTerm> found)
    {
        Spend(layer, 1);
        if (layer is ObjectTerm term)
        {
            if (term.Fields.TryGetValue(key, out var field))
                found.AddRange(field.Layers);
            return;
        }
        var value = layer.HidesEarlier ? null : Evaluate(layer);
        if (value is HoconObject fields)
        {
            if (fields.Fields.TryGetValue(key, out var field))
                found.Add(new ResolvedTerm(field.Value));
        }
        else if (value is not null || layer.HidesEarlier)
        {
            found.Clear();
        }
    }

    private HoconValue? Join(ConcatTerm term)
    {
        var parts = new List<(bool Blank, HoconValue Value)>();
        foreach (var part in term.Parts)
        {
            if (Evaluate(part) is { } value)
                parts.Add((part is TextTerm { IsBlank: true }, value));
        }
        var written = parts.Where(part => !part.Blank).Select(part => part.Value).ToList();
        if (written.Count == 0)
            return null;
        if (written.TrueForAll(value => value is HoconArray))
            return JoinArrays(term, written);
        if (written.TrueForAll(value => value is HoconObject))
            return written.Cast<HoconObject>().Aggregate(Merge);
        if (written.Exists(value => value is HoconArray or HoconObject))
            return Fail(term, "only text joins text, arrays join arrays and objects join objects");
        var text = string.Concat(parts.Select(part => part.Value is HoconText plain ? plain.Text : "null"));
        Spend(term, text.Length / 64);
        // A value that is one substitution and undefined ones keeps its origin, so that a reader sees where it was really said.
        var origin = written.Count == 1 ? written[0].Origin : term.Origin;
        return text.Length <= HoconLimits.TextChars ? new HoconText(origin, text) : Fail(term, $"the text is longer than {HoconLimits.TextChars} characters");
    }

    private HoconArray JoinArrays(ConcatTerm term, List<HoconValue> arrays)
    {
        var items = new List<HoconValue>();
        foreach (var array in arrays.Cast<HoconArray>())
        {
            Spend(term, array.Items.Count);
            items.AddRange(array.Items);
        }
        return new HoconArray(arrays[^1].Origin, items);
    }

    private HoconObject Merge(HoconObject lower, HoconObject upper)
    {
        var fields = new Dictionary<string, HoconField>(lower.Fields, StringComparer.Ordinal);
        foreach (var (key, field) in upper.Fields)
        {
            Spend(null, 1);
            fields[key] = field.Value is HoconObject above && fields.TryGetValue(key, out var existing) && existing.Value is HoconObject below
                ? new HoconField(field.KeyOrigin, Merge(below, above))
                : field;
        }
        Spend(null, lower.Fields.Count);
        return new HoconObject(upper.Origin, fields);
    }

    private void Spend(HoconTerm? term, int steps)
    {
        _steps += steps;
        if (_steps > HoconLimits.ResolveSteps)
            throw new HoconException(term?.Origin ?? _root.Origin, "substitutions multiply: resolving them takes too long");
    }

    private HoconValue? Fail(HoconTerm term, string message)
    {
        if (_failed.Add(term) && _errors.Count < HoconLimits.Errors)
            _errors.Add(new HoconException(term.Origin, message));
        return null;
    }
}
