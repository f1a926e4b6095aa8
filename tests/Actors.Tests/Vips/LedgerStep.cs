using System.Globalization;
using FsCheck;
using FsCheck.Fluent;
using MeshDns.Contracts.Messages;
using HostName = MeshDns.Contracts.Names.HostName;

namespace MeshDns.Actors.Tests.Vips;

/// <summary>What may happen to a ledger.</summary>
public abstract record LedgerStep
{
    /// <summary>One change.</summary>
    public sealed record Change(IReadOnlyList<VipDemand> Demands) : LedgerStep
    {
        public override string ToString() => "Change " + string.Join("; ", Demands.Select(d => $"{d.Host}{(d.Lease ? "!" : "")} [{string.Join(' ', d.Claims)}] [{string.Join(' ', d.Exclusions)}]"));
    }

    /// <summary>Time passes.</summary>
    public sealed record Forward(long Ms) : LedgerStep;

    /// <summary>The clock is set back; a recovery reports it, or nobody notices until it has caught up.</summary>
    public sealed record Back(long Ms, bool Reported) : LedgerStep;

    /// <summary>Another quarantine is configured.</summary>
    public sealed record Quarantine(long PeriodMs) : LedgerStep;
}

/// <summary>A pool to play in, with what its hosts may ask for.</summary>
internal sealed record LedgerWorld(string V4, int Hosts, int DemandsPerChange, string[] Claims, string[] Cidrs)
{
    public const long QuarantineMs = 1000;

    public static LedgerWorld Small { get; } = new("240.240.7.0/28", 20, 6,
        [.. Enumerable.Range(1, 15).SelectMany(i => new[] { $"240.240.7.{i}", string.Create(CultureInfo.InvariantCulture, $"2001:2::7{i:x2}") }), "240.240.7.0", "2001:2:0:1::5"],
        ["240.240.7.0/30", "240.240.7.2/31", "240.240.7.8/29", "2001:2::704/126", "2001:2::708/125", "240.240.7.9/32", "240.240.7.0/32", "240.240.7.0/28", "2001:2::/48", "10.0.0.0/8"]);

    public static LedgerWorld Medium { get; } = new("240.240.7.0/24", 300, 90,
        [.. Enumerable.Range(1, 254).Select(i => $"240.240.7.{i}"), "240.240.7.0", "240.240.7.255"],
        ["240.240.7.0/25", "240.240.7.128/26", "2001:2::700/122", "240.240.7.64/28", "240.240.7.200/29", "240.240.7.0/24"]);

    public Gen<LedgerStep> Step => Gen.Frequency(
        (12, Changes),
        (6, Gen.Choose(1, 1500).Select(ms => (LedgerStep)new LedgerStep.Forward(ms))),
        (1, from ms in Gen.Choose(1, 800) from reported in Gen.Elements(true, false) select (LedgerStep)new LedgerStep.Back(ms, reported)),
        (1, Gen.Choose(200, 2000).Select(ms => (LedgerStep)new LedgerStep.Quarantine(ms))));

    private Gen<LedgerStep> Changes =>
        from count in Gen.Choose(1, DemandsPerChange)
        from demands in Gen.ListOf(Demand, count)
        select (LedgerStep)new LedgerStep.Change([.. demands.DistinctBy(d => d.Host)]);

    private Gen<VipDemand> Demand =>
        from host in Gen.Choose(0, Hosts - 1)
        from lease in Gen.Elements(true, true, true, false)
        from claims in Some(Claims, 8)
        from cidrs in Some(Cidrs, 14)
        select new VipDemand(HostName.Parse($"h{host}"), lease, claims, cidrs);

    /// <summary>Shorter sequences, and changes of fewer demands.</summary>
    public static IEnumerable<List<LedgerStep>> Shrink(List<LedgerStep> steps)
    {
        for (var size = steps.Count / 2; size >= 1; size /= 2)
            for (var start = 0; start + size <= steps.Count; start += size)
                yield return [.. steps[..start], .. steps[(start + size)..]];
        for (var i = 0; i < steps.Count; i++)
        {
            if (steps[i] is not LedgerStep.Change { Demands.Count: > 1 } change) continue;
            for (var d = 0; d < change.Demands.Count; d++)
                yield return [.. steps[..i], new LedgerStep.Change([.. change.Demands.Where((_, at) => at != d)]), .. steps[(i + 1)..]];
        }
    }

    // Mostly none, else one or two: most hosts ask for a VIP and nothing else.
    private static Gen<IReadOnlyList<string>> Some(string[] choices, int rarity) =>
        from dice in Gen.Choose(0, rarity)
        from one in Gen.Elements(choices)
        from two in Gen.Elements(choices)
        select (IReadOnlyList<string>)(dice > 1 ? [] : dice == 0 ? [one] : [.. new[] { one, two }.Distinct().Order(StringComparer.Ordinal)]);
}
