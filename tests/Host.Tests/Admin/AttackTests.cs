using System.Net;
using System.Net.Sockets;
using System.Text;
using MeshDns.Contracts.Messages;
using MeshDns.Host.Admin;

namespace MeshDns.Host.Tests.Admin;

/// <summary>Callers who send half of something and wait, in numbers: others are answered meanwhile.</summary>
public sealed class AttackTests
{
    private const int HalfOpen = 1300;
    private const int Large = 2 * 1024 * 1024;
    private static readonly IPAddress _other = IPAddress.Parse("127.0.0.2");

    [Theory]
    [InlineData("")]
    [InlineData("GET /readyz HTTP/1.1\r\nHost: localhost\r\nX: ")]
    public async Task Half_open_requests_of_one_address_lock_nobody_out(string half)
    {
        await using var api = await AdminFixture.StartAsync();
        using var callers = new Callers(api);
        for (var i = 0; i < HalfOpen; i++) await callers.SendAsync(_other, half);
        foreach (var path in new[] { "/healthz", "/readyz", "/metrics", "/v1/hosts" })
        {
            // Even from the attacker's own address, where his oldest connections make room.
            foreach (var from in new[] { IPAddress.Loopback, _other })
            {
                // Where closing the oldest takes a moment, the framework turns some away at its own bound: those come again.
                var answer = "";
                for (var tries = 0; tries < 20 && answer.Length == 0; tries++) answer = await callers.AskAsync(from, $"GET {path}");
                Assert.StartsWith("HTTP/1.1 200", answer, StringComparison.Ordinal);
            }
        }
        Assert.InRange(await api.MetricAsync("meshdns_admin_connections"), 1, new AdminBounds().Connections);
        // Not each of those that are too many: where closing them takes a moment, the framework turns some away at its own bound.
        Assert.InRange(await api.MetricAsync("meshdns_admin_connections_closed_total{reason=\"displaced\"}"), 1, HalfOpen);
        Assert.Equal(0, await api.MetricAsync("meshdns_admin_connections_closed_total{reason=\"refused\"}"));
    }

    [Fact]
    public async Task A_connection_between_two_requests_makes_room_and_one_that_is_served_does_not()
    {
        await using var api = await AdminFixture.StartAsync(bounds: new AdminBounds { Connections = 3 });
        using var callers = new Callers(api);
        var gate = new TaskCompletionSource<ChangeReply?>();
        api.Mesh.OnChange = _ => gate.Task;
        var served = await callers.SendAsync(_other, "DELETE /v1/services/default/x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        // A scrape is a connection too, and waits for nothing afterwards.
        for (var i = 0; i < 2; i++) Assert.StartsWith("HTTP/1.1 200", await callers.AskAndStayAsync(_other, "GET /healthz"), StringComparison.Ordinal);
        while (api.Mesh.Requests.Count == 0) await Task.Yield();
        for (var i = 0; i < 5; i++) await callers.SendAsync(_other, "");
        Assert.StartsWith("HTTP/1.1 200", await callers.AskAsync(_other, "GET /healthz"), StringComparison.Ordinal);
        gate.SetResult(ChangeReply.Refused(RefusalReason.NotFound, "it is not there"));
        Assert.StartsWith("HTTP/1.1 404", await Callers.ReadToEndAsync(served), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Slow_bodies_take_no_place_of_a_change_or_a_probe()
    {
        await using var api = await AdminFixture.StartAsync();
        using var callers = new Callers(api);
        foreach (var path in new[] { "PUT /v1/service-entries/default/slow", "POST /v1/manifests" })
        {
            // More than there are places for changes; each has sent a second's worth at 300 B/s.
            for (var i = 0; i < 70; i++) await callers.SendAsync(_other, $"{path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/yaml\r\nContent-Length: 18000\r\n\r\n{new string('#', 300)}");
        }
        await api.MetricReachesAsync("meshdns_admin_body_bytes", 140 * 4096);
        Assert.Equal(200, (await api.GetAsync("/readyz")).Status);
        Assert.Equal(200, (await api.GetAsync("/v1/hosts")).Status);
        Assert.Equal(201, (await api.PutAsync("/v1/service-entries/default/orders", AdminFixture.Entry("orders", "db.example.com"))).Status);
        Assert.Equal(200, (await api.ApplyAsync(AdminFixture.Entry("two", "two.example.com"))).Status);
    }

    [Fact]
    public async Task Large_bodies_that_do_not_end_take_what_there_is_for_large_ones_and_no_more()
    {
        await using var api = await AdminFixture.StartAsync(bounds: new AdminBounds { BodyBytes = 8 << 20, SmallBodyBytes = 2 << 20 });
        using var callers = new Callers(api);
        var stalled = await callers.SendAsync(_other, $"POST /v1/manifests HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/yaml\r\nContent-Length: {(2 * Large) - 1}\r\n\r\n{new string('#', Large + 1)}");
        await api.MetricReachesAsync("meshdns_admin_body_bytes", 2 * Large);
        var refused = await api.ApplyAsync(LargeSet("two"));
        Assert.Equal("the bodies of other requests take all the memory there is for them", (string?)refused.Problem(503)["detail"]);
        Assert.True(refused.HasRetryAfter);
        Assert.Equal(200, (await api.ApplyAsync(AdminFixture.Entry("one", "one.example.com"))).Status);
        Assert.Equal(1, await api.MetricAsync("meshdns_admin_requests_refused_total{kind=\"body\"}"));
        // Once it has gone there is room again.
        stalled.Dispose();
        await api.MetricReachesAsync("meshdns_admin_body_bytes", 0);
        Assert.Equal(200, (await api.ApplyAsync(LargeSet("two"))).Status);
        Assert.Equal(0, await api.MetricAsync("meshdns_admin_body_bytes"));
    }

    private static string LargeSet(string name) => string.Join("\n---\n", Enumerable.Range(0, 4).Select(i =>
        AdminFixture.Entry($"{name}-{i}", $"{name}-{i}.example.com") + string.Concat(Enumerable.Repeat("\n# comment", Large / 40))));

    /// <summary>Connections of a test, closed before the server stops, which would wait for them.</summary>
    private sealed class Callers(AdminFixture api) : IDisposable
    {
        private readonly List<Socket> _sockets = [];

        public void Dispose()
        {
            foreach (var socket in _sockets) socket.Dispose();
        }

        public async Task<Socket> SendAsync(IPAddress from, string text)
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            _sockets.Add(socket);
            socket.Bind(new IPEndPoint(from, 0));
            await socket.ConnectAsync(api.Server.Endpoint);
            var bytes = Encoding.ASCII.GetBytes(text);
            // One whose place is gone already may have been closed.
            try { for (var sent = 0; sent < bytes.Length;) sent += await socket.SendAsync(bytes.AsMemory(sent)); }
            catch (SocketException) when (from.Equals(_other)) { }
            return socket;
        }

        /// <summary>The reply to a request, up to the end of the connection.</summary>
        public async Task<string> AskAsync(IPAddress from, string request) => await ReadToEndAsync(await SendAsync(from, $"{request} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"));

        /// <summary>The beginning of the reply to a request whose connection stays.</summary>
        public async Task<string> AskAndStayAsync(IPAddress from, string request)
        {
            var socket = await SendAsync(from, $"{request} HTTP/1.1\r\nHost: localhost\r\n\r\n");
            var buffer = new byte[4096];
            return Encoding.ASCII.GetString(buffer, 0, await socket.ReceiveAsync(buffer));
        }

        public static async Task<string> ReadToEndAsync(Socket socket)
        {
            using var reader = new StreamReader(new NetworkStream(socket));
            return await reader.ReadToEndAsync().WaitAsync(TimeSpan.FromSeconds(60));
        }
    }
}
