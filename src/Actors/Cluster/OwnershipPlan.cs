using MeshDns.Actors.Journal;

namespace MeshDns.Actors.Cluster;

/// <summary>What a node does about the streams now.</summary>
/// <param name="Claims">To be claimed.</param>
/// <param name="Releases">Its own, to be given up to another node.</param>
public sealed record OwnershipMoves(IReadOnlyList<StreamWish> Claims, IReadOnlyList<string> Releases);

/// <summary>What a node knows when it decides.</summary>
public sealed record OwnershipSight
{
    /// <summary>Who decides.</summary>
    public required NodeIdentity Me { get; init; }

    /// <summary>Every stream there should be.</summary>
    public required IReadOnlyList<string> Streams { get; init; }

    /// <summary>Members and owners.</summary>
    public required ClusterRead Read { get; init; }

    /// <summary>Live members.</summary>
    public required ClusterMap Map { get; init; }

    /// <summary>The streams that it owns as far as it knows.</summary>
    public required Func<string, bool> Holds { get; init; }

    /// <summary>The streams that it was giving up when it asked: what it read of them may be old.</summary>
    public required Func<string, bool> IsLeaving { get; init; }

    /// <summary>The streams that it could not recover.</summary>
    public required Func<string, bool> Abstains { get; init; }

    /// <summary>The streams that it took because nobody else did; it keeps them while the members stay the same.</summary>
    public required Func<string, bool> Adopted { get; init; }

    /// <summary>The streams that have been without an owner for two leases.</summary>
    public required Func<string, bool> IsOrphaned { get; init; }

    /// <summary>The members that have been there long enough to be given something.</summary>
    public required Func<NodeIdentity, bool> IsSettled { get; init; }

    /// <summary>True when it takes streams at all: not draining, not leaving.</summary>
    public required bool IsTaking { get; init; }
}

/// <summary>
/// Who should own what, and what a node does to get there. Pure; every node decides for itself and comes to the same owners from the same members. Nothing of
/// it is needed for safety: a claim is one compare-and-set in the journal, and only the fence lets anybody write.
/// </summary>
public static class OwnershipPlan
{
    /// <summary>The member that should own a stream; null when nobody can.</summary>
    public static string? WantedOwner(string stream, ClusterMap map) =>
        Rendezvous.Choose(stream, map.Members.Where(m => m.IsOwner && m.Report.State is "up" or "joining" && !m.Report.Abstains.Contains(stream)).Select(m => m.Node.Node));

    /// <summary>What to claim and what to give up.</summary>
    public static OwnershipMoves Decide(OwnershipSight sight)
    {
        var rows = sight.Read.Ownership.ToDictionary(r => r.Stream);
        var claims = new List<StreamWish>();
        var releases = new List<string>();
        foreach (var stream in sight.Streams)
        {
            var row = rows.GetValueOrDefault(stream);
            var wanted = WantedOwner(stream, sight.Map);
            var owner = row is { Node.Length: > 0 } ? new NodeIdentity(row.Node, row.Incarnation) : null;
            if (owner == sight.Me)
            {
                // A claim whose reply was lost: the row is ours and nobody here knows it.
                if (!sight.Holds(stream) && sight.IsTaking && !sight.IsLeaving(stream) && !sight.Abstains(stream)) claims.Add(WishOf(stream, row));
                else if (sight.Holds(stream) && MustGo(sight, stream, wanted)) releases.Add(stream);
            }
            else if (owner is null || sight.Map.OwnerOf(stream) is null)
            {
                if (sight.IsTaking && (wanted == sight.Me.Node || sight.IsOrphaned(stream))) claims.Add(WishOf(stream, row));
            }
        }
        return new OwnershipMoves(claims, releases);
    }

    private static bool MustGo(OwnershipSight sight, string stream, string? wanted)
    {
        if (!sight.IsTaking) return true;
        if (wanted is null || wanted == sight.Me.Node || sight.Adopted(stream)) return false;
        return sight.Map.Member(wanted) is { } heir && sight.IsSettled(heir.Node);
    }

    private static StreamWish WishOf(string stream, OwnershipRow? row) => row is null ? new StreamWish(stream, "", 0) : new StreamWish(stream, row.Term, row.Epoch);
}
