using System.Net;
using System.Net.Sockets;

namespace MeshDns.Host.Cluster;

/// <summary>
/// The connections to one other node; one as a rule, more only when its streams are used up. A link that was given up is closed when the last ask on
/// it has ended, which its deadline sees to.
/// </summary>
internal sealed class NodeLink
{
    private readonly HttpMessageInvoker _http;
    private readonly Lock _gate = new();
    private int _underWay;
    private bool _isGivenUp;
    private long _replies;

    /// <summary>Connects when it is first used.</summary>
    /// <param name="target">Where the node is asked.</param>
    /// <param name="tls">What this node shows and trusts.</param>
    /// <param name="heartbeat">A connection is pinged when nothing came back on it for so long, a second at least.</param>
    /// <param name="lease">It is taken down, with all asks on it, when a ping is unanswered for so long, a second at least. Not sooner: a busy node answers late, and an ask that is cut off ends in doubt.</param>
    public NodeLink(Uri target, ClusterTls tls, TimeSpan heartbeat, TimeSpan lease)
    {
        Target = target;
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            ConnectTimeout = ClusterLimits.ConnectTimeout(lease),
            ConnectCallback = async (context, cancel) => await ConnectAsync(context.DnsEndPoint, cancel),
            EnableMultipleHttp2Connections = true,
            KeepAlivePingDelay = AtLeastSecond(heartbeat),
            KeepAlivePingTimeout = AtLeastSecond(lease),
            KeepAlivePingPolicy = HttpKeepAlivePingPolicy.Always,
            MaxResponseHeadersLength = 8,
            PooledConnectionIdleTimeout = ClusterLimits.IdleTimeout,
            SslOptions = tls.ForClient(target.DnsSafeHost),
            UseCookies = false,
            UseProxy = false,
        };
        _http = new HttpMessageInvoker(handler, disposeHandler: true);
    }

    /// <summary>Where the node is asked.</summary>
    public Uri Target { get; }

    /// <summary>Bounds the asks under way.</summary>
    public SemaphoreSlim Slots { get; } = new(ClusterLimits.AsksPerNode);

    /// <summary>Whether no ask is under way.</summary>
    public bool IsIdle
    {
        get { lock (_gate) return _underWay == 0; }
    }

    /// <summary>Begins an ask; false when the link was given up. Each ends with <see cref="Leave"/>.</summary>
    public bool TryEnter()
    {
        lock (_gate)
        {
            if (_isGivenUp) return false;
            _underWay++;
            return true;
        }
    }

    /// <summary>Ends an ask.</summary>
    public void Leave()
    {
        lock (_gate)
        {
            _underWay--;
            CloseWhenUnused();
        }
    }

    /// <summary>No new asks.</summary>
    public void GiveUp()
    {
        lock (_gate)
        {
            _isGivenUp = true;
            CloseWhenUnused();
        }
    }

    /// <summary>Replies that came back. While it grows, a late answer is the node's slowness, not the connection's.</summary>
    public long Replies => Interlocked.Read(ref _replies);

    /// <summary>Notes that the node was heard.</summary>
    public void Heard() => Interlocked.Increment(ref _replies);

    public Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancel) => _http.SendAsync(request, cancel);

    // What the framework takes.
    private static TimeSpan AtLeastSecond(TimeSpan span) => TimeSpan.FromTicks(Math.Max(TimeSpan.TicksPerSecond, span.Ticks));

    private void CloseWhenUnused()
    {
        if (_isGivenUp && _underWay == 0) _http.Dispose();
    }

    // Tries each address of a name in turn.
    private static async Task<Stream> ConnectAsync(DnsEndPoint target, CancellationToken cancel)
    {
        IPAddress[] addresses = IPAddress.TryParse(target.Host, out var literal) ? [literal] : await Dns.GetHostAddressesAsync(target.Host, cancel);
        Exception? failure = null;
        foreach (var address in addresses)
        {
            var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                await socket.ConnectAsync(new IPEndPoint(address, target.Port), cancel);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch (Exception e)
            {
                socket.Dispose();
                if (e is not SocketException) throw;
                failure = e;
            }
        }
        throw failure ?? new SocketException((int)SocketError.HostNotFound);
    }
}
