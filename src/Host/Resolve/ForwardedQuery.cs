using MeshDns.Contracts.Names;

namespace MeshDns.Host.Resolve;

/// <summary>A query handed to <see cref="IUpstream.Post"/>. Its owner fills it in, leaves it alone until it hears of it, and may then use it again.</summary>
public abstract class ForwardedQuery : IPlaced
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

    /// <summary>With which its reply leaves; null where <see cref="OnReply"/> is all there is to do.</summary>
    public virtual IReplyBatch? Batch => null;

    /// <summary>The reply. Called on the upstream's loop, for all clients in turn: it must not wait. The query is its owner's again.</summary>
    /// <param name="reply">A buffer of <see cref="Contracts.Dns.DnsLimits.MaxMessageSize"/> bytes, good during the call.</param>
    /// <param name="length">The reply's bytes in it.</param>
    public abstract void OnReply(Span<byte> reply, int length);

    /// <summary>No reply: too many wait. May come on the thread that posts. The query is its owner's again.</summary>
    public abstract void OnDrop();

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

/// <summary>Replies that leave together. Called on the upstream's loop.</summary>
public interface IReplyBatch
{
    /// <summary>No more replies for now: what was gathered is to leave.</summary>
    void Flush();
}
