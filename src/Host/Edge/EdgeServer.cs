using System.Net;
using System.Net.Sockets;
using MeshDns.Host.Query;
using MeshDns.Host.Resolve;
using MeshDns.Host.Telemetry;

namespace MeshDns.Host.Edge;

/// <summary>The sockets that clients ask: UDP and TCP on every listen address.</summary>
public sealed class EdgeServer
{
    private const int PortAttempts = 16;
    private readonly EdgeServices _services;
    private readonly DeferredQueries _deferred;
    private readonly List<UdpEdge> _udp = [];
    private readonly List<TcpEdge> _tcp = [];

    private EdgeServer(EdgeServices services)
    {
        _services = services;
        _services.Statistics.FaultCounter = services.Faults;
        _deferred = new DeferredQueries(services);
    }

    /// <summary>The addresses with their real ports; UDP and TCP have the same.</summary>
    public IReadOnlyList<IPEndPoint> Endpoints => [.. _udp.Select(u => u.Endpoint)];

    /// <summary>Whether its loops turn.</summary>
    internal IEnumerable<LoopBeat> Beats => [.. _udp.SelectMany(u => u.Beats), .. _tcp.Select(t => t.Beat)];

    /// <summary>So many bytes were held for TCP connections and are garbage now. On any thread.</summary>
    public event Action<long>? Ebbed;

    /// <summary>What was counted so far.</summary>
    public EdgeStatistics Statistics => _services.Statistics;

    /// <summary>Binds every address, then begins to answer.</summary>
    /// <param name="listen">Where; port 0 lets the system choose one that is free for both transports.</param>
    /// <param name="options">The bounds.</param>
    /// <param name="resolver">Decides what names get.</param>
    /// <param name="answers">Writes the mesh's records.</param>
    /// <param name="upstream">Answers what is not ours.</param>
    /// <param name="time">The clock.</param>
    /// <param name="onFault">Told of bugs, at most one a second.</param>
    /// <param name="owners">Asked before a stale replica denies a name; null for nobody.</param>
    /// <exception cref="SocketException">An address cannot be bound; nothing stays bound then.</exception>
    public static EdgeServer Start(
        IReadOnlyList<IPEndPoint> listen, EdgeOptions options, MeshResolver resolver, AnswerWriter answers, IUpstream upstream, TimeProvider time, Action<Exception>? onFault = null, IOwnerInquiry? owners = null)
    {
        var server = new EdgeServer(new EdgeServices(options, resolver, answers, upstream, owners, time, onFault));
        try
        {
            server.Bind(listen);
        }
        catch
        {
            server.Close();
            throw;
        }
        foreach (var udp in server._udp) udp.Start();
        foreach (var tcp in server._tcp) tcp.Start();
        return server;
    }

    /// <summary>Receives nothing more, answers what was asked, up to the bound; then everything is closed. Called once.</summary>
    public async Task StopAsync(TimeSpan bound)
    {
        foreach (var udp in _udp) udp.StopReceiving();
        await Task.WhenAll([_deferred.StopAsync(bound), .. _tcp.Select(tcp => tcp.StopAsync(bound))]);
        foreach (var udp in _udp) udp.Close();
    }

    private void Bind(IReadOnlyList<IPEndPoint> listen)
    {
        var limits = new TcpLimits(_services.Options, _services.Time, bytes => Ebbed?.Invoke(bytes));
        _services.Statistics.TcpShare = limits.Node;
        var counters = _services.Statistics.NewCounters("tcp", isShared: true);
        foreach (var address in ListenAddress.Of(listen))
            for (var attempt = 1; !TryBind(address, limits, counters, isLast: address.Endpoint.Port != 0 || attempt == PortAttempts); attempt++) { }
    }

    // A port that the system chose for UDP may be taken for TCP: then another is tried.
    private bool TryBind(ListenAddress address, TcpLimits limits, QueryCounters counters, bool isLast)
    {
        var udp = UdpEdge.Open(address, _services, _deferred);
        try
        {
            _tcp.Add(TcpEdge.Open(address with { Endpoint = udp.Endpoint }, _services, limits, counters));
            _udp.Add(udp);
            return true;
        }
        catch (SocketException e)
        {
            udp.Close();
            if (isLast || e.SocketErrorCode != SocketError.AddressAlreadyInUse) throw;
            return false;
        }
    }

    private void Close()
    {
        foreach (var udp in _udp) udp.Close();
        foreach (var tcp in _tcp) tcp.Close();
        _ = _deferred.StopAsync(TimeSpan.Zero);
    }
}
