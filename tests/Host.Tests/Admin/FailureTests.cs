using System.Net;
using System.Net.Sockets;
using System.Text;
using MeshDns.Actors;
using MeshDns.Contracts.Messages;
using MeshDns.Host.Admin;
using MeshDns.Tests.Shared;

namespace MeshDns.Host.Tests.Admin;

/// <summary>Everything that is not success gets a problem document with its own status.</summary>
public sealed class FailureTests
{
    private const string Orders = "/v1/service-entries/default/orders";
    private static readonly string _body = AdminFixture.Entry("orders", "a.example.com");

    [Fact]
    public async Task An_unreachable_store_is_503_with_retry_after()
    {
        await using var api = await AdminFixture.StartAsync();
        api.Mesh.OnChange = _ => Task.FromResult<ChangeReply?>(new ChangeReply { Outcome = ChangeOutcome.Unavailable, Detail = "the journal is not reachable" });
        api.Mesh.OnRead = _ => throw new MeshUnavailableException("shard-07 has no owner");
        var change = await api.PutAsync(Orders, _body);
        change.Problem(503);
        Assert.True(change.HasRetryAfter);
        foreach (var path in new[] { Orders, "/v1/service-entries", "/v1/hosts", "/v1/hosts/a.example.com", "/v1/vips", "/v1/vips/240.240.0.1", "/v1/cluster", "/v1/export" })
            Assert.Equal("shard-07 has no owner", (string?)(await api.GetAsync(path)).Problem(503)["detail"]);
        api.Mesh.OnChange = _ => throw new MeshUnavailableException("no owner");
        (await api.PutAsync(Orders, _body)).Problem(503);
    }

    [Fact]
    public async Task An_outcome_that_nobody_knows_is_504()
    {
        await using var api = await AdminFixture.StartAsync();
        api.Mesh.OnChange = _ => Task.FromResult<ChangeReply?>(new ChangeReply { Outcome = ChangeOutcome.Unknown, Detail = "the append was under way" });
        (await api.PutAsync(Orders, _body)).Problem(504);
        api.Mesh.OnChange = _ => throw new InvalidOperationException("a bug");
        (await api.PutAsync(Orders, _body)).Problem(504);
        api.Mesh.OnChange = _ => throw new OperationCanceledException();
        (await api.ApplyAsync(_body)).Problem(504);
    }

    [Fact]
    public async Task A_bug_in_a_read_is_500_without_its_text()
    {
        await using var api = await AdminFixture.StartAsync();
        api.Mesh.OnRead = _ => throw new InvalidOperationException("secret detail");
        var answer = await api.GetAsync("/v1/hosts");
        answer.Problem(500);
        Assert.DoesNotContain("secret detail", answer.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Bodies_of_another_type_charset_or_encoding_are_415()
    {
        await using var api = await AdminFixture.StartAsync();
        (await api.SendAsync(HttpMethod.Put, Orders, _body, "text/plain")).Problem(415);
        (await api.SendAsync(HttpMethod.Post, "/v1/manifests", _body, "application/x-www-form-urlencoded")).Problem(415);
        foreach (var (name, value) in new[] { ("Content-Type", "application/yaml; charset=latin1"), ("Content-Encoding", "gzip"), ("Content-Type", "") })
        {
            using var content = new ByteArrayContent(Encoding.UTF8.GetBytes(_body));
            content.Headers.TryAddWithoutValidation("Content-Type", name == "Content-Type" ? value : "application/yaml");
            if (name != "Content-Type") content.Headers.TryAddWithoutValidation(name, value);
            using var response = await api.Http.PutAsync(new Uri(Orders, UriKind.Relative), content);
            Assert.Equal(HttpStatusCode.UnsupportedMediaType, response.StatusCode);
        }
    }

    [Fact]
    public async Task Malformed_is_400_and_invalid_is_422_naming_document_line_and_field()
    {
        await using var api = await AdminFixture.StartAsync();
        (await api.PutAsync(Orders, "{ not: [yaml")).Problem(400);
        (await api.SendAsync(HttpMethod.Put, Orders, "{", "application/json")).Problem(400);
        (await api.PutAsync(Orders, "")).Problem(400);
        (await api.PutAsync(Orders, _body + "\n---\n" + AdminFixture.Entry("two", "b.example.com"))).Problem(400);
        var problem = (await api.ApplyAsync(_body + "\n---\n" + AdminFixture.Entry("two", "'*'"))).Problem(422);
        var error = problem["errors"]![0]!;
        Assert.Equal(2, (int)error["document"]!);
        Assert.Equal("spec.hosts[0]", (string?)error["field"]);
        Assert.True((int)error["line"]! > 8);
        Assert.NotEmpty((string)error["reason"]!);
        Assert.Empty(api.Mesh.Requests);
    }

    [Fact]
    public async Task A_body_larger_than_its_path_takes_is_413()
    {
        await using var api = await AdminFixture.StartAsync();
        var padding = string.Concat(Enumerable.Repeat("\n# padding padding padding padding padding padding padding", 15_000));
        var big = _body + padding + "\n---\n" + AdminFixture.Entry("two", "b.example.com") + padding;
        (await api.PutAsync(Orders, big)).Problem(413);
        var set = await api.ApplyAsync(big);
        Assert.True(set.Status == 200, set.Text);
    }

    [Fact]
    public async Task Unknown_paths_are_404_and_other_methods_405()
    {
        await using var api = await AdminFixture.StartAsync();
        (await api.GetAsync("/v2/hosts")).Problem(404);
        (await api.GetAsync("/")).Problem(404);
        (await api.SendAsync(HttpMethod.Post, "/v1/hosts", "x")).Problem(405);
        (await api.SendAsync(HttpMethod.Patch, Orders, _body)).Problem(405);
        (await api.GetAsync("/v1/endpoint-slices/default/x")).Problem(501);
        (await api.PutAsync("/v1/endpoint-slices/default/x", _body)).Problem(501);
        (await api.GetAsync("/v1/service-entries/UPPER/x")).Problem(400);
    }

    [Fact]
    public async Task More_reads_than_may_wait_get_503_and_health_and_changes_still_answer()
    {
        await using var api = await AdminFixture.StartAsync(time: new ManualTimeProvider(), bounds: new AdminBounds { Reads = 3, Waiting = 2 });
        var gate = new TaskCompletionSource();
        api.Mesh.OnRead = cancel => gate.Task.WaitAsync(cancel);
        var waiting = Enumerable.Range(0, 5).Select(_ => api.GetAsync("/v1/cluster")).ToArray();
        await api.MetricReachesAsync("meshdns_admin_requests_waiting{kind=\"read\"}", 2);
        var refused = await api.GetAsync("/v1/vips/240.240.0.1");
        Assert.Equal("3 reads are under way and 2 wait already", (string?)refused.Problem(503)["detail"]);
        Assert.True(refused.HasRetryAfter);
        Assert.Equal(1, await api.MetricAsync("meshdns_admin_requests_refused_total{kind=\"read\"}"));
        foreach (var path in new[] { "/healthz", "/readyz" }) Assert.Equal(200, (await api.GetAsync(path)).Status);
        Assert.Equal(201, (await api.PutAsync(Orders, _body)).Status);
        gate.SetResult();
        foreach (var answer in await Task.WhenAll(waiting)) Assert.Equal(200, answer.Status);
    }

    [Theory]
    [InlineData("ffffffffffffffff")]
    [InlineData("7fffffffffffffff")]
    [InlineData("80000000")]
    [InlineData("-1")]
    [InlineData("zz")]
    public async Task A_chunk_of_a_size_that_nobody_can_count_is_400_and_ends_the_connection(string size)
    {
        var log = new ListLogger();
        await using var api = await AdminFixture.StartAsync(log: log);
        foreach (var head in new[] { $"PUT {Orders}", "POST /v1/manifests", "GET /healthz" })
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(api.Server.Endpoint);
            await socket.SendAsync(Encoding.ASCII.GetBytes($"{head} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/yaml\r\nTransfer-Encoding: chunked\r\n\r\n{size}\r\nx"));
            using var reader = new StreamReader(new NetworkStream(socket));
            var reply = await reader.ReadToEndAsync().WaitAsync(TimeSpan.FromSeconds(20));
            Assert.StartsWith(head.StartsWith("GET", StringComparison.Ordinal) ? "HTTP/1.1 200" : "HTTP/1.1 400", reply, StringComparison.Ordinal);
        }
        Assert.Empty(log.Lines);
        Assert.Equal(200, (await api.GetAsync("/healthz")).Status);
    }

    [Fact]
    public async Task Garbage_on_the_wire_does_not_harm_the_server()
    {
        await using var api = await AdminFixture.StartAsync();
        using (var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp))
        {
            await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, api.Server.Endpoint.Port));
            await socket.SendAsync(Encoding.ASCII.GetBytes("\0\u0001 nonsense\r\n\r\n"));
            var buffer = new byte[1024];
            Assert.StartsWith("HTTP/1.1 400", Encoding.ASCII.GetString(buffer, 0, await socket.ReceiveAsync(buffer)), StringComparison.Ordinal);
        }
        Assert.Equal(200, (await api.GetAsync("/healthz")).Status);
    }
}
