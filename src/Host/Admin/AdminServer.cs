using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace MeshDns.Host.Admin;

/// <summary>
/// The HTTP API of design.md, on Kestrel. The host builder is the empty one: no configuration file or environment variable of
/// ASP.NET Core's own changes what it does, and it starts in a few tens of milliseconds.
/// </summary>
public sealed class AdminServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private AdminServer(WebApplication app, IPEndPoint endpoint)
    {
        _app = app;
        Endpoint = endpoint;
    }

    /// <summary>Where it listens; the port that the system chose when the setting's is 0.</summary>
    public IPEndPoint Endpoint { get; }

    /// <summary>Listens and answers from the moment it returns.</summary>
    /// <exception cref="IOException">The address cannot be bound.</exception>
    public static async Task<AdminServer> StartAsync(AdminServices services, CancellationToken cancel)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddRoutingCore();
        builder.Services.AddSingleton<IHostLifetime, NodeOwnsSignals>();
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = AdminLimits.StopTimeout);
        builder.WebHost.UseKestrelCore().ConfigureKestrel(options => Configure(options, services.Settings.Listen));
        var app = builder.Build();
        try
        {
            var pipeline = new RequestPipeline(services);
            services.Metrics.Register(pipeline.Collect);
            app.Use(next => context => pipeline.InvokeAsync(context, next));
            AdminRoutes.Map(app, services);
            await app.StartAsync(cancel);
            var bound = app.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.First();
            return new AdminServer(app, new IPEndPoint(services.Settings.Listen.Address, new Uri(bound).Port));
        }
        catch
        {
            await app.DisposeAsync();
            throw;
        }
    }

    /// <summary>Takes no new requests and waits for those under way, at most 25 seconds or until the token.</summary>
    public Task StopAsync(CancellationToken cancel) => _app.StopAsync(cancel);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private static void Configure(KestrelServerOptions options, IPEndPoint listen)
    {
        options.AddServerHeader = false;
        options.Limits.MaxConcurrentConnections = AdminLimits.Connections;
        options.Limits.MaxRequestBodySize = AdminLimits.DocumentBytes;
        options.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(10);
        options.Limits.KeepAliveTimeout = TimeSpan.FromMinutes(2);
        options.Listen(listen, endpoint => endpoint.Protocols = HttpProtocols.Http1);
    }

    /// <summary>Ctrl-C and SIGTERM are the node's to handle: it drains before it stops this server. The host's own handler would race with it.</summary>
    private sealed class NodeOwnsSignals : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
