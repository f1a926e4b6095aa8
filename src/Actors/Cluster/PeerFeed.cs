using MeshDns.Actors.Directory;
using MeshDns.Actors.Journal;
using MeshDns.Actors.Runtime;
using MeshDns.Contracts.Messages;

namespace MeshDns.Actors.Cluster;

/// <summary>
/// The change feed of an edge without database access: asks an owner node, which answers when it has something new; when that node goes, it takes another. What
/// it hears of members and owners is this node's map.
/// </summary>
public sealed class PeerFeed : IFeedSource, IClusterMap
{
    private static readonly TimeSpan _hold = TimeSpan.FromSeconds(1);
    // Past the hold: an owner answers from memory. One that says nothing for so long is left for another, so that answers do not grow old.
    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(1);

    private readonly INodeClient _client;
    private readonly MeshOptions _options;
    private readonly TimeProvider _time;
    private readonly Func<EdgeReport> _report;
    private ClusterMap _map = ClusterMap.Empty;
    private string? _from;
    private int _next;

    /// <summary>Makes it.</summary>
    /// <param name="client">The way to others.</param>
    /// <param name="options">The node's settings; <see cref="MeshOptions.Join"/> says where to begin.</param>
    /// <param name="time">The clock.</param>
    /// <param name="report">What the node says of itself.</param>
    public PeerFeed(INodeClient client, MeshOptions options, TimeProvider time, Func<EdgeReport> report)
    {
        _client = client;
        _options = options;
        _time = time;
        _report = report;
        // Not all edges begin with the same owner.
        _next = (int)(Hash(options.Node) % 1024);
    }

    /// <inheritdoc/>
    public event Action? Appended;

    /// <inheritdoc/>
    public ClusterMap Current => Volatile.Read(ref _map);

    /// <summary>The address of the node that it reads from; null while there is none.</summary>
    public string? Source => Volatile.Read(ref _from);

    /// <inheritdoc/>
    public void Refresh()
    {
        // Each answer brings a new map.
    }

    /// <inheritdoc/>
    public async Task<FeedUpdate> ReadAsync(IReadOnlyDictionary<string, StreamPosition> from, CancellationToken cancel)
    {
        var request = new ReadFeed([.. from.Select(p => FeedMessages.Of(p.Key, p.Value))], (int)_hold.TotalMilliseconds, _report());
        var why = "cluster.join names no other node";
        foreach (var address in Candidates())
        {
            var askedAt = _time.GetTimestamp();
            try
            {
                var reply = await _client.AskAsync(address, request, _hold + _deadline, cancel);
                if (reply is FeedReply feed) return Take(address, feed, askedAt);
                why = reply is NodeRefusal refusal ? refusal.Detail : $"{address} answered with a {reply.GetType().Name}";
            }
            catch (MeshUnavailableException e) { why = e.Message; }
        }
        Volatile.Write(ref _from, null);
        throw new JournalUnavailableException("no owner node hands the feed on: " + why);
    }

    private FeedUpdate Take(string address, FeedReply feed, long askedAt)
    {
        Volatile.Write(ref _from, address);
        Volatile.Write(ref _map, ClusterMap.Of(feed.Map));
        // The reply may have been long under way: its age counts from the question, less the time that it was held there on purpose.
        var age = TimeSpan.FromMilliseconds(feed.AgeMs - Math.Min(feed.HeldMs, (long)_time.GetElapsedTime(askedAt).TotalMilliseconds));
        Appended?.Invoke();
        return new FeedUpdate(new FeedRead([.. feed.Streams.Select(FeedMessages.Read)], feed.ReadAt), askedAt, age);
    }

    // The one that answered last, then the live owners, then those that the settings name, where there may be nobody; each once.
    private List<string> Candidates()
    {
        var turn = _next++;
        var live = Current.Members.Where(m => m.IsOwner && m.Address.Length > 0).Select(m => m.Address).Distinct().ToArray();
        var candidates = new List<string>(live.Length + _options.Join.Count + 1);
        if (_from is { } last) candidates.Add(last);
        Add(live);
        Add([.. _options.Join.Except(live)]);
        return candidates;

        void Add(string[] addresses)
        {
            for (var i = 0; i < addresses.Length; i++)
                if (addresses[(i + turn) % addresses.Length] is var address && address != _from) candidates.Add(address);
        }
    }

    private static uint Hash(string text) => text.Aggregate(2166136261u, (hash, c) => (hash ^ c) * 16777619u);
}
