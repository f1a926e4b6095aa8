using MeshDns.Contracts.Dns;
using MeshDns.Host.Resolve;

namespace MeshDns.Host.Upstream.Flights;

/// <summary>
/// A query of somebody who awaits it, such as a TCP connection. Its reply comes in an array of its own, since they may have given up, and their buffer with it,
/// when it comes.
/// </summary>
internal sealed class AwaitedQuery : ForwardedQuery
{
    private readonly TaskCompletionSource<byte[]> _end = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Ends with the reply; empty when not even an error fits. Never faults.</summary>
    public Task<byte[]> Task => _end.Task;

    /// <summary>Ends the wait.</summary>
    public void End(byte[] reply) => _end.TrySetResult(reply);

    /// <summary>Ends it with SERVFAIL. Any thread.</summary>
    public void Fail(EdeCode reason)
    {
        var reply = new byte[Math.Min(Limit, DnsLimits.MinUdpSize)];
        ErrorReply.TryWrite(Packet.AsSpan(0, Length), Rcode.ServFail, reply, out int length, reason);
        End(reply[..length]);
    }
}
