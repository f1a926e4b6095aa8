namespace MeshDns.Host.Sources;

/// <summary>What is found while one document is checked: errors, ignored fields, warnings.</summary>
internal sealed class DocumentScope(ManifestErrors errors, string file, int number, ManifestNode root)
{
    private const int MaxNotes = 64;

    private readonly List<string> _ignored = [];
    private readonly List<string> _warnings = [];

    public bool Failed { get; private set; }

    public string File => file;

    public int Number => number;

    public IReadOnlyList<string> Ignored => _ignored;

    public IReadOnlyList<string> Warnings => _warnings;

    public void Fail(ManifestNode at, string reason) => Fail(at.Line, at.Path, reason);

    /// <summary>Refuses a field by name; it need not be there.</summary>
    public void Fail(MapNode map, string field, string reason) => Fail(map.Find(field)?.Line ?? map.Line, map.PathOf(field), reason);

    public void Fail(int line, string path, string reason)
    {
        Failed = true;
        errors.Add(new ManifestError(file, number, line, path, reason));
    }

    public void Ignore(ManifestNode node) => Note(_ignored, node.PatternBelow(root));

    public void Warn(ManifestNode at, string text) => Note(_warnings, $"{at.PatternBelow(root)}: {text}");

    private static void Note(List<string> notes, string note)
    {
        if (notes.Count < MaxNotes && !notes.Contains(note)) notes.Add(note);
    }
}
