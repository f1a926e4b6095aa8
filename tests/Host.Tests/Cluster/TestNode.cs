using System.Net;
using MeshDns.Actors.Cluster;
using MeshDns.Contracts.Messages;
using MeshDns.Host.Cluster;
using MeshDns.Host.Settings;
using MeshDns.Host.Telemetry;
using MeshDns.Host.Tests.Admin;

namespace MeshDns.Host.Tests.Cluster;

/// <summary>A server whose handler is a function of the test, and counts what reaches it.</summary>
internal sealed class TestNode : INodeServer, IAsyncDisposable
{
    private readonly Func<NodeRequest, CancellationToken, Task<NodeReply>> _handle;
    private int _handled;

    private TestNode(ClusterServer server, ListLogger log, Func<NodeRequest, CancellationToken, Task<NodeReply>> handle) => (Server, Log, _handle) = (server, log, handle);

    public ClusterServer Server { get; }

    public ListLogger Log { get; }

    public string Address => Server.Address;

    /// <summary>Requests that reached the handler.</summary>
    public int Handled => Volatile.Read(ref _handled);

    public string Metrics
    {
        get
        {
            var text = new MetricsText();
            Server.Collect(text);
            return text.ToString();
        }
    }

    public static Task<TestNode> StartAsync(Func<NodeRequest, NodeReply>? handle = null, ClusterSettings? settings = null, ClusterTls? tls = null, TimeProvider? time = null) =>
        StartWaitingAsync((request, _) => Task.FromResult(handle is null ? new Done() : handle(request)), settings, tls, time);

    public static async Task<TestNode> StartWaitingAsync(Func<NodeRequest, CancellationToken, Task<NodeReply>> handle, ClusterSettings? settings = null, ClusterTls? tls = null, TimeProvider? time = null)
    {
        var log = new ListLogger();
        var server = await ClusterServer.StartAsync(settings ?? Settings(), tls, time ?? TimeProvider.System, log, CancellationToken.None);
        var node = new TestNode(server, log, handle);
        server.Serve(node);
        return node;
    }

    public static ClusterSettings Settings(string listen = "127.0.0.1:0", string secret = "sixteen characters or more", string? advertise = null) =>
        new(IPEndPoint.Parse(listen), advertise, [], new Secret(secret), null, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(5), 64);

    public Task<NodeReply> HandleAsync(NodeRequest request, CancellationToken cancel)
    {
        Interlocked.Increment(ref _handled);
        return _handle(request, cancel);
    }

    public ValueTask DisposeAsync() => Server.DisposeAsync();
}
