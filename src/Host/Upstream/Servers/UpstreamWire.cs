namespace MeshDns.Host.Upstream.Servers;

/// <summary>
/// How the upstream loop waits, receives and sends: for all its sockets together. For the loop's thread, but for <see cref="Wake"/>. Queries are
/// gathered by <see cref="Enqueue"/> and leave with <see cref="Send"/>.
/// </summary>
internal abstract class UpstreamWire : IDisposable
{
    /// <summary>The most bytes of a query: a name of 255 and eight loop marks leave room.</summary>
    public const int MaxQuerySize = 512;

    /// <summary>The most bytes of a reply that is taken by UDP. We offer 1,232; one that is longer is asked for again over TCP.</summary>
    public const int MaxReplySize = 4096;

    /// <summary>Where the next query is to be written: <see cref="MaxQuerySize"/> bytes.</summary>
    public abstract Span<byte> NextQuery { get; }

    /// <summary>Begins to listen to a port. False when the system refuses.</summary>
    public abstract bool TryAdd(WireSocket port);

    /// <summary>Ends it; before the port's socket is closed.</summary>
    public abstract void Remove(WireSocket port);

    /// <summary>Waits, without limit, until a port has something to say or somebody calls <see cref="Wake"/>. Returns the ports.</summary>
    public abstract ReadOnlySpan<WireSocket?> Wait();

    /// <summary>Ends a <see cref="Wait"/>, the present one or the next. Any thread.</summary>
    public abstract void Wake();

    /// <summary>Takes what came to a port; returns how many datagrams, or -1 for an error, which the system reports once.</summary>
    public abstract int Receive(WireSocket port);

    /// <summary>A received datagram.</summary>
    /// <param name="index">Which.</param>
    /// <param name="isCut">True when it was longer than <see cref="MaxReplySize"/>.</param>
    public abstract ReadOnlySpan<byte> Datagram(int index, out bool isCut);

    /// <summary>Takes what was written to <see cref="NextQuery"/>, to be sent from a port.</summary>
    public abstract void Enqueue(WireSocket port, int length);

    /// <summary>Sends what was taken. A port that the system reports an error for is among the <see cref="Failed"/> then.</summary>
    public abstract void Send();

    /// <summary>Queries taken and not sent.</summary>
    public abstract int Unsent { get; }

    /// <summary>Ports that could not send, for the loop to tell and to clear.</summary>
    public List<WireSocket> Failed { get; } = [];

    public abstract void Dispose();
}
