using MeshDns.Actors.Vips;
using MeshDns.Contracts.Events;

namespace MeshDns.Actors.Log;

/// <summary>
/// Whether what is given up rests as long as the settings that held then say, and as long as who was cut off before a quarantine was shortened may answer for it: by the facts alone, so that a mistake of the ledger
/// is not made here too.
/// </summary>
internal sealed class RestWitness(Action<string> breach)
{
    private long _quarantineMs;
    private long _oldKnowledgeUntil;

    public void Begin(VipLedger ledger) => (_quarantineMs, _oldKnowledgeUntil) = (ledger.QuarantineMs, ledger.RestFloor);

    public void Take(Transaction transaction)
    {
        foreach (var fact in transaction.Facts)
        {
            switch (fact)
            {
                case QuarantineChanged e: (_quarantineMs, _oldKnowledgeUntil) = (e.PeriodMs, Math.Max(_oldKnowledgeUntil, e.RestUntil ?? 0)); break;
                case ClockSetBack e when _oldKnowledgeUntil > e.At: _oldKnowledgeUntil = VipPool.Later(_oldKnowledgeUntil, e.ByMs); break;
                case VipReleased e: Check($"index {e.Index}", e.At, e.Until); break;
                case VipUnreserved e: Check($"index {e.Index}", e.At, e.Until); break;
                case RangeIncluded e: Check(e.Cidr, e.At, e.Until); break;
                default: break;
            }
        }

        void Check(string what, long at, long until)
        {
            var least = Math.Max(VipPool.Later(at, _quarantineMs), _oldKnowledgeUntil);
            if (until < least) breach($"{transaction.Position} gives {what} up until {until}, but it has to rest until {least}");
        }
    }
}
