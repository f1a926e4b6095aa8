using MeshDns.Actors.Directory;
using MeshDns.Actors.Log;
using MeshDns.Actors.Protocol;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Names;

namespace MeshDns.Actors.Cluster;

/// <summary>How an owner finds out what is declared of names: it asks their shards.</summary>
internal static class ShardInquiry
{
    /// <summary>What is declared, as facts for a directory; null when a shard has not answered, or could not look at the log's end.</summary>
    public static async Task<IReadOnlyList<FeedFact>?> AskAsync(MeshLife? life, Buckets buckets, IReadOnlyList<HostName> names)
    {
        if (life is null) return null;
        var asked = names.GroupBy(buckets.Of).Select(g => life.AskAsync(new FindHosts(0, (int)OwnerInquiry.Deadline.TotalMilliseconds, buckets.TagOf(g.Key), [.. g])));
        var facts = new List<FeedFact>();
        foreach (var answer in await Task.WhenAll(asked))
        {
            if (answer is not FoundHosts { IsConfirmed: true } found) return null;
            foreach (var host in found.Hosts)
            {
                facts.AddRange(host.Declarations.Select(d => new FeedFact("", new HostDeclared(host.Host, d))));
                if (host.Lease is { } index && host.Declarations.Any(d => d.Eligible)) facts.Add(new FeedFact("", new VipGranted(index, host.Host) { At = 0 }));
            }
        }
        return facts;
    }
}
