using System.Net;
using System.Net.Sockets;
using System.Text;
using MeshDns.Actors;
using MeshDns.Contracts.Messages;
using MeshDns.Host.Cluster;
using MeshDns.Tests.Shared;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace MeshDns.Host.Tests.Cluster;

/// <summary>Requests of nodes that are trusted and ask wrongly, and of those who are not heard at all.</summary>
public sealed class AskRouteTests : IDisposable
{
    private static readonly TimeSpan _long = TimeSpan.FromSeconds(60);
    private static readonly byte[] _body = NodeCodec.Write(new EdgeDrain("n1"));

    private readonly SocketsHttpHandler _handler = new() { SslOptions = TestNode.Tls.ForClient("127.0.0.1") };
    private readonly HttpClient _http;

    public AskRouteTests() => _http = new HttpClient(_handler) { Timeout = _long };

    public void Dispose()
    {
        _http.Dispose();
        _handler.Dispose();
    }

    [Theory]
    [InlineData("", HttpStatusCode.OK, "drained")]
    [InlineData("no deadline", HttpStatusCode.BadRequest, "no deadline")]
    [InlineData("deadline 0", HttpStatusCode.BadRequest, "no deadline")]
    [InlineData("GET", HttpStatusCode.NotFound, "there is only POST /cluster/v1/ask")]
    [InlineData("other path", HttpStatusCode.NotFound, "there is only POST /cluster/v1/ask")]
    [InlineData("no length", HttpStatusCode.LengthRequired, "how long")]
    [InlineData("too long", HttpStatusCode.RequestEntityTooLarge, "at most")]
    [InlineData("not json", HttpStatusCode.BadRequest, "does not understand")]
    [InlineData("unknown kind", HttpStatusCode.BadRequest, "does not understand")]
    [InlineData("empty", HttpStatusCode.BadRequest, "does not understand")]
    public async Task What_is_asked_wrongly_is_told_so(string fault, HttpStatusCode expected, string says)
    {
        await using var node = await TestNode.StartAsync();
        using var request = new HttpRequestMessage(fault == "GET" ? HttpMethod.Get : HttpMethod.Post, $"https://{node.Server.Endpoint}{(fault == "other path" ? "/metrics" : AskHead.Route)}")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = fault switch
            {
                "GET" => null,
                "no length" => new Unmeasured(),
                "too long" => new ByteArrayContent(new byte[ClusterLimits.BodyBytes + 1]),
                "not json" => new StringContent("not json"),
                "unknown kind" => new StringContent("{\"kind\":\"paint.1\"}"),
                "empty" => new ByteArrayContent([]),
                _ => new ByteArrayContent(_body),
            },
        };
        if (fault != "no deadline") request.Headers.TryAddWithoutValidation(AskHead.DeadlineHeader, fault == "deadline 0" ? "0" : "5000");
        using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal(expected, response.StatusCode);
        Assert.Contains(says, await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal(fault.Length == 0 ? 1 : 0, node.Handled);
    }

    [Theory]
    [InlineData("POST /cluster/v1/ask HTTP/1.1\r\nContent-Length: 0\r\n\r\n")]
    [InlineData("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")]
    [InlineData("")]
    public async Task Who_does_not_speak_tls_is_not_heard(string text)
    {
        await using var node = await TestNode.StartAsync();
        using (var socket = new Socket(SocketType.Stream, ProtocolType.Tcp))
        {
            await socket.ConnectAsync(node.Server.Endpoint);
            await socket.SendAsync(Encoding.ASCII.GetBytes(text));
            socket.Shutdown(SocketShutdown.Send);
            var buffer = new byte[4096];
            int count;
            try { count = await socket.ReceiveAsync(buffer).WaitAsync(_long); }
            catch (SocketException) { count = 0; }
            Assert.DoesNotContain("HTTP", Encoding.ASCII.GetString(buffer, 0, count), StringComparison.Ordinal);
        }
        await node.CountedAsync("handshake", 1);
        Assert.Equal(0, node.Handled);
    }

    [Fact]
    public async Task Rejected_traffic_is_logged_once_a_minute()
    {
        var time = new ManualTimeProvider();
        await using var node = await TestNode.StartAsync(time: time);
        for (var i = 1; i <= 5; i++) await StrangerAsync(i);
        Assert.Single(node.Log.Of(LogLevel.Warning));
        time.Advance(TimeSpan.FromMinutes(1));
        await StrangerAsync(6);
        Assert.Contains("(4 more since the last such line)", node.Log.Of(LogLevel.Warning).Last(), StringComparison.Ordinal);

        async Task StrangerAsync(int count)
        {
            using (var socket = new Socket(SocketType.Stream, ProtocolType.Tcp))
            {
                await socket.ConnectAsync(node.Server.Endpoint);
                await socket.SendAsync("GET / HTTP/1.1\r\n\r\n"u8.ToArray());
                socket.Shutdown(SocketShutdown.Send);
            }
            await node.CountedAsync("handshake", count);
        }
    }

    [Theory]
    [InlineData("right", null)]
    [InlineData("not json", "does not understand")]
    [InlineData("no length", "does not say how long its answer is")]
    [InlineData("too long", "more than nodes send each other")]
    [InlineData("other status", "did not take the request (400)")]
    [InlineData("in the clear", "cannot be asked")]
    public async Task A_reply_that_is_none_is_not_believed(string fault, string? says)
    {
        await using var other = await StartOtherAsync(fault);
        using var client = new ClusterClient(TestNode.Settings(), TestNode.Tls, TimeProvider.System);
        var ask = client.AskAsync(new Uri(other.Urls.First()).Authority, new EdgeGetCluster(), _long, CancellationToken.None);
        if (says is null) Assert.IsType<Drained>(await ask);
        else Assert.Contains(says, (await Assert.ThrowsAnyAsync<MeshUnavailableException>(() => ask)).Message, StringComparison.Ordinal);
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

    private static async Task<WebApplication> StartOtherAsync(string fault)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(options => options.Listen(IPAddress.Loopback, 0, listen =>
        {
            listen.Protocols = HttpProtocols.Http2;
            if (fault != "in the clear") listen.UseHttps(https => (https.ServerCertificate, https.OnAuthenticate) = (TestNode.Tls.Own, (_, tls) => TestNode.Tls.Apply(tls, () => { })));
        }));
        var app = builder.Build();
        app.Run(async context =>
        {
            var body = fault == "not json" ? "x"u8.ToArray() : NodeCodec.Write(new Drained(true));
            context.Response.StatusCode = fault == "other status" ? 400 : 200;
            if (fault != "no length") context.Response.ContentLength = fault == "too long" ? ClusterLimits.BodyBytes + 1 : body.Length;
            await context.Response.Body.WriteAsync(body);
            await context.Response.Body.FlushAsync();
        });
        await app.StartAsync();
        return app;
    }

    private sealed class Unmeasured : HttpContent
    {
        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => stream.WriteAsync(_body).AsTask();

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
