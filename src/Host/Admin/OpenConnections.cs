using System.Net;
using System.Net.Sockets;

namespace MeshDns.Host.Admin;

/// <summary>
/// Who is connected, and for whom the server waits: for the rest of a request's head or body, or for the next request. When all places are taken, the
/// connection that has made the server wait longest gives its place to the next one; of several networks, one of that with the most connections. So an
/// attacker with half requests drives out his own, a time-out is as short as the rush demands, and whoever sends his request at once is answered.
/// </summary>
internal sealed class OpenConnections(int places)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<IPAddress, Network> _networks = [];
    private int _count;
    private long _displaced;
    private long _refused;

    /// <summary>Open connections.</summary>
    public int Count
    {
        get { lock (_gate) return _count; }
    }

    /// <summary>Connections that gave their places to others.</summary>
    public long Displaced => Interlocked.Read(ref _displaced);

    /// <summary>Connections that found all others busy.</summary>
    public long Refused => Interlocked.Read(ref _refused);

    /// <summary>A place for a connection, which waits for its client until it is served; null when there is none.</summary>
    /// <param name="client">Where it comes from.</param>
    /// <param name="abort">Closes it.</param>
    public OpenConnection? TryOpen(IPAddress client, Action abort)
    {
        OpenConnection? displaced = null;
        OpenConnection opened;
        lock (_gate)
        {
            if (_count >= places)
            {
                displaced = _networks.Values.Where(n => n.Waiting.Count > 0).MaxBy(n => n.Count)?.Waiting.First!.Value;
                if (displaced is null)
                {
                    Interlocked.Increment(ref _refused);
                    return null;
                }
                Remove(displaced);
            }
            var key = NetworkOf(client);
            if (!_networks.TryGetValue(key, out var network)) _networks.Add(key, network = new Network(key));
            opened = new OpenConnection(this, network, abort);
            network.Count++;
            _count++;
            network.Waiting.AddLast(opened.Waits);
        }
        if (displaced is null) return opened;
        Interlocked.Increment(ref _displaced);
        displaced.Abort();
        return opened;
    }

    /// <summary>An IPv4 address, or the half of an IPv6 address that is the network: who has one has all of it.</summary>
    internal static IPAddress NetworkOf(IPAddress client)
    {
        if (client.IsIPv4MappedToIPv6) return client.MapToIPv4();
        if (client.AddressFamily != AddressFamily.InterNetworkV6) return client;
        Span<byte> bytes = stackalloc byte[16];
        client.TryWriteBytes(bytes, out _);
        bytes[8..].Clear();
        return new IPAddress(bytes);
    }

    internal void Move(OpenConnection connection, bool isWaiting)
    {
        lock (_gate)
        {
            if (connection.IsClosed || connection.Waits.List is not null == isWaiting) return;
            if (isWaiting) connection.Network.Waiting.AddLast(connection.Waits);
            else connection.Network.Waiting.Remove(connection.Waits);
        }
    }

    internal void Close(OpenConnection connection)
    {
        lock (_gate) Remove(connection);
    }

    private void Remove(OpenConnection connection)
    {
        if (connection.IsClosed) return;
        connection.IsClosed = true;
        _count--;
        if (connection.Waits.List is { } waiting) waiting.Remove(connection.Waits);
        if (--connection.Network.Count == 0) _networks.Remove(connection.Network.Key);
    }

    internal sealed class Network(IPAddress key)
    {
        public IPAddress Key { get; } = key;

        public int Count { get; set; }

        // The one that has waited longest first.
        public LinkedList<OpenConnection> Waiting { get; } = new();
    }
}

/// <summary>An open connection; a feature of its requests. Disposed when it is closed.</summary>
internal sealed class OpenConnection : IDisposable
{
    private readonly OpenConnections _all;
    private readonly Action _abort;

    public OpenConnection(OpenConnections all, OpenConnections.Network network, Action abort)
    {
        (_all, Network, _abort) = (all, network, abort);
        Waits = new LinkedListNode<OpenConnection>(this);
    }

    internal OpenConnections.Network Network { get; }

    internal LinkedListNode<OpenConnection> Waits { get; }

    internal bool IsClosed { get; set; }

    /// <summary>The server waits for the client from here on.</summary>
    public void Await() => _all.Move(this, isWaiting: true);

    /// <summary>The client waits for the server from here on.</summary>
    public void Serve() => _all.Move(this, isWaiting: false);

    public void Dispose() => _all.Close(this);

    internal void Abort() => _abort();
}
