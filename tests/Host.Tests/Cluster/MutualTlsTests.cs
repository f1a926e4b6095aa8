using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MeshDns.Actors;
using MeshDns.Contracts.Messages;
using MeshDns.Host.Cluster;
using MeshDns.Host.Settings;
using MeshDns.Host.Tests.Settings;
using MeshDns.Tests.Shared;

namespace MeshDns.Host.Tests.Cluster;

public sealed class MutualTlsTests : IDisposable
{
    private static readonly TimeSpan _long = TimeSpan.FromSeconds(60);
    private static readonly DateTimeOffset _from = DateTimeOffset.UtcNow.AddDays(-1);

    private readonly TemporaryFiles _files = new();
    private readonly X509Certificate2 _authority = Root("CN=ours");
    private readonly X509Certificate2 _other = Root("CN=other");

    public void Dispose()
    {
        _authority.Dispose();
        _other.Dispose();
        _files.Dispose();
    }

    [Fact]
    public async Task Nodes_of_the_authority_talk()
    {
        using var tls = Tls(_authority);
        await using var node = await TestNode.StartAsync(tls: tls);
        for (var i = 0; i < 2; i++)
        {
            using var client = new ClusterClient(TestNode.Settings(), tls, TimeProvider.System);
            Assert.IsType<Drained>(await client.AskAsync(node.Address, new EdgeGetCluster(), _long, CancellationToken.None));
        }
    }

    [Fact]
    public async Task A_name_is_matched_as_an_address_is()
    {
        using var tls = Tls(_authority, names => names.AddDnsName("localhost"));
        await using var node = await TestNode.StartAsync(settings: TestNode.Settings(advertise: "localhost:0"), tls: tls);
        using var client = new ClusterClient(TestNode.Settings(), tls, TimeProvider.System);
        Assert.IsType<Drained>(await client.AskAsync($"localhost:{node.Server.Endpoint.Port}", new EdgeGetCluster(), _long, CancellationToken.None));
    }

    [Theory]
    [InlineData("another authority", true)]
    [InlineData("no certificate", false)]
    [InlineData("a certificate for servers only", true)]
    [InlineData("a certificate that is over", true)]
    public async Task A_client_that_is_no_node_is_refused(string shown, bool hasCertificate)
    {
        using var tls = Tls(_authority);
        await using var node = await TestNode.StartAsync(tls: tls);
        using var theirs = shown switch
        {
            "another authority" => Tls(_other, trusted: _authority),
            "a certificate for servers only" => Tls(_authority, purposes: ["1.3.6.1.5.5.7.3.1"]),
            "a certificate that is over" => Tls(_authority, until: _from.AddHours(1)),
            _ => null,
        };
        if (hasCertificate)
        {
            using var client = new ClusterClient(TestNode.Settings(), theirs!, TimeProvider.System);
            await Assert.ThrowsAnyAsync<MeshUnavailableException>(() => client.AskAsync(node.Address, new EdgeGetCluster(), _long, CancellationToken.None));
        }
        else
        {
            using var handler = new SocketsHttpHandler();
            handler.SslOptions.RemoteCertificateValidationCallback = (_, shown, _, _) => shown is not null;
            using var http = new HttpClient(handler) { DefaultRequestVersion = HttpVersion.Version20, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact, Timeout = _long };
            await Assert.ThrowsAsync<HttpRequestException>(() => http.PostAsync($"https://{node.Address}{AskHead.Route}", null));
        }
        Assert.Equal(0, node.Handled);
        Assert.Contains("{reason=\"certificate\"}", node.Metrics, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("another authority")]
    [InlineData("another address")]
    [InlineData("the address as a common name only")]
    public async Task A_server_that_is_not_the_node_is_refused(string shown)
    {
        using var theirs = shown switch
        {
            "another authority" => Tls(_other, trusted: _authority),
            "another address" => Tls(_authority, names => names.AddIpAddress(IPAddress.Parse("127.0.0.2"))),
            _ => Tls(_authority, names => names.AddDnsName("node-1"), name: "CN=127.0.0.1"),
        };
        await using var node = await TestNode.StartAsync(tls: theirs);
        using var ours = Tls(_authority);
        using var client = new ClusterClient(TestNode.Settings(), ours, TimeProvider.System);
        var refused = await Assert.ThrowsAsync<NotSentException>(() => client.AskAsync(node.Address, new EdgeGetCluster(), _long, CancellationToken.None));
        Assert.Contains("its certificate is not of the configured authority, or is for another host", refused.Message, StringComparison.Ordinal);
        Assert.Equal(0, node.Handled);
    }

    [Fact]
    public async Task A_server_needs_a_certificate_for_servers()
    {
        using var tls = Tls(_authority, purposes: ["1.3.6.1.5.5.7.3.2"]);
        Assert.Contains("Server Authentication", (await Assert.ThrowsAsync<InvalidOperationException>(() => TestNode.StartAsync(tls: tls))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Files_need_no_secret_and_stand_in_its_place()
    {
        var files = WriteFiles(_authority);
        using var tls = ClusterTls.Make(TestNode.Settings(secret: "") with { Tls = files }, TimeProvider.System)!;
        using var withSecret = ClusterTls.Make(TestNode.Settings() with { Tls = files }, TimeProvider.System)!;
        await using var node = await TestNode.StartAsync(tls: tls, settings: TestNode.Settings(secret: ""));
        using var client = new ClusterClient(TestNode.Settings(), withSecret, TimeProvider.System);
        Assert.IsType<Drained>(await client.AskAsync(node.Address, new EdgeGetCluster(), _long, CancellationToken.None));
        using var bySecret = new ClusterClient(TestNode.Settings(), TestNode.Tls, TimeProvider.System);
        await Assert.ThrowsAsync<NotSentException>(() => bySecret.AskAsync(node.Address, new EdgeGetCluster(), _long, CancellationToken.None));
        Assert.Equal(1, node.Handled);
    }

    [Fact]
    public async Task The_validity_of_files_counts_at_each_handshake()
    {
        using var clientTls = Tls(_authority);
        var time = new ManualTimeProvider(_from.AddDays(1));
        using var serverTls = ClusterTls.Load(WriteFiles(_authority), time);
        await using var node = await TestNode.StartAsync(tls: serverTls);
        using (var client = new ClusterClient(TestNode.Settings(), clientTls, TimeProvider.System))
            Assert.IsType<Drained>(await client.AskAsync(node.Address, new EdgeGetCluster(), _long, CancellationToken.None));
        time.StepUtc(TimeSpan.FromDays(20));
        using var late = new ClusterClient(TestNode.Settings(), clientTls, TimeProvider.System);
        await Assert.ThrowsAnyAsync<MeshUnavailableException>(() => late.AskAsync(node.Address, new EdgeGetCluster(), _long, CancellationToken.None));
        Assert.Contains("{reason=\"certificate\"} 1\n", node.Metrics, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("missing.pem", "node.key", "ca.pem", "cluster.tls.certificate")]
    [InlineData("node.pem", "missing.key", "ca.pem", "cluster.tls.key")]
    [InlineData("node.pem", "node.key", "missing.pem", "cluster.tls.authority")]
    [InlineData("node.pem", "other.key", "ca.pem", "cluster.tls.key")]
    [InlineData("empty", "node.key", "ca.pem", "cluster.tls.certificate")]
    [InlineData("node.pem", "node.key", "empty", "cluster.tls.authority")]
    public void Files_that_cannot_be_used_are_named(string certificate, string key, string authority, string says)
    {
        Write("node", _authority, _ => { }, "CN=n", [], _from.AddDays(10));
        Write("other", _authority, _ => { }, "CN=n", [], _from.AddDays(10));
        _files.Write("ca.pem", _authority.ExportCertificatePem());
        _files.Write("empty", "");
        var failed = Assert.Throws<InvalidOperationException>(() => ClusterTls.Load(new ClusterTlsSettings(_files.PathOf(certificate), _files.PathOf(key), _files.PathOf(authority)), TimeProvider.System));
        Assert.StartsWith(says, failed.Message, StringComparison.Ordinal);
    }

    private ClusterTls Tls(X509Certificate2 issuer, Action<SubjectAlternativeNameBuilder>? names = null, X509Certificate2? trusted = null, string[]? purposes = null, string name = "CN=node", DateTimeOffset? until = null) =>
        ClusterTls.Load(WriteFiles(issuer, names, trusted, purposes, name, until), TimeProvider.System);

    private ClusterTlsSettings WriteFiles(X509Certificate2 issuer, Action<SubjectAlternativeNameBuilder>? names = null, X509Certificate2? trusted = null, string[]? purposes = null, string name = "CN=node", DateTimeOffset? until = null)
    {
        var file = Guid.NewGuid().ToString("N");
        Write(file, issuer, names ?? (n => n.AddIpAddress(IPAddress.Loopback)), name, purposes ?? ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"], until ?? _from.AddDays(10));
        _files.Write($"{file}.ca", (trusted ?? issuer).ExportCertificatePem());
        return new ClusterTlsSettings(_files.PathOf($"{file}.pem"), _files.PathOf($"{file}.key"), _files.PathOf($"{file}.ca"));
    }

    private void Write(string file, X509Certificate2 issuer, Action<SubjectAlternativeNameBuilder> names, string name, string[] purposes, DateTimeOffset until)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256);
        var san = new SubjectAlternativeNameBuilder();
        san.AddDnsName("always.example");
        names(san);
        request.CertificateExtensions.Add(san.Build());
        if (purposes.Length > 0) request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([.. purposes.Select(p => new Oid(p))], critical: false));
        using var certificate = request.Create(issuer, _from, until, RandomNumberGenerator.GetBytes(8));
        _files.Write($"{file}.pem", certificate.ExportCertificatePem());
        _files.Write($"{file}.key", key.ExportPkcs8PrivateKeyPem());
    }

    private static X509Certificate2 Root(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        return request.CreateSelfSigned(_from, _from.AddDays(30));
    }
}
