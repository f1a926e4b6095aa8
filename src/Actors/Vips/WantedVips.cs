using System.Collections.Immutable;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Vips;

namespace MeshDns.Actors.Vips;

/// <summary>A demand that was checked: canonical texts only, CIDRs sorted by whether they exclude anything.</summary>
/// <param name="Host">The host.</param>
/// <param name="Lease">It should hold an automatic VIP.</param>
/// <param name="Claims">Addresses inside the ranges.</param>
/// <param name="Exclusions">CIDRs that cover part of the pool.</param>
/// <param name="WholeRanges">CIDRs that cover all of it.</param>
/// <param name="Wish">The index that it would like best; null for any.</param>
internal sealed record WantedVips(HostName Host, bool Lease, ImmutableSortedSet<string> Claims, ImmutableSortedSet<string> Exclusions, IReadOnlyList<string> WholeRanges, int? Wish)
{
    private static readonly ImmutableSortedSet<string> _none = ImmutableSortedSet.Create<string>(StringComparer.Ordinal);

    /// <summary>Checks the demands of a change; a refusal when the sender broke the contract of <see cref="VipCommand"/>.</summary>
    public static Refusal? TryRead(VipRange range, IReadOnlyList<VipDemand> demands, out IReadOnlyList<WantedVips> wanted)
    {
        var read = new List<WantedVips>(demands.Count);
        var seen = new HashSet<HostName>(demands.Count);
        wanted = read;
        foreach (var demand in demands)
        {
            if (!seen.Add(demand.Host)) return Invalid($"the change speaks of {demand.Host} twice");
            if (Read(range, demand, read) is { } refusal) return refusal;
        }
        return null;
    }

    private static Refusal? Read(VipRange range, VipDemand demand, List<WantedVips> read)
    {
        var claims = _none;
        foreach (var text in demand.Claims)
        {
            if (!Cidr.TryParseAddress(text, out var address) || !range.Contains(address)) return Invalid($"{demand.Host}: '{text}' is not an address inside the VIP ranges");
            claims = claims.Add(address.ToString());
        }
        var exclusions = _none;
        var whole = new List<string>();
        foreach (var text in demand.Exclusions)
        {
            if (!Cidr.TryParse(text, out var cidr)) return Invalid($"{demand.Host}: '{text}' is not address/prefix");
            if (!range.TryCovered(cidr, out _, out _, out var all)) continue;
            if (all) whole.Add(cidr.ToString());
            else exclusions = exclusions.Add(cidr.ToString());
        }
        if (demand.Wish is { } wish && !range.IsUsable(wish)) return Invalid($"{demand.Host}: the wished index {wish} is not usable");
        read.Add(new WantedVips(demand.Host, demand.Lease, claims, exclusions, whole, demand.Wish));
        return null;
    }

    private static Refusal Invalid(string detail) => new(RefusalReason.Invalid, detail);
}
