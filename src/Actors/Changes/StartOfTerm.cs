using MeshDns.Actors.Vips;
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
        }
        // An empty log takes the first owner's configuration; after that a cluster's settings are changed in the log alone, and those of a node alone in its file.
        if (state.Shared is not { } shared) facts.AddRange(SettingsFacts.Between(state.Ledger, null, founding.Settings, at));
        else if (founding.IsAlone) facts.AddRange(SettingsFacts.Between(state.Ledger, shared, SettingsDecision.OwnOf(state, shared, founding.Settings), at));
        // A clock behind the last fact: nobody knows how long ago that was.
        if (now < state.At) facts.Add(new ClockSetBack(state.At - now) { At = at });
        if (start.Lost is { } lost) facts.AddRange(LostPast.Facts(state.Ledger, lost, at));
        return facts;
    }
}
