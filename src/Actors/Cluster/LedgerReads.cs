using MeshDns.Actors.Vips;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Vips;

namespace MeshDns.Actors.Cluster;

/// <summary>What the ledger that every owner's follower folds says of addresses, at a time.</summary>
internal sealed class LedgerReads(VipLedger ledger, VipRange range, long now)
{
    /// <summary>The VIP that a host leases, or rested last; null for neither.</summary>
    public VipRecord? VipOf(HostName host)
    {
        if (ledger.TryGetLease(host, out var held)) return ledger.Record(held, now);
        return ledger.Pool.TryGetFormer(host, IndexSet.None, out var last) && ledger.Record(last, now) is { State: VipState.Quarantined } resting ? resting : null;
    }

    /// <summary>A VIP by its index; null for one that is not usable.</summary>
    public VipRecord? Vip(int index) => range.IsUsable(index) ? ledger.Record(index, now) : null;

    /// <summary>A page of the VIPs that are not free.</summary>
    public Page<VipRecord> Vips(PageRequest page)
    {
        // In order already.
        var used = ledger.Records(now).Where(r => r.State != VipState.Free);
        if (page.After is { } after) used = used.Where(r => string.CompareOrdinal(Pages.KeyOf(r), after) > 0);
        if (page.Query is { } query) used = used.Where(r => r.Hosts.Any(h => h.Text.Contains(query, StringComparison.OrdinalIgnoreCase)));
        var (items, next) = Pages.Cut([.. used.Take(page.Limit + 1)], Pages.KeyOf, page);
        return new Page<VipRecord>(items, next);
    }

    /// <summary>A page of what rests.</summary>
    public Page<RestingVip> Rests(PageRequest page)
    {
        var (items, next) = Pages.Cut(Pages.Of(ledger.Rests(now), r => Pages.KeyOf(r, range), page), r => Pages.KeyOf(r, range), page);
        return new Page<RestingVip>(items, next);
    }

    /// <summary>How full the pool is.</summary>
    public VipUsage Usage() => ledger.Usage(now);
}
