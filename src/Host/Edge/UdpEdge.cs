using System.Net;
using System.Net.Sockets;
using MeshDns.Host.Telemetry;

namespace MeshDns.Host.Edge;

/// <summary>The UDP side of one listen address: several loops whose sockets share the port, so that the system spreads clients over them.</summary>
internal sealed class UdpEdge
{
    private const int SolSocket = 1;
    private const int SoReusePort = 15;
    private readonly UdpLoop[] _loops;

    private UdpEdge(IPEndPoint endpoint, UdpLoop[] loops)
    {
        Endpoint = endpoint;
        _loops = loops;
    }

    /// <summary>The address with the real port.</summary>
    public IPEndPoint Endpoint { get; }

    /// <summary>Whether its loops turn.</summary>
    public IEnumerable<LoopBeat> Beats => _loops.Select(loop => loop.Beat);

    /// <summary>Binds all sockets; nothing is received before <see cref="Start"/>.</summary>
    /// <exception cref="SocketException">The address cannot be bound.</exception>
    public static UdpEdge Open(ListenAddress listen, EdgeServices services, DeferredQueries deferred)
    {
        var endpoint = Probe(listen);
        listen = listen with { Endpoint = endpoint };
        var sockets = new List<UdpSocket>();
        try
        {
            for (var i = 0; i < services.Options.UdpLoops; i++) sockets.Add(Bind(listen, services.Options.ReceiveBufferBytes));
        }
        catch
        {
            foreach (var socket in sockets) socket.Dispose();
            throw;
        }
        return new UdpEdge(endpoint, [.. sockets.Select((socket, i) => UdpLoop.Over(socket, $"udp {endpoint} {i}", services, deferred))]);
    }

    public void Start()
    {
        foreach (var loop in _loops) loop.Start();
    }

    public void StopReceiving()
    {
        foreach (var loop in _loops) loop.StopReceiving();
    }

    public void Close()
    {
        foreach (var loop in _loops) loop.Close();
    }

    // A socket that shares its port can be bound beside those of another process of the same user, which would then get half of the queries. One
    // that does not share cannot; so it asks first whether the address is free, and which port 0 becomes.
    private static IPEndPoint Probe(ListenAddress listen)
    {
        using var probe = listen.NewSocket(SocketType.Dgram, ProtocolType.Udp);
        probe.Bind(listen.Endpoint);
        return (IPEndPoint)probe.LocalEndPoint!;
    }

    private static UdpSocket Bind(ListenAddress listen, int receiveBufferBytes)
    {
        var socket = listen.NewSocket(SocketType.Dgram, ProtocolType.Udp);
        try
        {
            if (OperatingSystem.IsLinux()) socket.SetRawSocketOption(SolSocket, SoReusePort, BitConverter.GetBytes(1));
            socket.ReceiveBufferSize = receiveBufferBytes;
            socket.Bind(listen.Endpoint);
            return new UdpSocket(socket);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
