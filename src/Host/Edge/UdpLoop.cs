using System.Net;
using System.Net.Sockets;
using MeshDns.Contracts.Dns;

namespace MeshDns.Host.Edge;

/// <summary>
/// One thread, one socket: receive, answer, send, without a hop, a lock or an allocation for whatever is answered at once. The two system calls
/// are in <see cref="UdpSocket"/> alone, so that batched ones can take their place.
/// </summary>
internal sealed class UdpLoop
{
    private const int SampleMask = 255;
    private const int ErrorsBeforePause = 16;
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(10);

    private readonly UdpSocket _socket;
    private readonly EdgeServices _services;
    private readonly DeferredQueries _deferred;
    private readonly QueryCounters _counters;
    private readonly QueryPipeline _pipeline;
    private readonly Thread _thread;
    private readonly ManualResetEventSlim _stopped = new();
    private readonly byte[] _packet = GC.AllocateUninitializedArray<byte>(DnsLimits.MaxMessageSize, pinned: true);
    private readonly byte[] _reply = GC.AllocateUninitializedArray<byte>(DnsLimits.MaxUdpSize, pinned: true);
    private readonly SocketAddress _client;
    private LocalAddress _local;
    private int _errorsInARow;
    private uint _sample;
    private volatile bool _isStopping;

    public UdpLoop(UdpSocket socket, string name, EdgeServices services, DeferredQueries deferred)
    {
        _socket = socket;
        _services = services;
        _deferred = deferred;
        _counters = services.Statistics.NewCounters("udp", isShared: false);
        _pipeline = services.NewPipeline(_counters);
        _client = new SocketAddress(socket.AddressFamily);
        _thread = new Thread(Run) { Name = name, IsBackground = true };
    }

    public void Start() => _thread.Start();

    /// <summary>Receives nothing more; queries that were put off can still be answered through the socket.</summary>
    public void StopReceiving()
    {
        _isStopping = true;
        _stopped.Set();
        _socket.StopReceiving();
        _thread.Join();
    }

    public void Close()
    {
        _socket.Dispose();
        _stopped.Dispose();
    }

    private void Run()
    {
        while (!_isStopping)
        {
            if (!TryReceive(out var length)) continue;
            var isSampled = (_sample++ & SampleMask) == 0;
            var start = isSampled ? _services.Time.GetTimestamp() : 0;
            Answer(_packet.AsSpan(0, length));
            if (isSampled) _counters.Latency.Record(_services.Time.GetElapsedTime(start));
        }
    }

    private void Answer(ReadOnlySpan<byte> packet)
    {
        var address = ClientAddress.Of(_client);
        switch (_pipeline.Handle(packet, address, isTcp: false, _reply, out var length, out var deferral))
        {
            case PipelineOutcome.Reply: Send(_reply.AsSpan(0, length)); break;
            case PipelineOutcome.Defer: _deferred.Post(packet, _client, _local, _socket, deferral); break;
            default: break;
        }
    }

    // False: try again. An empty datagram looks the same as a wake-up for stopping.
    private bool TryReceive(out int length)
    {
        try
        {
            length = _socket.Receive(_packet, _client, out _local);
            _errorsInARow = 0;
            return !_isStopping;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            length = 0;
            if (_isStopping) return false;
            _services.Statistics.CountReceiveError();
            if (++_errorsInARow >= ErrorsBeforePause) _stopped.Wait(_pause);
            return false;
        }
    }

    private void Send(ReadOnlySpan<byte> reply)
    {
        if (!_socket.TrySend(reply, _client, _local)) _services.Statistics.CountSendError();
    }
}
