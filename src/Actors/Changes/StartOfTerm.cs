using MeshDns.Contracts.Events;

namespace MeshDns.Actors.Changes;

/// <summary>The facts of a start row: the first that an incarnation writes, and nothing is answered before it is durable.</summary>
internal static class StartOfTerm
{
    /// <summary>The format of the log that this version writes: every reader must know it.</summary>
    public const int Format = 1;

    public static IReadOnlyList<MeshEvent> Facts(ChangeLogStart start, long now)
    {
        var (state, founding) = (start.Recovered, start.Founding);
        var at = Math.Max(now, state.At);
        var facts = new List<MeshEvent> { new AllocatorStarted(state.Epoch + 1, start.Node, Format) { At = at } };
        if (state.Cluster is null)
        {
            facts.Add(new ClusterFounded(founding.ClusterId, state.Ledger.Range.V4.ToString(), state.Ledger.Range.V6.ToString(), state.Tables.Count) { At = at });
            if (founding.QuarantineMs != state.Ledger.QuarantineMs) facts.Add(new QuarantineChanged(founding.QuarantineMs) { At = at });
        }
        if (state.Settings is null) facts.Add(new SettingsChanged(founding.LargestTtlMs, founding.Zones, founding.ClusterDomain) { At = at });
        // A clock behind the last fact: nobody knows how long ago that was.
        if (now < state.At) facts.Add(new ClockSetBack(state.At - now) { At = at });
        if (start.Lost is { } lost) facts.AddRange(LostPast.Facts(state.Ledger, lost, at));
        return facts;
    }
}
