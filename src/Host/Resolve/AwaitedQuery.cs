using MeshDns.Contracts.Dns;
using MeshDns.Contracts.Names;

namespace MeshDns.Host.Resolve;

/// <summary>
/// A query of somebody who awaits it, such as a TCP connection. Its reply comes in an array of its own, since they may have given up, and their buffer with it,
/// when it comes.
/// </summary>
internal sealed class AwaitedQuery : ForwardedQuery
{
    private readonly TaskCompletionSource<byte[]> _end = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Ends with the reply; empty when not even an error fits. Never faults.</summary>
    public Task<byte[]> Task => _end.Task;

    /// <inheritdoc/>
    public override void OnReply(Span<byte> reply, int length) => _end.TrySetResult(reply[..length].ToArray());

    /// <summary>Ends it with SERVFAIL.</summary>
    public override void OnDrop()
    {
        var reply = new byte[Math.Min(Limit, DnsLimits.MinUdpSize)];
        ErrorReply.TryWrite(Packet.AsSpan(0, Length), Rcode.ServFail, reply, out int length, EdeCode.Other);
        OnReply(reply, length);
    }
}

/// <summary>Asking the upstream for somebody who awaits the reply.</summary>
internal static class UpstreamExtensions
{
    /// <summary>Forwards the query and writes a complete reply: its id and question echoed, OPT, sized to <paramref name="limit"/> with TC.</summary>
    /// <param name="upstream">The upstream.</param>
    /// <param name="packet">The client's query, well formed.</param>
    /// <param name="finding">What was found for it: asked upstream, or a CNAME of ours whose chain leaves the mesh.</param>
    /// <param name="view">What the client sees: which CNAME targets are the mesh's to answer.</param>
    /// <param name="party">To whom its places count.</param>
    /// <param name="reply">Takes the reply.</param>
    /// <param name="limit">The most bytes the client takes.</param>
    /// <param name="cancel">Gives up.</param>
    /// <returns>The reply's length in bytes.</returns>
    public static async ValueTask<int> ForwardAsync(
        this IUpstream upstream, ReadOnlyMemory<byte> packet, Finding finding, ClientView view, Party party, Memory<byte> reply, int limit, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        var query = new AwaitedQuery
        {
            Packet = packet.ToArray(),
            Length = packet.Length,
            Finding = finding,
            View = view,
            Party = party,
            Limit = Math.Min(limit, reply.Length),
        };
        upstream.Post([query]);
        byte[] message = await query.Task.WaitAsync(cancel);
        message.CopyTo(reply);
        return message.Length;
    }
}
