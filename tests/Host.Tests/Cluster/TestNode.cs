using System.Net;
using MeshDns.Actors.Cluster;
using MeshDns.Contracts.Messages;
using MeshDns.Host.Cluster;
using MeshDns.Host.Nodes;
using MeshDns.Host.Settings;
using MeshDns.Host.Tests.Admin;
using MeshDns.Host.Tests.Edge;

namespace MeshDns.Host.Tests.Cluster;

/// <summary>A server whose handler is a function of the test, and counts what reaches it.</summary>
internal sealed class TestNode : INodeServer, IAsyncDisposable
{
    /// <summary>What the secret of <see cref="Settings"/> stands for, made once.</summary>
    public static readonly ClusterTls Tls = ClusterTls.FromSecret(Settings().Secret);

    private readonly Func<NodeRequest, CancellationToken, Task<NodeReply>> _handle;
    private readonly RequestCounters _counters;
    private int _handled;

    private TestNode(ClusterServer server, RequestCounters counters, ListLogger log, Func<NodeRequest, CancellationToken, Task<NodeReply>> handle) => (Server, _counters, Log, _handle) = (server, counters, log, handle);

    public ClusterServer Server { get; }

    public ListLogger Log { get; }

    public string Address => Server.Address;

    /// <summary>Requests that reached the handler.</summary>
    public int Handled => Volatile.Read(ref _handled);

    public string Metrics
    {
        get
        {
            using var metrics = new NodeMetrics { Requests = _counters };
            return metrics.Text.Render();
        }
    }

    public static Task<TestNode> StartAsync(Func<NodeRequest, NodeReply>? handle = null, ClusterSettings? settings = null, ClusterTls? tls = null, TimeProvider? time = null) =>
        StartWaitingAsync((request, _) => Task.FromResult(handle is null ? new Drained(true) : handle(request)), settings, tls, time);

    public static async Task<TestNode> StartWaitingAsync(Func<NodeRequest, CancellationToken, Task<NodeReply>> handle, ClusterSettings? settings = null, ClusterTls? tls = null, TimeProvider? time = null)
    {
        var (log, counters, chosen) = (new ListLogger(), new RequestCounters(), settings ?? Settings());
        var entrance = ClusterEntrance.Of(chosen)!;
        var server = await ClusterServer.StartAsync(entrance, tls ?? Tls, counters, time ?? TimeProvider.System, log, CancellationToken.None);
        var node = new TestNode(server, counters, log, handle);
        server.Serve(node);
        return node;
    }

    public static ClusterSettings Settings(string listen = "127.0.0.1:0", string secret = "sixteen characters or more", string? advertise = null) =>
        new(null, null, IPEndPoint.Parse(listen), advertise, [], new Secret(secret), null, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(60), 64);

    public Task<NodeReply> HandleAsync(NodeRequest request, CancellationToken cancel)
    {
        Interlocked.Increment(ref _handled);
        return _handle(request, cancel);
    }

    /// <summary>Waits until so many were rejected for a reason; a handshake that failed is counted when its connection has ended.</summary>
    public Task CountedAsync(string reason, int count) => EdgeBench.Until(() => Metrics.Contains($"meshdns_cluster_rejected_total{{reason=\"{reason}\"}} {count}\n", StringComparison.Ordinal));

    public ValueTask DisposeAsync() => Server.DisposeAsync();
}
