using MeshDns.Actors.Vips;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Names;

namespace MeshDns.Actors.Log;

/// <summary>Rows of buckets as a shard reads them, which sees no others: each names the one before it, and has nothing of another bucket. For rows that the transaction reader has taken.</summary>
internal sealed class BucketRowAudit(Buckets buckets, MeshState begin, Action<string> breach)
{
    private readonly LogPosition[] _last = [.. begin.LastOf];
    private readonly Dictionary<int, int> _ordinals = [];

    public void Take(LogRow row)
    {
        var content = RowCodec.Decode(row);
        if (content is Closing closing)
        {
            if (closing.Facts.Any(f => buckets.Of(f.Fact) is not null)) breach($"the closing row {row.Number} has a fact that belongs to a bucket");
            _ordinals.Clear();
            return;
        }
        if (content is not BucketFacts facts) return;
        var bucket = buckets.Of(row.Tag);
        if (bucket < 0)
        {
            breach($"row {row.Number} has the tag '{row.Tag}', which is no bucket's");
            return;
        }
        if (facts.Before != _last[bucket]) breach($"row {row.Number} says that {row.Tag} had its last row at {facts.Before}, it was {_last[bucket]}");
        foreach (var (ordinal, fact) in facts.Facts)
        {
            if (buckets.Of(fact) is { } own && own != bucket) breach($"row {row.Number} of {row.Tag} has a fact of {buckets.TagOf(own)}");
            if (_ordinals.TryGetValue(bucket, out var before) && ordinal <= before) breach($"row {row.Number} has its facts out of order");
            _ordinals[bucket] = ordinal;
        }
        _last[bucket] = row.Position;
    }
}

/// <summary>Who holds which VIP, by grants and releases alone: it shares nothing with the ledger, so that a mistake there is not made here too.</summary>
internal sealed class HolderWitness(Action<string> breach)
{
    private readonly Dictionary<int, HostName> _byIndex = [];
    private readonly Dictionary<HostName, int> _byHost = [];

    public void Begin(VipLedger ledger)
    {
        foreach (var (index, host, _) in ledger.Leases) Grant(LogPosition.Start, index, host);
    }

    public void Take(Transaction transaction)
    {
        foreach (var fact in transaction.Facts)
        {
            if (fact is VipGranted granted) Grant(transaction.Position, granted.Index, granted.Host);
            else if (fact is VipReleased released && !(_byIndex.Remove(released.Index, out var holder) && holder == released.Host && _byHost.Remove(holder)))
                breach($"{transaction.Position} releases index {released.Index} of {released.Host}, who does not hold it");
        }
    }

    public void CheckEnd(VipLedger ledger)
    {
        foreach (var (index, host, _) in ledger.Leases)
            if (!_byIndex.Remove(index, out var holder) || holder != host) breach($"the ledger leases index {index} to {host}, the facts do not");
        foreach (var (index, host) in _byIndex) breach($"the facts lease index {index} to {host}, the ledger does not");
    }

    private void Grant(LogPosition at, int index, HostName host)
    {
        if (!_byIndex.TryAdd(index, host)) breach($"{at} leases index {index} to {host}, but {_byIndex[index]} holds it");
        if (!_byHost.TryAdd(host, index)) breach($"{at} leases index {index} to {host}, who holds {_byHost[host]}");
    }
}
