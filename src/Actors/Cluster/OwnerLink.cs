using MeshDns.Contracts.Messages;

namespace MeshDns.Actors.Cluster;

/// <summary>Asks other nodes. The Host's goes over HTTP/2; a simulation's through a simulated network.</summary>
public interface INodeClient
{
    /// <summary>Asks the node at an address.</summary>
    /// <param name="address"><c>host:port</c>, as the member table has it.</param>
    /// <param name="request">What is asked.</param>
    /// <param name="deadline">At most so long.</param>
    /// <param name="cancel">Ends it early.</param>
    /// <exception cref="MeshUnavailableException">No answer within the deadline; what was asked may have been done.</exception>
    Task<NodeReply> AskAsync(string address, NodeRequest request, TimeSpan deadline, CancellationToken cancel);
}

/// <summary>The way of an edge without a database to the owners: which of them there are, which is asked first, and the next when one does not answer. Safe for all threads.</summary>
internal sealed class OwnerLink
{
    private readonly INodeClient _client;
    private readonly TimeProvider _time;
    private readonly IReadOnlyList<string> _join;
    private string[] _feeds = [];
    private string? _current;
    private int _turn;

    /// <summary>Makes it.</summary>
    /// <param name="client">The way to the owners' feeds.</param>
    /// <param name="options">The node's settings; <see cref="MeshOptions.Join"/> says where to begin.</param>
    /// <param name="time">The clock.</param>
    public OwnerLink(INodeClient client, MeshOptions options, TimeProvider time)
    {
        _client = client;
        _time = time;
        _join = options.Join;
        // Not all edges begin with the same owner.
        _turn = (int)(Hash(options.Node) % 1024);
    }

    /// <summary>Notes who answered the feed and is to be asked first again, null for whoever has his turn; and whom the answer names.</summary>
    public void Learn(string? address, IReadOnlyList<string> feeds)
    {
        Volatile.Write(ref _current, address);
        Volatile.Write(ref _feeds, [.. feeds.Where(f => f.Length > 0).Distinct()]);
    }

    /// <summary>Nobody answered.</summary>
    public void Lose() => Volatile.Write(ref _current, null);

    /// <summary>Whom to ask: the one whose feed answered last, then the living owners, then those that the settings name, where there may be nobody; each once.</summary>
    public IReadOnlyList<string> Candidates()
    {
        // Far below the largest number, as an index is added to it.
        var turn = Interlocked.Increment(ref _turn) & 0xffffff;
        var (current, feeds) = (Volatile.Read(ref _current), Volatile.Read(ref _feeds));
        string[] others = [.. _join.Distinct().Except(feeds)];
        var candidates = new List<string>(feeds.Length + others.Length + 1);
        if (current is not null) candidates.Add(current);
        Add(feeds);
        Add(others);
        return candidates;

        void Add(string[] addresses)
        {
            for (var i = 0; i < addresses.Length; i++)
                if (addresses[(i + turn) % addresses.Length] is var address && address != current) candidates.Add(address);
        }
    }

    /// <summary>Asks one owner.</summary>
    /// <exception cref="NotSentException">It did not get there.</exception>
    /// <exception cref="MeshUnavailableException">No answer in time.</exception>
    public Task<NodeReply> AskAsync(string address, NodeRequest request, TimeSpan deadline, CancellationToken cancel) => _client.AskAsync(address, request, deadline, cancel);

    /// <summary>Asks one owner after the other what changes nothing, until one answers.</summary>
    /// <param name="request">What is asked.</param>
    /// <param name="each">How long one has.</param>
    /// <param name="deadline">How long all have.</param>
    /// <param name="cancel">Gives up.</param>
    /// <exception cref="MeshUnavailableException">None answered.</exception>
    public async Task<TReply> ReadAsync<TReply>(NodeRequest request, TimeSpan each, TimeSpan deadline, CancellationToken cancel) where TReply : NodeReply
    {
        var begin = _time.GetTimestamp();
        var why = "cluster.join names no owner";
        foreach (var address in Candidates())
        {
            var left = deadline - _time.GetElapsedTime(begin);
            if (left <= TimeSpan.Zero) break;
            try
            {
                var reply = await AskAsync(address, request, left < each ? left : each, cancel);
                if (reply is TReply found) return found;
                why = WhyNot(address, reply);
            }
            catch (MeshUnavailableException e) { why = e.Message; }
        }
        throw new MeshUnavailableException("no owner answers: " + why);
    }

    /// <summary>What a reply that is not the one that was asked for says.</summary>
    public static string WhyNot(string address, NodeReply reply) => reply is NodeRefusal refusal ? refusal.Detail : $"{address} answered with a {reply.GetType().Name}";

    private static uint Hash(string text) => text.Aggregate(2166136261u, (hash, c) => (hash ^ c) * 16777619u);
}
