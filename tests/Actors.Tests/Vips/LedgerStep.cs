using System.Globalization;
using FsCheck;
using FsCheck.Fluent;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Vips;
using HostName = MeshDns.Contracts.Names.HostName;

namespace MeshDns.Actors.Tests.Vips;

/// <summary>What may happen to a ledger.</summary>
public abstract record LedgerStep
{
    /// <summary>One change.</summary>
    public sealed record Change(IReadOnlyList<VipDemand> Demands, IReadOnlyList<RestingVip> Rests) : LedgerStep
    {
        /// <summary>As a command; the ends of rests count from now.</summary>
        public VipCommand At(long now) => new(Demands, now, Rests.Count == 0 ? null : [.. Rests.Select(r => r with { Until = now + r.Until })]);

        public override string ToString() => $"Change rests [{string.Join(' ', Rests)}] " + string.Join("; ", Demands.Select(d => $"{d.Host}{(d.Lease ? "!" : "")}{d.Wish} [{string.Join(' ', d.Claims)}] [{string.Join(' ', d.Exclusions)}]"));
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
        from dice in Gen.Choose(0, 3)
        from rests in Gen.ListOf(Rest, dice == 0 ? 3 : 0)
        select (LedgerStep)new LedgerStep.Change([.. demands.DistinctBy(d => d.Host)], [.. rests.DistinctBy(r => r.Vip)]);

    private int[] Usable { get; } = [.. Range(V4)];

    private Gen<RestingVip> Rest =>
        from index in Gen.Elements(Usable)
        from host in Gen.Choose(-2, Hosts - 1)
        from until in Gen.Choose(-300, 2500)
        from cidr in Gen.Elements(PartialCidrs)
        from dice in Gen.Choose(0, 9)
        select dice == 0 ? new RestingVip(cidr, null, until) : new RestingVip($"240.240.{index >> 8}.{index & 0xFF}", host < 0 ? null : HostName.Parse($"h{host}"), until);

    private string[] PartialCidrs { get; } = [.. Cidrs.Where(c => VipRangeOf(V4).TryCovered(Cidr.Parse(c), out _, out _, out var whole) && !whole)];

    private Gen<VipDemand> Demand =>
        from host in Gen.Choose(0, Hosts - 1)
        from lease in Gen.Elements(true, true, true, false)
        from claims in Some(Claims, 8)
        from cidrs in Some(Cidrs, 14)
        from wish in Gen.Elements(Usable)
        from wishes in Gen.Choose(0, 2)
        select new VipDemand(HostName.Parse($"h{host}"), lease, claims, cidrs, wishes == 0 ? wish : null);

    private static VipRange VipRangeOf(string v4) => new(Cidr.Parse(v4), Cidr.Parse("2001:2::/48"));

    private static IEnumerable<int> Range(string v4)
    {
        var range = VipRangeOf(v4);
        return Enumerable.Range(range.First, range.Last - range.First + 1).Where(range.IsUsable);
    }

    /// <summary>Shorter sequences, and changes of fewer demands.</summary>
    public static IEnumerable<List<LedgerStep>> Shrink(List<LedgerStep> steps)
    {
        for (var size = steps.Count / 2; size >= 1; size /= 2)
            for (var start = 0; start + size <= steps.Count; start += size)
                yield return [.. steps[..start], .. steps[(start + size)..]];
        for (var i = 0; i < steps.Count; i++)
        {
            if (steps[i] is not LedgerStep.Change change) continue;
            if (change.Rests.Count > 0) yield return [.. steps[..i], change with { Rests = [.. change.Rests.Skip(1)] }, .. steps[(i + 1)..]];
            if (change.Demands.Count < 2) continue;
            for (var d = 0; d < change.Demands.Count; d++)
                yield return [.. steps[..i], change with { Demands = [.. change.Demands.Where((_, at) => at != d)] }, .. steps[(i + 1)..]];
        }
    }

    // Mostly none, else one or two: most hosts ask for a VIP and nothing else.
    private static Gen<IReadOnlyList<string>> Some(string[] choices, int rarity) =>
        from dice in Gen.Choose(0, rarity)
        from one in Gen.Elements(choices)
        from two in Gen.Elements(choices)
        select (IReadOnlyList<string>)(dice > 1 ? [] : dice == 0 ? [one] : [.. new[] { one, two }.Distinct().Order(StringComparer.Ordinal)]);
}
