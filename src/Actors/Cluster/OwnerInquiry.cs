using MeshDns.Actors.Log;
using MeshDns.Actors.Protocol;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Names;

namespace MeshDns.Actors.Cluster;

/// <summary>
/// Asks whoever knows for a name that this node's directory does not know while the directory is stale. Identical questions share one; bounded in number and in time. A "no" counts only after a look at the
/// log's end.
/// </summary>
/// <param name="time">The clock.</param>
/// <param name="askAsync">Asks; null, or <see cref="MeshUnavailableException"/>, when nobody who knows has answered.</param>
internal sealed class OwnerInquiry(TimeProvider time, Func<IReadOnlyList<HostName>, Task<IReadOnlyList<MeshEvent>?>> askAsync)
{
    /// <summary>How long owners have to answer.</summary>
    public static readonly TimeSpan Deadline = TimeSpan.FromMilliseconds(200);

    private const int MostUnderWay = 64;

    private readonly Lock _gate = new();
    private readonly Dictionary<HostName, Task<IReadOnlyList<MeshEvent>?>> _underWay = [];

    /// <summary>What is declared of the names, as facts for a directory; empty when none is declared, null when nobody who knows has answered in time.</summary>
    /// <param name="names">The name that was asked, and the wildcards that would match it.</param>
    public Task<IReadOnlyList<MeshEvent>?> FindAsync(IReadOnlyList<HostName> names)
    {
        lock (_gate)
        {
            if (_underWay.TryGetValue(names[0], out var same)) return same;
            if (_underWay.Count >= MostUnderWay) return Task.FromResult<IReadOnlyList<MeshEvent>?>(null);
            var inquiry = AskInTimeAsync(names);
            if (!inquiry.IsCompleted) _underWay.Add(names[0], inquiry);
            return inquiry;
        }
    }

    private async Task<IReadOnlyList<MeshEvent>?> AskInTimeAsync(IReadOnlyList<HostName> names)
    {
        // Not finished before it is entered among those under way.
        await Task.Yield();
        try { return await askAsync(names).WaitAsync(Deadline, time); }
        catch (Exception e) when (e is MeshUnavailableException or TimeoutException) { return null; }
        finally { lock (_gate) _underWay.Remove(names[0]); }
    }
}

/// <summary>How an owner finds out what is declared of names: it asks their shards.</summary>
internal static class ShardInquiry
{
    /// <summary>What is declared, as facts for a directory; null when a shard has not answered, or could not look at the log's end.</summary>
    public static async Task<IReadOnlyList<MeshEvent>?> AskAsync(MeshLife? life, Buckets buckets, IReadOnlyList<HostName> names)
    {
        if (life is null) return null;
        var asked = names.GroupBy(buckets.Of).Select(g => life.AskAsync(new FindHosts(0, (int)OwnerInquiry.Deadline.TotalMilliseconds, buckets.TagOf(g.Key), [.. g])));
        var facts = new List<MeshEvent>();
        foreach (var answer in await Task.WhenAll(asked))
        {
            if (answer is not FoundHosts { IsConfirmed: true } found) return null;
            foreach (var host in found.Hosts)
            {
                facts.AddRange(host.Declarations.Select(d => new HostDeclared(host.Host, d)));
                if (host.Lease is { } index && host.Declarations.Any(d => d.Eligible)) facts.Add(new VipGranted(index, host.Host) { At = 0 });
            }
        }
        return facts;
    }
}
