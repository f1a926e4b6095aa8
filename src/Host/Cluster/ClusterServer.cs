using System.Net;
using MeshDns.Actors.Cluster;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace MeshDns.Host.Cluster;

/// <summary>
/// Where nodes without a database ask this one: HTTP/2 on <c>cluster.feed</c> under mutual TLS, always (docs/adr/0025), so that nothing of a stranger is read. It
/// answers from the start, with "not available" until it is told by whom.
/// </summary>
internal sealed class ClusterServer : IAsyncDisposable
{
    // On a connection that was trusted, or whose rejection is told already.
    private static readonly object _isKnown = new();

    private readonly WebApplication _app;
    private readonly AskRoute _route;

    private ClusterServer(WebApplication app, AskRoute route, IPEndPoint endpoint, string address)
    {
        (_app, _route) = (app, route);
        Endpoint = endpoint;
        Address = address;
    }

    /// <summary>Where it listens; the port that the system chose when the setting's is 0.</summary>
    public IPEndPoint Endpoint { get; }

    /// <summary><c>host:port</c> under which other nodes ask this one: what the settings advertise, else <see cref="Endpoint"/>.</summary>
    public string Address { get; }

    /// <summary>Listens, and refuses every request as not available until <see cref="Serve"/>.</summary>
    /// <param name="entrance">Where, and for whom.</param>
    /// <param name="tls">What this node shows and trusts. Stays the caller's.</param>
    /// <param name="counters">Counts what is asked.</param>
    /// <param name="time">For deadlines.</param>
    /// <param name="log">Told of rejected traffic at most once a minute, and of handlers that fail.</param>
    /// <param name="cancel">Ends the start.</param>
    /// <exception cref="IOException">The address cannot be bound.</exception>
    /// <exception cref="InvalidOperationException">The certificate is not good for a server.</exception>
    public static async Task<ClusterServer> StartAsync(ClusterEntrance entrance, ClusterTls tls, RequestCounters counters, TimeProvider time, ILogger log, CancellationToken cancel)
    {
        var admission = new AskAdmission(ClusterLimits.Requests, ClusterLimits.BodyBytesUnderWay);
        var route = new AskRoute(ClusterEntrance.Key, admission, counters, time, log);
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddSingleton<IHostLifetime, NodeOwnsSignals>();
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = ClusterLimits.StopTimeout);
        builder.WebHost.UseKestrelCore().ConfigureKestrel(options => Configure(options, entrance, tls, route));
        builder.WebHost.UseKestrelHttpsConfiguration();
        var app = builder.Build();
        try
        {
            app.Run(route.InvokeAsync);
            await app.StartAsync(cancel);
            var bound = app.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.First();
            var endpoint = new IPEndPoint(entrance.Listen.Address, new Uri(bound).Port);
            var address = entrance.AddressAt(endpoint.Port);
            return new ClusterServer(app, route, endpoint, address);
        }
        catch
        {
            await app.DisposeAsync();
            throw;
        }
    }

    /// <summary>Has requests carried out from here on.</summary>
    public void Serve(INodeServer handler) => _route.Serve(handler);

    /// <summary>Takes no new requests and waits for those under way, at most 5 seconds or until the token; then their tokens end.</summary>
    public Task StopAsync(CancellationToken cancel) => _app.StopAsync(cancel);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private static void Configure(KestrelServerOptions options, ClusterEntrance entrance, ClusterTls tls, AskRoute route)
    {
        options.AddServerHeader = false;
        options.Limits.MaxConcurrentConnections = entrance.Connections;
        options.Limits.MaxRequestBodySize = ClusterLimits.BodyBytes;
        options.Limits.RequestHeadersTimeout = ClusterLimits.HandshakeTimeout;
        options.Limits.KeepAliveTimeout = ClusterLimits.IdleTimeout;
        // A body is read only from a node of the cluster, and within its ask's deadline. The framework's least rate would take down a connection, with all
        // asks on it, for one body of a node that is starved.
        options.Limits.MinRequestBodyDataRate = null;
        options.Limits.Http2.MaxStreamsPerConnection = ClusterLimits.StreamsPerConnection;
        options.Limits.MaxRequestHeadersTotalSize = 8 * 1024;
        options.Listen(entrance.Listen, endpoint =>
        {
            endpoint.Protocols = HttpProtocols.Http2;
            endpoint.Use(next => connection => WatchAsync(next, connection, route));
            endpoint.UseHttps(HttpsOf(tls, route));
            endpoint.Use(next => connection =>
            {
                connection.Items[_isKnown] = true;
                return next(connection);
            });
        });
    }

    private static HttpsConnectionAdapterOptions HttpsOf(ClusterTls tls, AskRoute route) => new()
    {
        ServerCertificate = tls.Own,
        // Not what it says: OnAuthenticate demands one. Kestrel's own way would not tell of clients that show none.
        ClientCertificateMode = ClientCertificateMode.NoCertificate,
        HandshakeTimeout = ClusterLimits.HandshakeTimeout,
        OnAuthenticate = (connection, options) => tls.Apply(options, () =>
        {
            connection.Items[_isKnown] = true;
            route.Reject("certificate", AddressOf(connection), "it shows no certificate of this cluster; is cluster.secret the same on all nodes?");
        }),
    };

    // The framework passes over handshakes that fail.
    private static async Task WatchAsync(ConnectionDelegate next, ConnectionContext connection, AskRoute route)
    {
        await next(connection);
        if (!connection.Items.ContainsKey(_isKnown)) route.Reject("handshake", AddressOf(connection), "it did not complete a TLS handshake");
    }

    private static string AddressOf(ConnectionContext connection) => (connection.RemoteEndPoint as IPEndPoint)?.Address.ToString() ?? "unknown";

    /// <summary>Ctrl-C and SIGTERM are the node's to handle: it drains before it stops this server. The host's own handler would race with it.</summary>
    private sealed class NodeOwnsSignals : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
