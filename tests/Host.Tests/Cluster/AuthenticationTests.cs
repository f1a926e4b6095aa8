using System.Net;
using System.Net.Sockets;
using System.Text;
using MeshDns.Actors.Runtime;
using MeshDns.Contracts.Messages;
using MeshDns.Host.Cluster;
using MeshDns.Host.Settings;
using MeshDns.Tests.Shared;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace MeshDns.Host.Tests.Cluster;

/// <summary>Who does not have the secret gets nothing done and is believed nothing.</summary>
public sealed class AuthenticationTests
{
    private const string Secret = "sixteen characters or more";

    private static readonly TimeSpan _long = TimeSpan.FromSeconds(60);
    private static readonly MessageSeal _seal = new(new Secret(Secret));
    private static readonly byte[] _body = NodeCodec.Write(new DrainNode());

    [Theory]
    [InlineData("no seal", "seal_missing")]
    [InlineData("seal of another form", "seal_missing")]
    [InlineData("no deadline", "seal_missing")]
    [InlineData("bearer", "seal_missing")]
    [InlineData("wrong secret", "seal_wrong")]
    [InlineData("other deadline", "seal_wrong")]
    [InlineData("other path", "seal_wrong")]
    [InlineData("other body mark", "seal_wrong")]
    [InlineData("other node", "target")]
    [InlineData("other body", "body")]
    [InlineData("longer body", "body")]
    [InlineData("shorter body", "body")]
    public async Task What_is_not_sealed_is_refused_before_it_is_read(string fault, string reason)
    {
        await using var node = await TestNode.StartAsync();
        using var http = Http();
        using var request = Request(node, fault);
        using var response = await http.SendAsync(request);
        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        Assert.False(response.Headers.Contains(AskHead.AuthHeader));
        Assert.Empty(await response.Content.ReadAsStringAsync());
        Assert.Equal(0, node.Handled);
        Assert.Contains($"meshdns_cluster_rejected_total{{reason=\"{reason}\"}} 1\n", node.Metrics, StringComparison.Ordinal);
        Assert.DoesNotContain(node.Log.Lines, line => line.Text.Contains(Secret, StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_same_request_is_carried_out_once()
    {
        await using var node = await TestNode.StartAsync();
        using var http = Http();
        var head = Head(node);
        HttpStatusCode[] codes = [await SendAsync(), await SendAsync()];
        Assert.Equal([HttpStatusCode.OK, HttpStatusCode.Unauthorized], codes);
        Assert.Equal(1, node.Handled);
        Assert.Contains("{reason=\"replay\"} 1\n", node.Metrics, StringComparison.Ordinal);

        async Task<HttpStatusCode> SendAsync()
        {
            using var request = Message(node, head, _seal.OfRequest(head), _body);
            using var response = await http.SendAsync(request);
            return response.StatusCode;
        }
    }

    [Theory]
    [InlineData("not json", HttpStatusCode.BadRequest)]
    [InlineData("{\"kind\":\"paint.1\"}", HttpStatusCode.BadRequest)]
    [InlineData("", HttpStatusCode.BadRequest)]
    public async Task What_is_sealed_and_no_request_is_refused_with_a_seal(string text, HttpStatusCode expected)
    {
        await using var node = await TestNode.StartAsync();
        using var http = Http();
        var head = Head(node) with { Body = BodyMark.Of(Encoding.UTF8.GetBytes(text)) };
        using var request = Message(node, head, _seal.OfRequest(head), Encoding.UTF8.GetBytes(text));
        using var response = await http.SendAsync(request);
        Assert.Equal(expected, response.StatusCode);
        Assert.StartsWith("v1 ", Assert.Single(response.Headers.GetValues(AskHead.AuthHeader)), StringComparison.Ordinal);
        Assert.Contains("does not understand", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal(0, node.Handled);
    }

    [Fact]
    public async Task A_body_over_the_bound_is_refused_by_its_head()
    {
        await using var node = await TestNode.StartAsync();
        using var http = Http();
        var head = Head(node) with { Body = new BodyMark(ClusterLimits.BodyBytes + 1, new string('0', 64)) };
        using var request = Message(node, head, _seal.OfRequest(head), _body);
        using var response = await http.SendAsync(request);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, response.StatusCode);
        Assert.Equal(0, node.Handled);
    }

    [Theory]
    [InlineData("GET", "/cluster/v1/ask")]
    [InlineData("POST", "/")]
    [InlineData("POST", "/metrics")]
    public async Task There_is_one_route(string method, string path)
    {
        await using var node = await TestNode.StartAsync();
        using var http = Http();
        var head = Head(node) with { Method = method, Path = path, Body = BodyMark.Of([]) };
        using var request = Message(node, head, _seal.OfRequest(head), []);
        using var response = await http.SendAsync(request);
        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
    }

    [Fact]
    public async Task Other_protocols_are_not_spoken()
    {
        await using var node = await TestNode.StartAsync();
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(node.Server.Endpoint);
        await socket.SendAsync(Encoding.ASCII.GetBytes($"POST /cluster/v1/ask HTTP/1.1\r\nHost: {node.Address}\r\nContent-Length: 0\r\n\r\n"));
        var buffer = new byte[4096];
        var count = await socket.ReceiveAsync(buffer).WaitAsync(_long);
        Assert.DoesNotContain(" 200 ", Encoding.ASCII.GetString(buffer, 0, count), StringComparison.Ordinal);
        Assert.Equal(0, node.Handled);
    }

    [Fact]
    public async Task A_client_with_another_secret_is_told_what_may_be_wrong()
    {
        await using var node = await TestNode.StartAsync();
        using var client = new ClusterClient(TestNode.Settings(secret: "another secret, as long"), null, TimeProvider.System);
        var refused = await Assert.ThrowsAsync<MeshUnavailableException>(() => client.AskAsync(node.Address, new DrainNode(), _long, CancellationToken.None));
        Assert.Contains("cluster.secret differs", refused.Message, StringComparison.Ordinal);
        Assert.Equal(0, node.Handled);
    }

    [Fact]
    public async Task Rejected_traffic_is_logged_once_a_minute()
    {
        var time = new ManualTimeProvider();
        await using var node = await TestNode.StartAsync(time: time);
        using var http = Http();
        for (var i = 0; i < 5; i++) await RejectedAsync();
        Assert.Single(node.Log.Of(LogLevel.Warning));
        time.Advance(TimeSpan.FromMinutes(1));
        await RejectedAsync();
        Assert.Contains("(4 more since the last such line)", node.Log.Of(LogLevel.Warning).Last(), StringComparison.Ordinal);

        async Task RejectedAsync()
        {
            using var request = Request(node, "wrong secret");
            using var response = await http.SendAsync(request);
        }
    }

    [Theory]
    [InlineData("right", null)]
    [InlineData("no seal", "does not prove that it is a node of this cluster")]
    [InlineData("wrong secret", "does not prove that it is a node of this cluster")]
    [InlineData("other nonce", "does not prove that it is a node of this cluster")]
    [InlineData("other status", "does not prove that it is a node of this cluster")]
    [InlineData("seal of the request", "does not prove that it is a node of this cluster")]
    [InlineData("other body", "was changed on its way")]
    [InlineData("not json", "does not understand")]
    [InlineData("not http", "cannot be asked")]
    public async Task A_reply_that_is_not_the_nodes_is_not_believed(string fault, string? says)
    {
        await using var impostor = await StartImpostorAsync(fault);
        using var client = new ClusterClient(TestNode.Settings(), null, TimeProvider.System);
        var ask = client.AskAsync(new Uri(impostor.Urls.First()).Authority, new ReadUsage(), _long, CancellationToken.None);
        if (says is null) Assert.IsType<Done>(await ask);
        else Assert.Contains(says, (await Assert.ThrowsAsync<MeshUnavailableException>(() => ask)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Nonces_are_remembered_up_to_a_bound()
    {
        var seen = new SeenNonces(2);
        Assert.True(seen.TryAdd("a") && seen.TryAdd("b") && seen.TryAdd("c"));
        Assert.False(seen.TryAdd("b") || seen.TryAdd("c"));
        Assert.True(seen.TryAdd("a"));
    }

    [Fact]
    public void Admission_is_bounded_by_number_and_bytes()
    {
        var admission = new AskAdmission(2, 100);
        Assert.True(admission.TryEnter(60));
        Assert.False(admission.TryEnter(41));
        Assert.True(admission.TryEnter(40));
        Assert.False(admission.TryEnter(0));
        admission.Leave(60);
        Assert.True(admission.TryEnter(60));
    }

    private static AskHead Head(TestNode node) => new("POST", AskHead.Route, 5000, node.Address, Guid.NewGuid().ToString("N"), BodyMark.Of(_body));

    private static HttpRequestMessage Request(TestNode node, string fault)
    {
        var head = Head(node);
        var sealedHead = fault == "other node" ? head = head with { Target = "127.0.0.9:1" } : head;
        var seal = (fault == "wrong secret" ? new MessageSeal(new Secret(Secret + "!")) : _seal).OfRequest(sealedHead);
        head = fault switch
        {
            "other deadline" => head with { DeadlineMs = 5001 },
            "other path" => head with { Path = "/other" },
            "other body mark" => head with { Body = BodyMark.Of("x"u8) },
            _ => head,
        };
        byte[] body = fault switch { "other body" => [.. _body.Select(b => (byte)(b ^ 1))], "longer body" => [.. _body, 32], "shorter body" => _body[..^1], _ => _body };
        var message = Message(node, head, fault == "seal of another form" ? "x y z" : seal, body);
        if (fault is "no seal" or "bearer") message.Headers.Remove(AskHead.AuthHeader);
        if (fault == "bearer") message.Headers.TryAddWithoutValidation("authorization", $"Bearer {Secret}");
        if (fault == "no deadline") message.Headers.Remove(AskHead.DeadlineHeader);
        return message;
    }

    private static HttpRequestMessage Message(TestNode node, AskHead head, string seal, byte[] body)
    {
        var message = new HttpRequestMessage(new HttpMethod(head.Method), $"http://{node.Server.Endpoint}{head.Path}")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = body.Length > 0 ? new ByteArrayContent(body) : null,
        };
        message.Headers.TryAddWithoutValidation(AskHead.AuthHeader, AskHead.AuthOfRequest(head.Nonce, seal));
        message.Headers.TryAddWithoutValidation(AskHead.BodyHeader, head.Body.ToString());
        message.Headers.TryAddWithoutValidation(AskHead.DeadlineHeader, $"{head.DeadlineMs}");
        message.Headers.TryAddWithoutValidation(AskHead.TargetHeader, head.Target);
        return message;
    }

    private static HttpClient Http() => new() { Timeout = _long };

    private static async Task<WebApplication> StartImpostorAsync(string fault)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(options => options.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = fault == "not http" ? HttpProtocols.Http1 : HttpProtocols.Http2));
        var app = builder.Build();
        app.Run(async context =>
        {
            var auth = context.Request.Headers[AskHead.AuthHeader].ToString().Split(' ');
            var body = fault == "not json" ? "x"u8.ToArray() : NodeCodec.Write(new Done());
            var nonce = fault == "other nonce" ? new string('0', 32) : auth[1];
            var mark = BodyMark.Of(body);
            var seal = (fault == "wrong secret" ? new MessageSeal(new Secret(Secret + "!")) : _seal).OfReply(nonce, 200, mark);
            if (fault == "seal of the request") seal = auth[2];
            if (fault != "no seal") context.Response.Headers[AskHead.AuthHeader] = AskHead.AuthOfReply(seal);
            context.Response.Headers[AskHead.BodyHeader] = mark.ToString();
            context.Response.StatusCode = fault == "other status" ? 400 : 200;
            if (fault == "other body") body[^1] ^= 1;
            await context.Response.Body.WriteAsync(body);
        });
        await app.StartAsync();
        return app;
    }
}
