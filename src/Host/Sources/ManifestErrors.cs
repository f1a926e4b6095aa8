namespace MeshDns.Host.Sources;

/// <summary>Collects errors up to their bound; when it is full, readers stop.</summary>
internal sealed class ManifestErrors
{
    private readonly List<ManifestError> _errors = [];

    public IReadOnlyList<ManifestError> All => _errors;

    /// <summary>True when no more is collected and reading should end.</summary>
    public bool Full { get; private set; }

    public void Add(ManifestError error)
    {
        if (Full) return;
        _errors.Add(error);
        if (_errors.Count < ManifestLimits.Errors) return;
        Full = true;
        _errors.Add(new ManifestError(error.File, 0, 0, "", $"reading stopped after {ManifestLimits.Errors} errors"));
    }
}

/// <summary>Reading of one manifest cannot go on, or not in this document.</summary>
internal sealed class ManifestSyntaxException(int line, string reason) : Exception(reason)
{
    public int Line { get; } = line;
}

/// <summary>A document as a tree, before it is checked.</summary>
internal readonly record struct ManifestTree(int Number, ManifestNode Root, IReadOnlyList<DuplicateField> Duplicates);

/// <summary>A field that is in its map twice; the first was kept.</summary>
internal readonly record struct DuplicateField(MapNode Map, string Name, int Line);
