namespace MeshDns.Contracts.Names;

/// <summary>What a client may see, which decides which record answers it (behaviour.md, queries, rules 2, 5 and 6).</summary>
/// <param name="Namespace">The client's namespace; null for none: then only what is exported to all is visible.</param>
/// <param name="Capture">False: every query of this client is forwarded as if there were no mesh.</param>
public readonly record struct ClientView(string? Namespace, bool Capture)
{
    /// <summary>No namespace, capture on: a client of which nothing is known.</summary>
    public static ClientView Default { get; } = new(null, true);

    /// <summary>True when a record of <paramref name="recordNamespace"/> with this <c>exportTo</c> is visible; empty means to all.</summary>
    public bool Sees(string recordNamespace, IReadOnlyList<string> exportTo)
    {
        if (exportTo.Count == 0) return true;
        for (var i = 0; i < exportTo.Count; i++)
        {
            var target = exportTo[i];
            if (target == "*") return true;
            if (Namespace is null) continue;
            if (target == Namespace || (target == "." && recordNamespace == Namespace)) return true;
        }
        return false;
    }
}
