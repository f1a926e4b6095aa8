using MeshDns.Contracts.Events;
using MeshDns.Contracts.Messages;

namespace MeshDns.Tests.Shared.Judge;

/// <summary>A transaction after which other settings held.</summary>
/// <param name="Number">The number of its closing row.</param>
/// <param name="Before">What held before; null for the first.</param>
/// <param name="After">What holds after it.</param>
internal sealed record SettingsStep(long Number, SharedSettings? Before, SharedSettings After);

/// <summary>The settings that the log gives, step by step, put together from their two facts without the fold.</summary>
internal sealed class SettingsPast
{
    private readonly List<SettingsStep> _steps = [];
    private long _quarantineMs = 86_400_000;
    private SharedSettings? _now;

    public IReadOnlyList<SettingsStep> Steps => _steps;

    public void Take(long number, IReadOnlyList<MeshEvent> facts)
    {
        var after = _now;
        foreach (var fact in facts)
        {
            switch (fact)
            {
                case QuarantineChanged e:
                    _quarantineMs = e.PeriodMs;
                    after = after is null ? null : after with { QuarantineMs = e.PeriodMs };
                    break;
                case SettingsChanged e: after = new SharedSettings(_quarantineMs, e.LargestTtlMs, e.Zones, e.ClusterDomain); break;
                default: break;
            }
        }
        if (after is null || after.Tag == _now?.Tag) return;
        _steps.Add(new SettingsStep(number, _now, after));
        _now = after;
    }
}
