using MeshDns.Contracts.Events;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Vips;

namespace MeshDns.Actors.Vips;

/// <summary>What all nodes share, as facts: the quarantine is one of the ledger, all else stands in <see cref="SettingsChanged"/>, whole (docs/adr/0028).</summary>
internal static class SettingsFacts
{
    /// <summary>The settings that facts give.</summary>
    public static SharedSettings Read(long quarantineMs, SettingsChanged rest, VipRange range) =>
        new(quarantineMs, rest.LargestTtlMs, Zones(rest.Zones, rest.ClusterDomain, range), rest.ClusterDomain);

    /// <summary>The zones beside the cluster domain and the reverse zones of the ranges, which are mesh zones anyway; each once, in order.</summary>
    public static IReadOnlyList<string> Zones(IEnumerable<string> zones, string clusterDomain, VipRange range)
    {
        var others = new SortedSet<string>(zones, StringComparer.Ordinal);
        others.Remove(clusterDomain);
        foreach (var zone in ReverseZones.Of(range)) others.Remove(zone.Text);
        return [.. others];
    }

    /// <summary>The facts that lead from some settings to others; none where they are the same.</summary>
    /// <param name="ledger">The ledger, which has the quarantine.</param>
    /// <param name="before">What holds; null in an empty log.</param>
    /// <param name="after">What is to hold.</param>
    /// <param name="at">Now, by the journal's clock.</param>
    public static IReadOnlyList<MeshEvent> Between(VipLedger ledger, SharedSettings? before, SharedSettings after, long at)
    {
        var facts = new List<MeshEvent>();
        if (VipLedgerCore.OnQuarantine(ledger, TimeSpan.FromMilliseconds(after.QuarantineMs), at) is { } quarantine) facts.Add(quarantine);
        if (before is null || (before with { QuarantineMs = after.QuarantineMs }).Tag != after.Tag) facts.Add(new SettingsChanged(after.LargestTtlMs, after.Zones, after.ClusterDomain) { At = at });
        return facts;
    }
}
