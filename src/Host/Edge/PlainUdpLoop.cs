using System.Net;
using System.Net.Sockets;
using MeshDns.Contracts.Dns;
using MeshDns.Host.Net;
using MeshDns.Host.Query;

namespace MeshDns.Host.Edge;

/// <summary>A datagram a system call, by the framework: for systems without recvmmsg. A fifth dearer than <see cref="BatchedUdpLoop"/> (docs/performance.md).</summary>
internal sealed class PlainUdpLoop(UdpSocket socket, string name, EdgeServices services, DeferredQueries deferred) : UdpLoop(socket, name, services, deferred)
{
    private readonly byte[] _packet = GC.AllocateUninitializedArray<byte>(DnsLimits.MaxMessageSize, pinned: true);
    private readonly byte[] _reply = GC.AllocateUninitializedArray<byte>(DnsLimits.MaxUdpSize, pinned: true);
    private readonly SocketAddress _client = new(socket.AddressFamily);
    private LocalAddress _local;
    private int _length;

    protected override int Receive()
    {
        try
        {
            _length = Socket.Receive(_packet, _client, out _local);
            // An empty datagram looks the same as a wake-up for stopping.
            return IsStopping ? 0 : 1;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return -1;
        }
    }

    protected override void AnswerAll(int count)
    {
        CountReceived(1);
        var packet = _packet.AsSpan(0, _length);
        var context = new QueryContext(packet, Pipeline.HashOf(packet), ClientAddress.Of(_client), Transport.Udp, _reply);
        switch (Pipeline.Handle(ref context))
        {
            case PipelineOutcome.Reply:
                if (!Socket.TrySend(_reply.AsSpan(0, context.Length), _client, _local)) CountSendErrors(1);
                break;
            case PipelineOutcome.Defer:
                if (Deferred.Take(packet, _client.Buffer.Span[.._client.Size], _local, Socket, context.Deferral) is { } query) Upstream.Post([query]);
                break;
            default:
                break;
        }
    }
}
