using System.Net;
using MeshDns.Contracts.Messages;
using MeshDns.Host.Cluster;

namespace MeshDns.Host.Tests.Cluster;

/// <summary>A node that is starved sends slowly. The framework's own patience runs by its own clock, so this waits for longer than that.</summary>
public sealed class SlowBodyTests
{
    private static readonly TimeSpan _longerThanTheFrameworksPatience = TimeSpan.FromSeconds(7);

    [Fact]
    public async Task A_body_that_comes_slowly_does_not_end_its_connection()
    {
        await using var node = await TestNode.StartAsync();
        var body = NodeCodec.Write(new EdgeDrain("n1"));
        using var handler = new SocketsHttpHandler { SslOptions = TestNode.Tls.ForClient("127.0.0.1") };
        using var http = new HttpClient(handler) { Timeout = TimeSpan.FromSeconds(60) };
        using var message = new HttpRequestMessage(HttpMethod.Post, $"https://{node.Server.Endpoint}{AskHead.Route}")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new SlowContent(body, _longerThanTheFrameworksPatience),
        };
        message.Headers.TryAddWithoutValidation(AskHead.DeadlineHeader, "60000");
        using var response = await http.SendAsync(message);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    private sealed class SlowContent(byte[] body, TimeSpan pause) : HttpContent
    {
        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await stream.WriteAsync(body.AsMemory(0, 1));
            await stream.FlushAsync();
            await Task.Delay(pause);
            await stream.WriteAsync(body.AsMemory(1));
        }

        protected override bool TryComputeLength(out long length)
        {
            length = body.Length;
            return true;
        }
    }
}
