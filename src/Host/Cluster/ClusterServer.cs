using System.Net;
using MeshDns.Actors.Cluster;
using MeshDns.Host.Settings;
using MeshDns.Host.Telemetry;
using Microsoft.AspNetCore.Builder;
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
/// Where other nodes ask this one: HTTP/2 on <c>cluster.listen</c>, in the clear with every message sealed by the secret, or under mutual TLS with the
/// same seals (docs/adr/0014). It answers from the start, with "not available" until it is told by whom.
/// </summary>
public sealed class ClusterServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly AskRoute _route;
    private readonly RequestCounters _counters;

    private ClusterServer(WebApplication app, AskRoute route, RequestCounters counters, IPEndPoint endpoint)
    {
        (_app, _route, _counters) = (app, route, counters);
        Endpoint = endpoint;
    }

    /// <summary>Where it listens; the port that the system chose when the setting's is 0.</summary>
    public IPEndPoint Endpoint { get; }

    /// <summary><c>host:port</c> under which other nodes must ask this one: what the settings advertise, else <see cref="Endpoint"/>.</summary>
    public string Address => _route.Address;

    /// <summary>Listens, and refuses every request as not available until <see cref="Serve"/>.</summary>
    /// <param name="settings">With <c>Listen</c> and <c>Secret</c> set.</param>
    /// <param name="tls">Null for traffic in the clear. Stays the caller's.</param>
    /// <param name="time">For deadlines.</param>
    /// <param name="log">Told of rejected traffic at most once a minute, and of handlers that fail.</param>
    /// <param name="cancel">Ends the start.</param>
    /// <param name="connections">The most connections at once.</param>
    /// <exception cref="IOException">The address cannot be bound.</exception>
    /// <exception cref="InvalidOperationException">The certificate is not good for a server.</exception>
    public static async Task<ClusterServer> StartAsync(ClusterSettings settings, ClusterTls? tls, TimeProvider time, ILogger log, CancellationToken cancel, int connections = ClusterLimits.Connections)
    {
        if (settings is not { Listen: { } listen, Secret.IsSet: true }) throw new ArgumentException("cluster.listen and cluster.secret must be set", nameof(settings));
        var counters = new RequestCounters();
        var route = new AskRoute(new MessageSeal(settings.Secret), new AskAdmission(ClusterLimits.Requests, ClusterLimits.BodyBytesUnderWay), counters, time, log) { Address = settings.Advertise ?? listen.ToString() };
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddSingleton<IHostLifetime, NodeOwnsSignals>();
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = ClusterLimits.StopTimeout);
        builder.WebHost.UseKestrelCore().ConfigureKestrel(options => Configure(options, connections, listen, tls, route));
        if (tls is not null) builder.WebHost.UseKestrelHttpsConfiguration();
        var app = builder.Build();
        try
        {
            app.Run(route.InvokeAsync);
            await app.StartAsync(cancel);
            var bound = app.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.First();
            var endpoint = new IPEndPoint(listen.Address, new Uri(bound).Port);
            if (settings.Advertise is null) route.Address = endpoint.ToString();
            return new ClusterServer(app, route, counters, endpoint);
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

    /// <summary>For <see cref="MetricsRegistry.Register"/>.</summary>
    public void Collect(MetricsText text) => _counters.Collect(text);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private static void Configure(KestrelServerOptions options, int connections, IPEndPoint listen, ClusterTls? tls, AskRoute route)
    {
        options.AddServerHeader = false;
        options.Limits.MaxConcurrentConnections = connections;
        options.Limits.MaxRequestBodySize = ClusterLimits.BodyBytes;
        options.Limits.RequestHeadersTimeout = ClusterLimits.HandshakeTimeout;
        options.Limits.KeepAliveTimeout = ClusterLimits.IdleTimeout;
        // A body is read only from a node of the cluster, and within its ask's deadline. The framework's least rate would take down a connection, with all
        // asks on it, for one body of a node that is starved.
        options.Limits.MinRequestBodyDataRate = null;
        options.Limits.Http2.MaxStreamsPerConnection = ClusterLimits.StreamsPerConnection;
        options.Limits.MaxRequestHeadersTotalSize = 8 * 1024;
        options.Listen(listen, endpoint =>
        {
            endpoint.Protocols = HttpProtocols.Http2;
            if (tls is not null) endpoint.UseHttps(HttpsOf(tls, route));
        });
    }

    private static HttpsConnectionAdapterOptions HttpsOf(ClusterTls tls, AskRoute route) => new()
    {
        ServerCertificate = tls.Own,
        // Not what it says: OnAuthenticate demands one. Kestrel's own way would not tell of clients that show none.
        ClientCertificateMode = ClientCertificateMode.NoCertificate,
        HandshakeTimeout = ClusterLimits.HandshakeTimeout,
        OnAuthenticate = (connection, options) => tls.Apply(options, () => route.RejectCertificate((connection.RemoteEndPoint as IPEndPoint)?.Address.ToString() ?? "unknown")),
    };

    /// <summary>Ctrl-C and SIGTERM are the node's to handle: it drains before it stops this server. The host's own handler would race with it.</summary>
    private sealed class NodeOwnsSignals : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
