using MeshDns.Actors.Vips;
using MeshDns.Contracts.Events;

namespace MeshDns.Actors.Changes;

/// <summary>
/// What is written when a part of the log is gone that somebody had read: every VIP that nobody holds rests for one full quarantine, since a name that the log no longer knows may still be answered with it;
/// and what a reader knew to be leased rests for that host, so that the name gets its VIP back at once when it is declared again.
/// </summary>
internal static class LostPast
{
    public static IReadOnlyList<MeshEvent> Facts(VipLedger ledger, PastLost lost, long at)
    {
        at = Math.Max(at, ledger.LastAt);
        var until = ledger.RestUntil(at);
        var facts = new List<MeshEvent>();
        var resting = ledger.MaturedAt(at);
        foreach (var (index, host) in lost.Known)
        {
            // What the log itself says of an address or a host is newer than what is lost, or as good.
            if (!resting.IsFree(index) || resting.Remembers(host)) continue;
            var rest = new VipRested(index, host, until) { At = at };
            resting = resting.After(rest);
            facts.Add(rest);
        }
        facts.Add(new TimelineSeen("", until) { At = at });
        return facts;
    }
}
