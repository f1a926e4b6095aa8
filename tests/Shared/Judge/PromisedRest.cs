using MeshDns.Contracts.Events;

namespace MeshDns.Tests.Shared.Judge;

/// <summary>
/// How long what is given up has to rest, by what ADR 0028 promises and by the facts' times alone: a quarantine, and, after it was shortened, until the old one is over, since who was cut off before answers by that.
/// It believes no end that a fact names.
/// </summary>
internal sealed class PromisedRest
{
    private const long FirstPeriodMs = 86_400_000;

    private long? _periodMs;
    private long _oldKnowledgeUntil;
    private bool _hasSeen;

    public void Take(MeshEvent fact)
    {
        switch (fact)
        {
            case QuarantineChanged e:
                var before = _periodMs ?? FirstPeriodMs;
                // Before the first fact of a VIP nobody knows anything.
                if (_hasSeen && e.PeriodMs < before) _oldKnowledgeUntil = Math.Max(_oldKnowledgeUntil, e.At + before);
                _periodMs = e.PeriodMs;
                break;
            case ClockSetBack e when _oldKnowledgeUntil > e.At: _oldKnowledgeUntil += e.ByMs; break;
            default: break;
        }
        _hasSeen = true;
    }

    /// <summary>The end of the rest of what is given up at a time; 0 while no quarantine was told.</summary>
    public long EndOf(long at) => _periodMs is { } period ? Math.Max(at + period, _oldKnowledgeUntil) : 0;
}
