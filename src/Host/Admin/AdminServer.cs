using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace MeshDns.Host.Admin;

/// <summary>
/// The HTTP API of design.md, on Kestrel. It listens at once; Kestrel itself starts with the first connection, which waits for it in the kernel's queue: a
/// node that nobody manages then has neither its memory nor the timer that wakes it every second (docs/performance.md). The host builder is the empty one: no
/// configuration file or environment variable of ASP.NET Core's own changes what it does, and it starts in a few tens of milliseconds.
/// </summary>
public sealed class AdminServer : IAsyncDisposable
{
    private const int Backlog = 512;
    private const int ClosingConnections = 64;

    private readonly AdminServices _services;
    private readonly Socket _listener;
    private readonly TaskCompletionSource _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private WebApplication? _app;
    private volatile bool _isStopping;

    private AdminServer(AdminServices services, Socket listener)
    {
        _services = services;
        Admission = new Admission(services);
        _listener = listener;
        Endpoint = (IPEndPoint)listener.LocalEndPoint!;
    }

    /// <summary>Where it listens; the port that the system chose when the setting's is 0.</summary>
    public IPEndPoint Endpoint { get; }

    /// <summary>What it counts.</summary>
    internal AdminCounters Counters => _services.Counters;

    /// <summary>Who waits for what it has room for.</summary>
    internal Admission Admission { get; }

    /// <summary>Listens; who connects from now on is answered.</summary>
    /// <exception cref="SocketException">The address cannot be bound.</exception>
    public static AdminServer Start(AdminServices services)
    {
        var listen = services.Settings.Listen;
        services.Token.Adopt(services.Settings.Token);
        var listener = new Socket(listen.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (listen.Address.Equals(IPAddress.IPv6Any)) listener.DualMode = true;
            listener.Bind(listen);
            listener.Listen(Backlog);
            var server = new AdminServer(services, listener);
            new Thread(server.AwaitFirst) { Name = "admin", IsBackground = true }.Start();
            return server;
        }
        catch
        {
            listener.Dispose();
            throw;
        }
    }

    /// <summary>Takes no new requests and waits for those under way, at most 25 seconds or until the token.</summary>
    public async Task StopAsync(CancellationToken cancel)
    {
        if (_isStopping) return;
        _isStopping = true;
        // Disposing it would not wake the thread that waits for a connection.
        if (!_opened.Task.IsCompleted) EndWait();
        await _opened.Task;
        if (_app is { } app) await app.StopAsync(cancel);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await StopAsync(CancellationToken.None);
        if (_app is { } app) await app.DisposeAsync();
        _listener.Dispose();
    }

    private void EndWait()
    {
        try { _listener.Shutdown(SocketShutdown.Both); }
        catch (SocketException)
        {
            // It says that it is not connected after it has woken the thread.
        }
    }

    // Sleeps in the kernel, without a time-out, until somebody connects.
    private void AwaitFirst()
    {
        try
        {
            _listener.Poll(Timeout.InfiniteTimeSpan, SelectMode.SelectRead);
            // A thread of its own, once in a life: there is nothing here that waiting could hold up.
            if (!_isStopping) _app = OpenAsync().GetAwaiter().GetResult();
        }
        catch (Exception e)
        {
            _services.Log.LogCritical(e, "the API cannot be served");
            _listener.Dispose();
        }
        finally { _opened.TrySetResult(); }
    }

    private async Task<WebApplication> OpenAsync()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddRoutingCore();
        builder.Services.AddSingleton<IHostLifetime, NodeOwnsSignals>();
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = AdminLimits.StopTimeout);
        builder.Services.Configure<SocketTransportOptions>(options =>
        {
            options.CreateBoundListenSocket = _ => _listener;
            options.MaxReadBufferSize = AdminLimits.ReadAheadBytes;
        });
        builder.WebHost.UseKestrelCore().ConfigureKestrel(Configure);
        var app = builder.Build();
        try
        {
            var pipeline = new RequestPipeline(_services);
            app.Use(next => context => pipeline.InvokeAsync(context, next));
            AdminRoutes.Map(app, _services, Admission);
            await app.StartAsync(CancellationToken.None);
            return app;
        }
        catch
        {
            await app.DisposeAsync();
            throw;
        }
    }

    private void Configure(KestrelServerOptions options)
    {
        options.AddServerHeader = false;
        // A connection that gave its place to another needs a moment to close.
        options.Limits.MaxConcurrentConnections = _services.Bounds.Connections + ClosingConnections;
        options.Limits.MaxRequestBodySize = AdminLimits.DocumentBytes;
        options.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(10);
        options.Limits.KeepAliveTimeout = TimeSpan.FromMinutes(2);
        options.Listen(Endpoint, endpoint =>
        {
            endpoint.Protocols = HttpProtocols.Http1;
            endpoint.Use(next => connection => HoldAsync(connection, next));
        });
    }

    private async Task HoldAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        var client = (connection.RemoteEndPoint as IPEndPoint)?.Address ?? IPAddress.None;
        using var open = Admission.Connections.TryOpen(client, () => connection.Abort(new ConnectionAbortedException("another connection needed its place")));
        // Returning closes it.
        if (open is null) return;
        connection.Features.Set(open);
        await next(connection);
    }

    /// <summary>Ctrl-C and SIGTERM are the node's to handle: it drains before it stops this server. The host's own handler would race with it.</summary>
    private sealed class NodeOwnsSignals : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
