using MeshDns.Actors;
using MeshDns.Contracts.Messages;
using MeshDns.Host.Cluster;
using MeshDns.Host.Nodes;
using MeshDns.Tests.Shared;
using Microsoft.Extensions.Logging.Abstractions;

namespace MeshDns.Host.Tests.Cluster;

/// <summary>A client and a server that belong together.</summary>
public sealed class ClusterTransportTests : IDisposable
{
    private static readonly TimeSpan _long = TimeSpan.FromSeconds(60);

    private readonly ClusterClient _client = new(TestNode.Settings(), TestNode.Tls, TimeProvider.System);

    public void Dispose() => _client.Dispose();

    [Fact]
    public async Task Every_kind_arrives_and_is_answered()
    {
        var (received, replies) = (new List<NodeRequest>(), new Queue<NodeReply>(SampleMessages.Replies));
        await using var node = await TestNode.StartAsync(request =>
        {
            received.Add(request);
            return replies.TryDequeue(out var reply) ? reply : new Drained(true);
        });
        for (var i = 0; i < SampleMessages.Requests.Count; i++)
        {
            var reply = await _client.AskAsync(node.Address, SampleMessages.Requests[i], _long, CancellationToken.None);
            Assert.Equal(NodeCodec.Write(SampleMessages.Requests[i]), NodeCodec.Write(received[i]));
            Assert.Equal(NodeCodec.Write(i < SampleMessages.Replies.Count ? SampleMessages.Replies[i] : new Drained(true)), NodeCodec.Write(reply));
        }
        Assert.Contains("meshdns_cluster_requests_total{kind=\"edge-drain.1\",outcome=\"done\"} 1\n", node.Metrics, StringComparison.Ordinal);
        Assert.Contains("meshdns_cluster_asks_total{kind=\"read-feed.3\",outcome=\"refused\"} 1\n", AskMetrics(_client), StringComparison.Ordinal);
        Assert.Contains("meshdns_cluster_ask_duration_seconds_count{kind=\"edge-get-vip.1\"} 1\n", AskMetrics(_client), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Many_asks_at_once_get_each_its_own_answer()
    {
        await using var node = await TestNode.StartAsync(request => new FeedAwaited([$"{((EdgeGetVip)request).Index}"]));
        // A machine that runs all tests at once may starve a ping for longer than the usual lease.
        using var patient = new ClusterClient(TestNode.Settings() with { Lease = _long }, TestNode.Tls, TimeProvider.System);
        var replies = await Task.WhenAll(Enumerable.Range(0, 2_000).Select(i => patient.AskAsync(node.Address, new EdgeGetVip(i), _long, CancellationToken.None)));
        Assert.Equal(Enumerable.Range(0, 2_000).Select(i => $"{i}"), replies.Select(r => ((FeedAwaited)r).Behind[0]));
    }

    [Fact]
    public async Task A_large_message_goes_both_ways()
    {
        var rows = new byte[20 << 20];
        await using var node = await TestNode.StartAsync(request => new FeedReply(true, [new FeedRow(1, ((EdgeDrain)request).Node, "mesh", rows)], true, 0, 0, 0, [], false));
        var name = new string('s', 20 << 20);
        var feed = Assert.IsType<FeedReply>(await _client.AskAsync(node.Address, new EdgeDrain(name), _long, CancellationToken.None));
        Assert.Equal((name.Length, rows.Length), (feed.Rows[0].Manifest.Length, feed.Rows[0].Payload.Length));
    }

    [Fact]
    public async Task A_message_over_the_bound_is_refused_on_either_side()
    {
        await using var node = await TestNode.StartAsync(_ => new FeedAwaited([new string('x', ClusterLimits.BodyBytes)]));
        await Assert.ThrowsAsync<NotSentException>(() => _client.AskAsync(node.Address, new EdgeDrain(new string('x', ClusterLimits.BodyBytes)), _long, CancellationToken.None));
        Assert.Equal(0, node.Handled);
        Assert.IsType<NodeRefusal>(await _client.AskAsync(node.Address, new EdgeGetCluster(), _long, CancellationToken.None));
    }

    [Fact]
    public async Task Before_it_serves_a_node_is_not_available()
    {
        await using var server = await ClusterServer.StartAsync(ClusterEntrance.Of(TestNode.Settings())!, TestNode.Tls, new RequestCounters(), TimeProvider.System, NullLogger.Instance, CancellationToken.None);
        Assert.IsType<NodeRefusal>(await _client.AskAsync(server.Address, new EdgeGetCluster(), _long, CancellationToken.None));
    }

    [Fact]
    public async Task A_handler_that_fails_is_an_error_and_the_node_goes_on()
    {
        await using var node = await TestNode.StartAsync(request => request is EdgeDrain ? throw new InvalidOperationException("bug") : new Drained(true));
        var failed = await Assert.ThrowsAsync<MeshUnavailableException>(() => _client.AskAsync(node.Address, new EdgeDrain("n1"), _long, CancellationToken.None));
        Assert.Contains("failed at the request (500)", failed.Message, StringComparison.Ordinal);
        Assert.IsType<Drained>(await _client.AskAsync(node.Address, new EdgeGetCluster(), _long, CancellationToken.None));
    }

    [Theory]
    [InlineData("127.0.0.1:1")]
    [InlineData("no-such-host.invalid:1")]
    [InlineData("")]
    [InlineData("a:b:c")]
    [InlineData("user@127.0.0.1:1")]
    [InlineData("127.0.0.1:1/path")]
    [InlineData("127.0.0.1:1?x=")]
    public async Task An_address_where_no_node_is_is_unavailable(string address) =>
        await Assert.ThrowsAsync<NotSentException>(() => _client.AskAsync(address, new EdgeGetCluster(), _long, CancellationToken.None));

    [Fact]
    public async Task No_time_left_is_unavailable() =>
        await Assert.ThrowsAsync<NotSentException>(() => _client.AskAsync("127.0.0.1:1", new EdgeGetCluster(), TimeSpan.Zero, CancellationToken.None));

    [Fact]
    public async Task The_deadline_ends_the_ask_and_the_handler()
    {
        var time = new ManualTimeProvider();
        var (began, ended) = (new TaskCompletionSource(), new TaskCompletionSource());
        await using var node = await TestNode.StartWaitingAsync(async (_, cancel) =>
        {
            began.SetResult();
            await using var registration = cancel.Register(ended.SetResult);
            await Task.Delay(Timeout.Infinite, cancel);
            return new Drained(true);
        }, time: time);
        using var client = new ClusterClient(TestNode.Settings(), TestNode.Tls, time);
        var ask = client.AskAsync(node.Address, new EdgeGetCluster(), TimeSpan.FromSeconds(3), CancellationToken.None);
        await began.Task.WaitAsync(_long);
        time.Advance(TimeSpan.FromSeconds(2));
        Assert.False(ask.IsCompleted || ended.Task.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Contains("did not answer within 3000 ms", (await Assert.ThrowsAsync<MeshUnavailableException>(() => ask)).Message, StringComparison.Ordinal);
        await ended.Task.WaitAsync(_long);
    }

    [Fact]
    public async Task The_server_itself_holds_to_the_deadline_it_was_told()
    {
        var time = new ManualTimeProvider();
        var (began, ended) = (new TaskCompletionSource(), new TaskCompletionSource());
        await using var node = await TestNode.StartWaitingAsync(async (_, cancel) =>
        {
            await using var registration = cancel.Register(ended.SetResult);
            began.SetResult();
            await Task.Delay(Timeout.Infinite, cancel);
            return new Drained(true);
        }, time: time);
        // Its own clock stands still.
        using var client = new ClusterClient(TestNode.Settings(), TestNode.Tls, new ManualTimeProvider());
        var ask = client.AskAsync(node.Address, new EdgeGetCluster(), TimeSpan.FromSeconds(3), CancellationToken.None);
        await began.Task.WaitAsync(_long);
        time.Advance(TimeSpan.FromSeconds(4));
        await ended.Task.WaitAsync(_long);
        await Assert.ThrowsAsync<MeshUnavailableException>(() => ask.WaitAsync(_long));
    }

    [Fact]
    public async Task The_callers_token_ends_the_ask_and_the_handler()
    {
        var (began, ended) = (new TaskCompletionSource(), new TaskCompletionSource());
        await using var node = await TestNode.StartWaitingAsync(async (_, cancel) =>
        {
            await using var registration = cancel.Register(ended.SetResult);
            began.SetResult();
            await Task.Delay(Timeout.Infinite, cancel);
            return new Drained(true);
        });
        using var stop = new CancellationTokenSource();
        var ask = _client.AskAsync(node.Address, new EdgeGetCluster(), _long, stop.Token);
        await began.Task.WaitAsync(_long);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => ask);
        await ended.Task.WaitAsync(_long);
    }

    [Fact]
    public async Task A_client_that_was_stopped_asks_nobody()
    {
        await using var node = await TestNode.StartAsync();
        Assert.IsType<Drained>(await _client.AskAsync(node.Address, new EdgeGetCluster(), _long, CancellationToken.None));
        _client.Dispose();
        await Assert.ThrowsAsync<NotSentException>(() => _client.AskAsync(node.Address, new EdgeGetCluster(), _long, CancellationToken.None));
        Assert.Equal(1, node.Handled);
    }

    [Fact]
    public async Task A_stop_waits_for_what_is_under_way()
    {
        var (began, go) = (new TaskCompletionSource(), new TaskCompletionSource());
        await using var node = await TestNode.StartWaitingAsync(async (_, _) =>
        {
            began.SetResult();
            await go.Task;
            return new Drained(true);
        });
        var ask = _client.AskAsync(node.Address, new EdgeGetCluster(), _long, CancellationToken.None);
        await began.Task.WaitAsync(_long);
        var stop = node.Server.StopAsync(CancellationToken.None);
        Assert.False(stop.IsCompleted);
        go.SetResult();
        Assert.IsType<Drained>(await ask);
        await stop.WaitAsync(_long);
        await Assert.ThrowsAnyAsync<MeshUnavailableException>(() => _client.AskAsync(node.Address, new EdgeGetCluster(), _long, CancellationToken.None));
    }

    [Fact]
    public async Task A_node_that_returns_on_its_address_is_asked_again()
    {
        var first = await TestNode.StartAsync();
        Assert.IsType<Drained>(await _client.AskAsync(first.Address, new EdgeGetCluster(), _long, CancellationToken.None));
        await first.Server.StopAsync(CancellationToken.None);
        await first.DisposeAsync();
        await using var second = await TestNode.StartAsync(settings: TestNode.Settings(first.Address));
        Assert.IsType<Drained>(await _client.AskAsync(second.Address, new EdgeGetCluster(), _long, CancellationToken.None));
    }

    internal static string AskMetrics(ClusterClient client)
    {
        using var metrics = new NodeMetrics { Asks = client.Counters };
        return metrics.Text.Render();
    }
}
