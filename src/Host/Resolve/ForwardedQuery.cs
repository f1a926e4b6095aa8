using MeshDns.Contracts.Names;

namespace MeshDns.Host.Resolve;

/// <summary>
/// A query handed to <see cref="IUpstream.TryPost"/>. Its owner fills it in, leaves it alone until the sink hears of it, and may then use it again.
/// </summary>
public class ForwardedQuery : IPlaced
{
    /// <summary>Holds the client's query, well formed.</summary>
    public byte[] Packet { get; set; } = [];

    /// <summary>The query's bytes in <see cref="Packet"/>.</summary>
    public int Length { get; set; }

    /// <summary>What was found for it: asked upstream, or a CNAME of ours whose chain leaves the mesh.</summary>
    public Finding Finding { get; set; }

    /// <summary>What the client sees: which CNAME targets are the mesh's to answer.</summary>
    public ClientView View { get; set; }

    /// <summary>To whom its places count.</summary>
    public Party Party { get; set; }

    /// <summary>The most bytes the client takes.</summary>
    public int Limit { get; set; }

    /// <summary>Hears of the reply.</summary>
    public IReplySink? Sink { get; set; }

    /// <summary>The next of those that wait with it.</summary>
    internal ForwardedQuery? Next { get; set; }

    /// <summary>The one before it.</summary>
    internal ForwardedQuery? Previous { get; set; }

    /// <summary>What it waits for, the upstream's own; of no meaning while it does not.</summary>
    internal object? WaitsFor { get; set; }

    /// <summary>What the forwarder keeps of it between two waits; null for nothing.</summary>
    internal object? Notes { get; set; }

    /// <summary>When the forwarder took it.</summary>
    internal long ArrivedAtMs { get; set; }

    /// <inheritdoc/>
    int IPlaced.Place { get; set; }
}

/// <summary>Takes the replies to queries that were posted. Called on the upstream's loop, for all clients in turn: it must not wait.</summary>
public interface IReplySink
{
    /// <summary>A reply. Several may come before <see cref="Flush"/>.</summary>
    /// <param name="query">Its query, now the sink's again.</param>
    /// <param name="reply">A buffer of <see cref="Contracts.Dns.DnsLimits.MaxMessageSize"/> bytes, good during the call.</param>
    /// <param name="length">The reply's bytes in it.</param>
    void Reply(ForwardedQuery query, Span<byte> reply, int length);

    /// <summary>No reply: too many wait. May come on the thread that posts.</summary>
    /// <param name="query">Its query, now the sink's again.</param>
    void Drop(ForwardedQuery query);

    /// <summary>No more replies for now: what was gathered is to leave.</summary>
    void Flush();
}
