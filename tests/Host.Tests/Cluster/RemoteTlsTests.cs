using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Cluster;
using MeshDns.Actors.Cluster;
using MeshDns.Host.Cluster;
using MeshDns.Host.Settings;
using MeshDns.Host.Tests.Settings;

namespace MeshDns.Host.Tests.Cluster;

/// <summary>The cluster's authority under Akka.Remote: who has no part in it gets nothing, and the nodes go on.</summary>
public sealed class RemoteTlsTests : IAsyncLifetime
{
    private static readonly DateTimeOffset _from = DateTimeOffset.UtcNow.AddDays(-2);

    private readonly TemporaryFiles _files = new();
    private readonly List<ActorSystem> _systems = [];
    private readonly List<IDisposable> _disposed = [];

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        await Task.WhenAll(_systems.Select(s => s.Terminate()));
        foreach (var each in _disposed) each.Dispose();
        _files.Dispose();
    }

    [Fact]
    public async Task Nodes_of_one_secret_are_a_cluster_and_one_of_another_has_no_part_in_it()
    {
        var secret = new Secret("sixteen characters or more");
        await using var node = new Peer(this, FromSecret(secret));
        await node.JoinAsync(node.Address);
        var stranger = new Peer(this, FromSecret(new Secret("another secret, as long as it")));
        var plain = new Peer(this, null);
        foreach (var each in (Peer[])[stranger, plain]) each.Cluster.Join(node.Address.WithProtocol(each.Address.Protocol));
        await SeesNobodyAsync(node);
        await using var friend = new Peer(this, FromSecret(secret));
        await friend.JoinAsync(node.Address);
        await UntilAsync(() => node.Members == 2 && friend.Members == 2);
        Assert.Equal((0, 0), (stranger.Members, plain.Members));
    }

    [Fact]
    public async Task Of_files_only_a_valid_certificate_of_the_same_authority_counts()
    {
        using var authority = Root("CN=ours");
        using var other = Root("CN=other");
        await using var node = new Peer(this, FromFiles(authority, authority));
        await node.JoinAsync(node.Address);
        // Each trusts the node, so that it is the node that refuses.
        var foreign = new Peer(this, FromFiles(other, authority));
        var expired = new Peer(this, FromFiles(authority, authority, until: _from.AddDays(1)));
        var halved = new Peer(this, FromFiles(authority, authority, purposes: [ClusterTls.ServerPurpose]));
        foreach (var each in (Peer[])[foreign, expired, halved]) each.Cluster.Join(node.Address);
        await SeesNobodyAsync(node);
        await using var friend = new Peer(this, FromFiles(authority, authority));
        await friend.JoinAsync(node.Address);
        await UntilAsync(() => node.Members == 2);
        Assert.Equal((0, 0, 0), (foreign.Members, expired.Members, halved.Members));
    }

    [Fact]
    public async Task Who_shows_no_certificate_or_speaks_no_TLS_hears_nothing()
    {
        await using var node = new Peer(this, FromSecret(new Secret("sixteen characters or more")));
        await node.JoinAsync(node.Address);
        Assert.Equal(0, await HearAsync(node, async stream =>
        {
            var tls = new SslStream(stream, false, (_, shown, _, _) => shown is not null);
            await tls.AuthenticateAsClientAsync("node");
            return tls;
        }));
        Assert.Equal(0, await HearAsync(node, async stream =>
        {
            await stream.WriteAsync(new byte[64]);
            return stream;
        }));
        await using var friend = new Peer(this, FromSecret(new Secret("sixteen characters or more")));
        await friend.JoinAsync(node.Address);
        await UntilAsync(() => node.Members == 2);
    }

    [Fact]
    public async Task A_peer_that_goes_away_in_a_handshake_ends_nobody_elses_actor_system()
    {
        await using var node = new Peer(this, FromSecret(new Secret("sixteen characters or more")));
        var handshakes = new HandshakeFailures(node.System);
        await node.JoinAsync(node.Address);
        using var dying = new TcpListener(IPAddress.Loopback, 0);
        dying.Start();
        node.System.ActorSelection(new RootActorPath(node.Address.WithPort(((IPEndPoint)dying.LocalEndpoint).Port)) / "user").Tell(new Identify(null));
        using (await dying.AcceptTcpClientAsync())
        {
            // It says nothing, and is gone.
        }
        await UntilAsync(() => CoordinatedShutdown.Get(node.System).ShutdownReason is not null);
        await using var friend = new Peer(this, FromSecret(new Secret("sixteen characters or more")));
        await friend.JoinAsync(node.Address);
        await UntilAsync(() => node.Members == 2);
        Assert.False(node.System.WhenTerminated.IsCompleted);
        handshakes.End();
        await node.System.WhenTerminated.WaitAsync(TimeSpan.FromSeconds(30));
    }

    internal static async Task UntilAsync(Func<bool> holds)
    {
        for (var i = 0; i < 1000 && !holds(); i++) await Task.Delay(20);
        Assert.True(holds());
    }

    // Bytes that come before the connection ends; a TLS alert is none of those.
    private static async Task<int> HearAsync(Peer node, Func<NetworkStream, Task<Stream>> begin)
    {
        using var client = new TcpClient();
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        await client.ConnectAsync(node.Address.Host, node.Address.Port!.Value, patience.Token);
        try
        {
            await using var stream = await begin(client.GetStream());
            var buffer = new byte[4096];
            var count = await stream.ReadAsync(buffer, patience.Token);
            // 21: the record type of an alert, which ends it.
            return count > 0 && buffer[0] == 21 && stream is NetworkStream ? await stream.ReadAsync(buffer, patience.Token) : count;
        }
        catch (Exception e) when (e is IOException or System.Security.Authentication.AuthenticationException) { return 0; }
    }

    private static async Task SeesNobodyAsync(Peer node)
    {
        for (var i = 0; i < 20; i++)
        {
            await Task.Delay(50);
            Assert.Equal((1, 0), (node.Members, node.Cluster.State.Unreachable.Count));
        }
    }

    private ClusterTls FromSecret(Secret secret) => Kept(ClusterTls.FromSecret(secret));

    private ClusterTls FromFiles(X509Certificate2 issuer, X509Certificate2 trusted, DateTimeOffset? until = null, string[]? purposes = null)
    {
        var file = Guid.NewGuid().ToString("N");
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=node", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([.. (purposes ?? [ClusterTls.ServerPurpose, ClusterTls.ClientPurpose]).Select(p => new Oid(p))], critical: false));
        using var certificate = request.Create(issuer, _from, until ?? _from.AddDays(10), RandomNumberGenerator.GetBytes(8));
        _files.Write($"{file}.pem", certificate.ExportCertificatePem());
        _files.Write($"{file}.key", key.ExportPkcs8PrivateKeyPem());
        _files.Write($"{file}.ca", trusted.ExportCertificatePem());
        return Kept(ClusterTls.Load(new ClusterTlsSettings(_files.PathOf($"{file}.pem"), _files.PathOf($"{file}.key"), _files.PathOf($"{file}.ca")), TimeProvider.System));
    }

    private ClusterTls Kept(ClusterTls tls)
    {
        _disposed.Add(tls);
        return tls;
    }

    private static X509Certificate2 Root(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        return request.CreateSelfSigned(_from, _from.AddDays(30));
    }

    /// <summary>A bare actor system with a node's settings.</summary>
    internal static ActorSystem StartSystem(ClusterTls? tls)
    {
        var config = AkkaSettings.Of(new RemoteAddress("127.0.0.1", 0, null, null, IsEncrypted: tls is not null), ["owner"], TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(5),
            new JournalPlugin("Data Source=nowhere", "SQLite.MS", IsShared: false), new Dictionary<string, string>());
        var setup = ActorSystemSetup.Create(BootstrapSetup.Create().WithConfig(config), new NodeSetup((_, _, _, _) => { }, null));
        return ActorSystem.Create("mesh-test", tls is null ? setup : setup.And(tls.ForRemote()));
    }

    private sealed class Peer : IAsyncDisposable
    {
        private readonly ActorSystem _system;

        public Peer(RemoteTlsTests test, ClusterTls? tls)
        {
            _system = StartSystem(tls);
            test._systems.Add(_system);
            Cluster = Akka.Cluster.Cluster.Get(_system);
        }

        public ActorSystem System => _system;

        public Akka.Cluster.Cluster Cluster { get; }

        public Address Address => Cluster.SelfAddress;

        public int Members => Cluster.State.Members.Count(m => m.Status == MemberStatus.Up);

        public async Task JoinAsync(Address address)
        {
            Cluster.Join(address);
            await UntilAsync(() => Cluster.SelfMember.Status == MemberStatus.Up);
        }

        public async ValueTask DisposeAsync() => await _system.Terminate();
    }
}
