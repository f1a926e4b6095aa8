using System.Text;

namespace MeshDns.Actors.Cluster;

/// <summary>
/// Rendezvous hashing: every node comes to the same owner for a stream from the same members, and when one goes only its own streams move. Written down
/// because all nodes of a cluster must agree on it; two that don't would take streams from each other for as long as they both run.
/// </summary>
public static class Rendezvous
{
    /// <summary>The node that should own a key; null when there are none.</summary>
    public static string? Choose(string key, IEnumerable<string> nodes)
    {
        string? best = null;
        var bestScore = 0UL;
        foreach (var node in nodes)
        {
            var score = Score(key, node);
            if (best is not null && (score < bestScore || (score == bestScore && string.CompareOrdinal(node, best) > 0))) continue;
            best = node;
            bestScore = score;
        }
        return best;
    }

    // FNV-1a over "key|node", then a finalizer (MurmurHash3's), because FNV alone leaves near strings near.
    private static ulong Score(string key, string node)
    {
        var hash = 14695981039346656037UL;
        foreach (var b in Encoding.UTF8.GetBytes($"{key}|{node}")) hash = (hash ^ b) * 1099511628211UL;
        hash = (hash ^ (hash >> 33)) * 0xFF51AFD7ED558CCDUL;
        hash = (hash ^ (hash >> 33)) * 0xC4CEB9FE1A85EC53UL;
        return hash ^ (hash >> 33);
    }
}
