using MeshDns.Actors.Runtime;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Services;
using MeshDns.Contracts.Vips;

namespace MeshDns.Actors.Cluster;

/// <summary>
/// Finds the owner of everything, on whatever node it lives: a request for a stream of this node is handled here, any other goes to its owner. Each ask has a
/// deadline; an owner that is not where it was thought to be is an <see cref="OwnerAwayException"/>, and the map is read anew.
/// </summary>
public sealed class ShardRegion
{
    private readonly ActorSystem _system;
    private readonly string _node;
    private readonly string _version;
    private readonly int _shards;
    private readonly VipRange _range;
    private readonly LocalStreams _local;
    private readonly IClusterMap _map;
    private readonly INodeServer _self;
    private readonly INodeClient _client;

    /// <summary>Makes the region as this node sees it.</summary>
    /// <param name="system">What it runs on.</param>
    /// <param name="options">The node's settings.</param>
    /// <param name="local">This node's own streams; what it owns it finds without the map.</param>
    /// <param name="map">Who owns what.</param>
    /// <param name="self">What answers for this node's own streams.</param>
    /// <param name="client">The way to others.</param>
    public ShardRegion(ActorSystem system, MeshOptions options, LocalStreams local, IClusterMap map, INodeServer self, INodeClient client)
    {
        _system = system;
        _node = options.Node;
        _version = options.Version;
        _shards = options.Shards;
        _range = options.Range;
        _local = local;
        _map = map;
        _self = self;
        _client = client;
    }

    /// <summary>The number of shards.</summary>
    public int Count => _shards;

    /// <summary>The ranges that VIPs come from.</summary>
    public VipRange Range => _range;

    /// <summary>The stream of a document.</summary>
    public string StreamOf(DocumentKey key) => Streams.Shard(Streams.ShardOf(key, _shards), _shards);

    /// <summary>The stream of a host.</summary>
    public string StreamOf(HostName host) => Streams.Shard(Streams.ShardOf(host, _shards), _shards);

    /// <summary>The node that owns a stream, as far as this node knows.</summary>
    /// <exception cref="OwnerAwayException">None is known.</exception>
    public string OwnerOf(string stream) => _local.ByStream.TryGetValue(stream, out var mine) && mine.IsOwner() ? _node : (_map.Current.OwnerOf(stream) ?? throw Moved($"{stream} has no owner just now")).Node.Node;

    /// <summary>Splits what is asked of streams into what is asked of nodes, keeping the order.</summary>
    /// <exception cref="OwnerAwayException">A stream has no owner.</exception>
    public IReadOnlyList<(string Node, List<T> Items)> ByNode<T>(IEnumerable<T> items, Func<T, string> streamOf)
    {
        var byNode = new List<(string Node, List<T> Items)>();
        foreach (var group in items.GroupBy(item => OwnerOf(streamOf(item)))) byNode.Add((group.Key, [.. group]));
        return byNode;
    }

    /// <summary>Documents by key; those that are not there are left out.</summary>
    /// <param name="keys">Which.</param>
    /// <param name="isConfirmed">True to have the owners ask the journal first whether they still are, and have all of it.</param>
    /// <param name="deadline">For each owner.</param>
    /// <param name="cancel">Gives up.</param>
    /// <exception cref="MeshUnavailableException">An owner did not answer.</exception>
    public async Task<IReadOnlyDictionary<DocumentKey, StoredDocument>> DocumentsAsync(IReadOnlyList<DocumentKey> keys, bool isConfirmed, TimeSpan deadline, CancellationToken cancel)
    {
        var asked = ByNode(keys.Distinct(), StreamOf).Select(n => AskAsync<DocumentList>(n.Node, new ReadDocuments(n.Items, isConfirmed), deadline, cancel));
        return (await Task.WhenAll(asked)).SelectMany(d => d.Documents).ToDictionary(d => d.Document.Key);
    }

    /// <summary>The VIPs that hosts lease or had last.</summary>
    /// <exception cref="MeshUnavailableException">The allocator did not answer.</exception>
    public async Task<IReadOnlyList<VipRecord>> VipsOfAsync(IReadOnlyList<HostName> hosts, TimeSpan deadline, CancellationToken cancel) =>
        (await AskOwnerAsync<VipList>(Streams.Vips, new ReadHostVips(hosts), deadline, cancel)).Vips;

    /// <summary>Asks the owner of a stream.</summary>
    public Task<TReply> AskOwnerAsync<TReply>(string stream, NodeRequest request, TimeSpan deadline, CancellationToken cancel) where TReply : NodeReply =>
        AskAsync<TReply>(OwnerOf(stream), request, deadline, cancel);

    /// <summary>Asks a node by name.</summary>
    /// <exception cref="OwnerAwayException">It is not there, or does not own what was asked.</exception>
    /// <exception cref="MeshUnavailableException">It cannot do it now.</exception>
    public async Task<TReply> AskAsync<TReply>(string node, NodeRequest request, TimeSpan deadline, CancellationToken cancel) where TReply : NodeReply
    {
        var reply = node == _node ? await _self.HandleAsync(request, cancel) : await AskRemoteAsync(node, request, deadline, cancel);
        return reply switch
        {
            TReply expected => expected,
            NodeRefusal { Fault: NodeFault.NotOwner } refusal => throw Moved(refusal.Detail),
            NodeRefusal refusal when node == _node => throw new MeshUnavailableException(refusal.Detail),
            NodeRefusal refusal => throw new OwnerAwayException(refusal.Detail),
            _ => throw new MeshUnavailableException($"{node} answered a {request.GetType().Name} with a {reply.GetType().Name}"),
        };
    }

    /// <summary>
    /// Prepares a batch in shards. Without waiting for other batches it asks all owners at once; where it waits, or where an owner of another version might, they are asked in
    /// the order given and the first that refuses a change ends it. Neighbours with one owner go in one message.
    /// </summary>
    /// <exception cref="MeshUnavailableException">An owner did not answer; some may hold the batch.</exception>
    public async Task<IReadOnlyList<Prepared<ShardReply>>> PrepareAsync(Guid batch, TimeSpan hold, IReadOnlyList<ShardWork> works, bool noWait, TimeSpan deadline)
    {
        var owners = ByNode(works, w => w.Stream);
        if (noWait && owners.All(o => o.Node == _node || _map.Current.Member(o.Node)?.Version == _version))
            return [.. (await Task.WhenAll(owners.Select(o => PrepareAtAsync(o.Node, batch, hold, o.Items, noWait, deadline)))).SelectMany(p => p)];
        var prepared = new List<Prepared<ShardReply>>(works.Count);
        for (var i = 0; i < works.Count;)
        {
            var owner = OwnerOf(works[i].Stream);
            var run = works.Skip(i).TakeWhile((w, n) => n == 0 || OwnerOf(w.Stream) == owner).ToArray();
            i += run.Length;
            var replies = await PrepareAtAsync(owner, batch, hold, run, noWait: false, deadline);
            prepared.AddRange(replies);
            if (replies.Count < run.Length || replies.Any(r => r.Append is null)) break;
        }
        return prepared;
    }

    /// <summary>Prepares a batch in the allocator.</summary>
    /// <exception cref="MeshUnavailableException">It did not answer; it may hold the batch.</exception>
    public async Task<Prepared<VipReply>> PrepareAsync(Guid batch, TimeSpan hold, IReadOnlyList<VipPart> parts, TimeSpan deadline)
    {
        var owner = OwnerOf(Streams.Vips);
        return owner == _node
            ? await _local.Allocator.PrepareAsync(batch, [.. parts.Select(p => new ChangeCommand<VipCommand>(p.Change, p.Command))], hold, deadline, CancellationToken.None)
            : PreparedMessages.Read(await AskAsync<VipsPrepared>(owner, new PrepareVips(batch, (int)hold.TotalMilliseconds, parts), deadline, CancellationToken.None));
    }

    // Here nothing is written out and read back.
    private async Task<IReadOnlyList<Prepared<ShardReply>>> PrepareAtAsync(string node, Guid batch, TimeSpan hold, IReadOnlyList<ShardWork> works, bool noWait, TimeSpan deadline) => node == _node
        ? await _local.PrepareAsync(batch, hold, works, noWait, deadline, CancellationToken.None)
        : [.. (await AskAsync<ShardsPrepared>(node, new PrepareShards(batch, (int)hold.TotalMilliseconds, works, noWait), deadline, CancellationToken.None)).Shards.Select(PreparedMessages.Read)];

    /// <summary>Tells a node something, twice more if it does not answer; never throws. What it is told it would find out by itself, later.</summary>
    public async Task TellAsync(string node, NodeRequest request)
    {
        for (var attempt = 0; attempt < 3; attempt++)
        {
            try
            {
                await AskAsync<NodeReply>(node, request, TimeSpan.FromSeconds(1), CancellationToken.None);
                return;
            }
            catch (MeshUnavailableException) { await Task.Delay(_system.BackOff(attempt), _system.Time); }
        }
    }

    private async Task<NodeReply> AskRemoteAsync(string node, NodeRequest request, TimeSpan deadline, CancellationToken cancel)
    {
        var member = _map.Current.Member(node) ?? throw Moved($"{node} is not a live member");
        try { return await _client.AskAsync(member.Address, request, deadline, cancel); }
        catch (MeshUnavailableException e)
        {
            _map.Refresh();
            throw new OwnerAwayException(e.Message, e);
        }
    }

    private OwnerAwayException Moved(string why)
    {
        _map.Refresh();
        return new OwnerAwayException(why);
    }
}
