using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Names;
using MeshDns.Host.Edge;
using MeshDns.Host.Resolve;
using MeshDns.Host.Tests.Resolve;
using static MeshDns.Tests.Shared.DirectoryFacts;

namespace MeshDns.Host.Tests.Edge;

/// <summary>A real edge on a port of the loopback, and clients with plain sockets.</summary>
public sealed class EdgeBench : IAsyncDisposable
{
    private static readonly TimeSpan _bound = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan _stopBound = TimeSpan.FromSeconds(5);
    private bool _isStopped;

    public EdgeBench(EdgeOptions? options = null, params MeshEvent[] facts)
    {
        Bench.Apply([Declare("a.example", ["10.0.0.1"]), .. facts]);
        Server = EdgeServer.Start([new IPEndPoint(IPAddress.Loopback, 0)], options ?? new EdgeOptions { UdpLoops = 2 }, Bench.Resolver, Bench.Answers, Bench.Upstream, Bench.Time);
    }

    private EdgeBench(EdgeOptions options, OwnersThatWait owners)
    {
        Bench = new QueryBench(new MeshResolverOptions { AskOwners = true });
        Bench.Apply([Declare("a.example", ["10.0.0.1"])]);
        Bench.Time.Advance(MeshResolver.StaleAfter + TimeSpan.FromMilliseconds(1));
        Server = EdgeServer.Start([new IPEndPoint(IPAddress.Loopback, 0)], options, Bench.Resolver, Bench.Answers, Bench.Upstream, Bench.Time, owners: owners);
    }

    public QueryBench Bench { get; } = new();

    /// <summary>One whose replica is too old: names in <c>mesh.internal</c> that it does not know are asked of owners, which say nothing of them.</summary>
    public static EdgeBench Stale(EdgeOptions options, OwnersThatWait owners) => new(options, owners);

    public EdgeServer Server { get; }

    public IPEndPoint Endpoint => Server.Endpoints[0];

    public Socket NewUdp()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp) { ReceiveTimeout = (int)_bound.TotalMilliseconds };
        socket.Connect(Endpoint);
        return socket;
    }

    public Socket NewTcp(IPAddress? from = null)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveTimeout = (int)_bound.TotalMilliseconds, SendTimeout = (int)_bound.TotalMilliseconds };
        if (from is not null) socket.Bind(new IPEndPoint(from, 0));
        socket.Connect(Endpoint);
        return socket;
    }

    public static Reply Receive(Socket udp)
    {
        var buffer = new byte[4096];
        return new Reply(buffer.AsSpan(0, udp.Receive(buffer)));
    }

    public static Reply ReceiveFrame(Socket tcp) => TryReceiveFrame(tcp) ?? throw new InvalidOperationException("the connection was closed");

    /// <summary>Null when the server closed the connection.</summary>
    public static Reply? TryReceiveFrame(Socket tcp)
    {
        var prefix = new byte[2];
        if (!Fill(tcp, prefix)) return null;
        var message = new byte[BinaryPrimitives.ReadUInt16BigEndian(prefix)];
        return Fill(tcp, message) ? new Reply(message) : null;
    }

    public long Count(string transport, string type, string rcode, string stage) =>
        Server.Statistics.Queries.Where(q => (q.Transport, q.Type, q.Rcode, q.Stage) == (transport, type, rcode, stage)).Sum(q => q.Count);

    /// <summary>Waits for something that another thread counts; the bound only ends a broken test.</summary>
    public static async Task Until(Func<bool> condition)
    {
        using var bound = new CancellationTokenSource(_bound);
        while (!condition()) await Task.Delay(1, bound.Token);
    }

    public async Task StopAsync()
    {
        if (_isStopped) return;
        _isStopped = true;
        var stopping = Server.StopAsync(_stopBound);
        await stopping.WaitAsync(_bound);
    }

    // A test that failed may leave queries that nobody will answer; to wait for them would hide its failure.
    public async ValueTask DisposeAsync()
    {
        var stopping = StopAsync();
        while (!stopping.IsCompleted)
        {
            await Task.WhenAny(stopping, Task.Delay(1));
            Bench.Time.Advance(_stopBound / 1000);
        }
        await stopping;
    }

    private static bool Fill(Socket tcp, byte[] buffer)
    {
        for (var have = 0; have < buffer.Length;)
        {
            int received;
            try { received = tcp.Receive(buffer, have, buffer.Length - have, SocketFlags.None); }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionReset) { return false; }
            if (received == 0) return false;
            have += received;
        }
        return true;
    }
}

/// <summary>Owners that a test holds up.</summary>
public sealed class OwnersThatWait(Func<string, Task> before) : IOwnerInquiry
{
    /// <summary>Names in the order they were asked for.</summary>
    public List<string> Asked { get; } = [];

    public async Task<IReadOnlyList<MeshEvent>?> FindAsync(IReadOnlyList<HostName> names)
    {
        lock (Asked) Asked.Add(names[0].Text);
        await before(names[0].Text);
        return null;
    }
}
