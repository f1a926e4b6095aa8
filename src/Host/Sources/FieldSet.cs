namespace MeshDns.Host.Sources;

/// <summary>The fields that an object of the Istio or Kubernetes API has: those that matter here, and those that mean nothing for DNS.</summary>
internal sealed class FieldSet(string[] used, string[] ignored)
{
    private readonly Dictionary<string, bool> _fields = used.Select(f => (f, true)).Concat(ignored.Select(f => (f, false))).ToDictionary(f => f.Item1, f => f.Item2);

    /// <summary>True when it matters, false when it is ignored, null when the object has no such field.</summary>
    public bool? IsUsed(string field) => _fields.TryGetValue(field, out var used) ? used : null;

    /// <summary>The field that was probably meant; null when none is near.</summary>
    public string? Nearest(string field)
    {
        if (field.Length > 64) return null;
        var best = _fields.Keys.MinBy(known => Distance(field, known))!;
        // Two slips, but not half of a short name.
        return Distance(field, best) <= Math.Min(2, best.Length / 2) ? best : null;
    }

    /// <summary>How many letters to insert, delete or replace, without case (Levenshtein).</summary>
    private static int Distance(string a, string b)
    {
        var row = Enumerable.Range(0, b.Length + 1).ToArray();
        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var replaced = diagonal + (char.ToLowerInvariant(a[i - 1]) == char.ToLowerInvariant(b[j - 1]) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(replaced, Math.Min(row[j], row[j - 1]) + 1);
            }
        }
        return row[b.Length];
    }
}
