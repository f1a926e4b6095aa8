using MeshDns.Actors.Directory;
using MeshDns.Actors.Runtime;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;

namespace MeshDns.Actors.Cluster;

/// <summary>
/// Asks the owners for a name that this node's directory does not know while the directory is stale. Identical questions share one; bounded in number
/// and in time. An owner's "no" counts only after it has looked in the journal whether it still is the owner.
/// </summary>
public sealed class OwnerInquiry(ActorSystem system, ShardRegion region)
{
    /// <summary>How long the owners have to answer.</summary>
    public static readonly TimeSpan Deadline = TimeSpan.FromMilliseconds(200);

    private const int MaxUnderWay = 64;

    private readonly Lock _gate = new();
    private readonly Dictionary<HostName, Task<IReadOnlyList<FeedFact>?>> _underWay = [];

    /// <summary>What is declared of the names, as facts for a directory; empty when none is declared, null when nobody who knows has answered in time.</summary>
    /// <param name="names">The name that was asked, and the wildcards that would match it.</param>
    public Task<IReadOnlyList<FeedFact>?> FindAsync(IReadOnlyList<HostName> names)
    {
        lock (_gate)
        {
            if (_underWay.TryGetValue(names[0], out var same)) return same;
            if (_underWay.Count >= MaxUnderWay) return Task.FromResult<IReadOnlyList<FeedFact>?>(null);
            var inquiry = AskInTimeAsync(names);
            if (!inquiry.IsCompleted) _underWay.Add(names[0], inquiry);
            return inquiry;
        }
    }

    private async Task<IReadOnlyList<FeedFact>?> AskInTimeAsync(IReadOnlyList<HostName> names)
    {
        // Not finished before it is entered among those under way.
        await Task.Yield();
        try { return await AskAsync(names).WithinAsync(Deadline, system.Time); }
        catch (Exception e) when (e is MeshUnavailableException or TimeoutException) { return null; }
        finally { lock (_gate) _underWay.Remove(names[0]); }
    }

    private async Task<IReadOnlyList<FeedFact>?> AskAsync(IReadOnlyList<HostName> names)
    {
        var asked = region.ByNode(names, region.StreamOf).Select(n => region.AskAsync<HostFactList>(n.Node, new ReadHosts(n.Items, Confirm: true), Deadline, CancellationToken.None));
        var found = (await Task.WhenAll(asked)).SelectMany(f => f.Hosts).ToArray();
        var facts = found.SelectMany(h => h.Declarations.Select(d => new FeedFact(h.Stream, new HostDeclared(h.Host, d)))).ToList();
        HostName[] eligible = [.. found.Where(h => h.Declarations.Any(d => d.Eligible)).Select(h => h.Host)];
        if (eligible.Length == 0) return facts;
        var vips = await region.AskOwnerAsync<VipList>(Streams.Vips, new ReadHostVips(eligible, Confirm: true), Deadline, CancellationToken.None);
        facts.AddRange(vips.Vips.Where(v => v.State == VipState.Leased).Select(v => new FeedFact(Streams.Vips, new VipGranted(v.Index, v.Hosts[0]) { At = v.Since })));
        return facts;
    }
}
