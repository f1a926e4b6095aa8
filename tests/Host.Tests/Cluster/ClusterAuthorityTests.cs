using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MeshDns.Actors;
using MeshDns.Contracts.Messages;
using MeshDns.Host.Cluster;
using MeshDns.Host.Settings;
using MeshDns.Tests.Shared;

namespace MeshDns.Host.Tests.Cluster;

/// <summary>One secret is one authority, on every node and at every hour.</summary>
public sealed class ClusterAuthorityTests
{
    // What other builds derive too: to change it parts every cluster into nodes of before and after. Reckoned a second time by other code (hashlib, and the curve by hand).
    private const string Golden = "49661bbe38f6fb8ef0095e4fe75428a56422ec9b57a243c65a0e3dd60bda3e9b";

    private static readonly TimeSpan _long = TimeSpan.FromSeconds(60);
    private static readonly ClusterSettings _settings = TestNode.Settings();

    [Fact]
    public void The_key_of_a_secret_is_always_the_same()
    {
        using var key = ClusterAuthority.KeyOf(_settings.Secret);
        Assert.Equal(Golden, Convert.ToHexStringLower(SHA256.HashData(key.ExportSubjectPublicKeyInfo())));
        using var other = ClusterAuthority.KeyOf(new Secret(_settings.Secret.Reveal() + "!"));
        Assert.NotEqual(key.ExportSubjectPublicKeyInfo(), other.ExportSubjectPublicKeyInfo());
    }

    [Theory]
    [InlineData(1960, 2150)]
    [InlineData(1971, 2098)]
    [InlineData(2098, 1971)]
    public async Task Two_nodes_that_derive_it_each_for_itself_trust_each_other_whatever_their_clocks_show(int here, int there)
    {
        using var serverTls = ClusterTls.Make(_settings, ClockOf(here))!;
        using var clientTls = ClusterTls.Make(_settings, ClockOf(there))!;
        Assert.NotEqual(serverTls.Own.GetPublicKey(), clientTls.Own.GetPublicKey());
        await using var node = await TestNode.StartAsync(tls: serverTls);
        using var client = new ClusterClient(_settings, clientTls, TimeProvider.System);
        Assert.IsType<Drained>(await client.AskAsync(node.Address, new EdgeGetCluster(), _long, CancellationToken.None));
    }

    [Fact]
    public void A_certificate_is_valid_from_1970_to_2099_for_both_sides()
    {
        Assert.Equal((1970, 2099), (TestNode.Tls.Own.NotBefore.ToUniversalTime().Year, TestNode.Tls.Own.NotAfter.ToUniversalTime().Year));
        var purposes = Assert.Single(TestNode.Tls.Own.Extensions.OfType<X509EnhancedKeyUsageExtension>()).EnhancedKeyUsages;
        Assert.Equal(["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"], purposes.Cast<Oid>().Select(p => p.Value));
        Assert.False(Assert.Single(TestNode.Tls.Own.Extensions.OfType<X509BasicConstraintsExtension>()).CertificateAuthority);
    }

    [Fact]
    public async Task A_node_of_another_secret_is_told_what_may_be_wrong_and_neither_trusts_the_other()
    {
        using var theirs = ClusterTls.FromSecret(new Secret("another secret, as long"));
        await using var node = await TestNode.StartAsync();
        using var client = new ClusterClient(_settings, theirs, TimeProvider.System);
        var refused = await Assert.ThrowsAsync<NotSentException>(() => client.AskAsync(node.Address, new EdgeDrain("n1"), _long, CancellationToken.None));
        Assert.Contains("cluster.secret differs", refused.Message, StringComparison.Ordinal);
        await node.CountedAsync("certificate", 1);

        // One that trusts whomever it finds gets no further.
        Assert.False(await GetsInAsync(node, theirs.Own));
        await node.CountedAsync("certificate", 2);
        Assert.Equal(0, node.Handled);
    }

    [Theory]
    [InlineData("none")]
    [InlineData("signed by itself, under the name of the authority")]
    [InlineData("signed by a node")]
    [InlineData("signed by another authority of the same name")]
    public async Task Nothing_but_the_authority_counts(string shown)
    {
        await using var node = await TestNode.StartAsync();
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var otherKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var other = ClusterAuthority.CertificateOf(otherKey);
        using var own = shown switch
        {
            "none" => null,
            "signed by itself, under the name of the authority" => ClusterAuthority.CertificateOf(otherKey).CopyWithPrivateKey(otherKey),
            "signed by a node" => SignedByANode(key),
            _ => ClusterAuthority.Issue(other, otherKey),
        };
        Assert.False(await GetsInAsync(node, own));
        Assert.Equal(0, node.Handled);
        await node.CountedAsync("certificate", 1);
        Assert.True(await GetsInAsync(node, TestNode.Tls.Own));
    }

    // The certificate of a node is no authority's, whatever it signs.
    private static X509Certificate2 SignedByANode(ECDsa key)
    {
        using var nodeKey = TestNode.Tls.Own.GetECDsaPrivateKey()!;
        var request = new CertificateRequest("CN=stranger", key, HashAlgorithmName.SHA256);
        using var certificate = request.Create(TestNode.Tls.Own.SubjectName, X509SignatureGenerator.CreateForECDsa(nodeKey), DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(100), [7]);
        return certificate.CopyWithPrivateKey(key);
    }

    private static async Task<bool> GetsInAsync(TestNode node, X509Certificate2? shown)
    {
        using var handler = new SocketsHttpHandler();
        handler.SslOptions.RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null;
        if (shown is not null) handler.SslOptions.ClientCertificateContext = SslStreamCertificateContext.Create(shown, [TestNode.Tls.Own], offline: true);
        using var http = new HttpClient(handler) { DefaultRequestVersion = new Version(2, 0), DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact, Timeout = _long };
        try
        {
            using var response = await http.PostAsync($"https://{node.Address}{AskHead.Route}", null);
            return true;
        }
        catch (HttpRequestException) { return false; }
    }

    private static ManualTimeProvider ClockOf(int year) => new(new DateTimeOffset(year, 6, 1, 0, 0, 0, TimeSpan.Zero));
}
