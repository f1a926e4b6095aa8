using System.Net;
using System.Net.Sockets;
using MeshDns.Actors;
using MeshDns.Contracts.Messages;
using MeshDns.Host.Cluster;
using MeshDns.Tests.Shared;

namespace MeshDns.Host.Tests.Cluster;

/// <summary>Something in between accepts, and then swallows what is sent.</summary>
public sealed class StallTests : IDisposable
{
    private static readonly TimeSpan _long = TimeSpan.FromSeconds(60);

    private readonly ManualTimeProvider _time = new();
    private readonly ClusterClient _client;

    public StallTests() => _client = new ClusterClient(TestNode.Settings(), TestNode.Tls, _time);

    public void Dispose() => _client.Dispose();

    [Fact]
    public async Task A_server_that_accepts_and_never_answers_is_unavailable_at_the_deadline()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var ask = _client.AskAsync(listener.LocalEndpoint.ToString()!, new EdgeGetCluster(), TimeSpan.FromMilliseconds(200), CancellationToken.None);
        using var accepted = await listener.AcceptSocketAsync();
        _time.Advance(TimeSpan.FromMilliseconds(200));
        Assert.Contains("did not answer within 200 ms", (await Assert.ThrowsAsync<MeshUnavailableException>(() => ask)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_connection_that_stalled_is_replaced_and_one_that_is_only_slow_is_not()
    {
        var slow = new TaskCompletionSource<CancellationToken>();
        var relay = new Relay();
        // The relay's address is what nodes know this one by.
        await using var node = await TestNode.StartWaitingAsync(async (request, cancel) =>
        {
            if (request is not EdgeGetVip) return new Drained(true);
            slow.SetResult(cancel);
            await Task.Delay(Timeout.Infinite, cancel);
            return new Drained(true);
        }, TestNode.Settings(advertise: relay.Address));
        relay.Start(node.Server.Endpoint);
        Assert.IsType<Drained>(await AskAsync(new EdgeGetCluster()));

        var late = AskAsync(new EdgeGetVip(1));
        await slow.Task.WaitAsync(_long);
        Assert.IsType<Drained>(await AskAsync(new EdgeGetCluster()));
        _time.Advance(TimeSpan.FromSeconds(5));
        await Assert.ThrowsAsync<MeshUnavailableException>(() => late);
        Assert.IsType<Drained>(await AskAsync(new EdgeGetCluster()));
        Assert.Equal(1, relay.Accepted);

        relay.SwallowCurrent();
        var stalled = AskAsync(new EdgeGetCluster());
        await relay.Swallowed.WaitAsync(_long);
        _time.Advance(TimeSpan.FromSeconds(5));
        await Assert.ThrowsAsync<MeshUnavailableException>(() => stalled);
        Assert.Contains("meshdns_cluster_stalls_total 1\n", ClusterTransportTests.AskMetrics(_client), StringComparison.Ordinal);
        Assert.IsType<Drained>(await AskAsync(new EdgeGetCluster()));
        Assert.Equal(2, relay.Accepted);
        relay.Dispose();

        Task<NodeReply> AskAsync(NodeRequest request) => _client.AskAsync(relay.Address, request, TimeSpan.FromSeconds(5), CancellationToken.None);
    }

    /// <summary>Carries bytes both ways until it is told to swallow those of the connections that it has.</summary>
    private sealed class Relay : IDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly TaskCompletionSource _swallowed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _accepted;
        private int _swallowUpTo;

        public Relay() => _listener.Start();

        public string Address => _listener.LocalEndpoint.ToString()!;

        public int Accepted => Volatile.Read(ref _accepted);

        /// <summary>Completes when something was swallowed.</summary>
        public Task Swallowed => _swallowed.Task;

        public void SwallowCurrent() => Volatile.Write(ref _swallowUpTo, Accepted);

        public void Start(IPEndPoint target) => _ = AcceptAsync(target);

        public void Dispose() => _listener.Dispose();

        private async Task AcceptAsync(IPEndPoint target)
        {
            while (true)
            {
                Socket near;
                try { near = await _listener.AcceptSocketAsync(); }
                catch (Exception e) when (e is SocketException or ObjectDisposedException) { return; }
                var number = Interlocked.Increment(ref _accepted);
                var far = new Socket(SocketType.Stream, ProtocolType.Tcp);
                await far.ConnectAsync(target);
                _ = CopyAsync(near, far, number);
                _ = CopyAsync(far, near, number);
            }
        }

        private async Task CopyAsync(Socket from, Socket to, int number)
        {
            var buffer = new byte[64 * 1024];
            try
            {
                while (await from.ReceiveAsync(buffer) is > 0 and var count)
                {
                    if (number <= Volatile.Read(ref _swallowUpTo)) _swallowed.TrySetResult();
                    else await to.SendAsync(buffer.AsMemory(0, count));
                }
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException) { }
            from.Dispose();
            to.Dispose();
        }
    }
}
