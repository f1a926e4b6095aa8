using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Akka.Remote.Transport.DotNetty;
using MeshDns.Host.Settings;

namespace MeshDns.Host.Cluster;

/// <summary>
/// Mutual TLS between nodes: both sides show a certificate and demand one that comes from the cluster's authority and no other (not the
/// system's): the one that the secret stands for, or one of files. Revocation is not looked up: a node must not depend on a third party to reach
/// another; take the authority away instead.
/// </summary>
public sealed class ClusterTls : IDisposable
{
    /// <summary>The extended key usage of a server's certificate.</summary>
    internal const string ServerPurpose = "1.3.6.1.5.5.7.3.1";

    /// <summary>The extended key usage of a client's certificate.</summary>
    internal const string ClientPurpose = "1.3.6.1.5.5.7.3.2";

    private const SslProtocols Protocols = SslProtocols.Tls12 | SslProtocols.Tls13;

    private readonly X509Certificate2 _own;
    private readonly SslStreamCertificateContext _context;
    private readonly X509Certificate2Collection _authority;
    private readonly TimeProvider? _time;

    // Without a clock the authority is the secret's: then validity and host names say nothing, as whoever has the secret may be any node.
    private ClusterTls(X509Certificate2 own, X509Certificate2Collection chain, X509Certificate2Collection authority, TimeProvider? time)
    {
        _own = own;
        // The framework decodes this extension when it is first read, into a list that all share who read it at that moment: one purpose can be lost for good, and
        // Kestrel refuses the certificate. So it is read before anybody else has it.
        foreach (var usage in own.Extensions.OfType<X509EnhancedKeyUsageExtension>()) _ = usage.EnhancedKeyUsages;
        _context = SslStreamCertificateContext.Create(own, chain, offline: true);
        _authority = authority;
        _time = time;
    }

    /// <summary>What the settings ask for: the files where they name some, else the secret's authority. Without both there is none: null.</summary>
    /// <exception cref="InvalidOperationException">A file is missing or no PEM of its kind, or the key is not the certificate's.</exception>
    public static ClusterTls? Make(ClusterSettings settings, TimeProvider time) =>
        settings.Tls is { } files ? Load(files, time) : settings.Secret.IsSet ? FromSecret(settings.Secret) : null;

    /// <summary>The authority that the secret stands for, and a certificate of it with a key that is new each time. Takes about a quarter of a second.</summary>
    public static ClusterTls FromSecret(Secret secret)
    {
        using var key = ClusterAuthority.KeyOf(secret);
        var authority = ClusterAuthority.CertificateOf(key);
        return new ClusterTls(ClusterAuthority.Issue(authority, key), [], [authority], null);
    }

    /// <summary>Reads the files of an authority whose certificates' validity counts.</summary>
    /// <exception cref="InvalidOperationException">A file is missing or no PEM of its kind, or the key is not the certificate's.</exception>
    public static ClusterTls Load(ClusterTlsSettings settings, TimeProvider time)
    {
        var chain = Read("certificate", settings.Certificate, () => FromPem(settings.Certificate));
        var own = Read("key", settings.Key, () => X509Certificate2.CreateFromPemFile(settings.Certificate, settings.Key));
        return new ClusterTls(own, chain, Read("authority", settings.Authority, () => FromPem(settings.Authority)), time);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _own.Dispose();
        foreach (var root in _authority) root.Dispose();
    }

    /// <summary>What this node shows.</summary>
    internal X509Certificate2 Own => _own;

    /// <summary>Why the certificate of a node that is asked may not be trusted, for a person.</summary>
    internal string WhyNotTrusted => _time is null
        ? "it is no node of this cluster, or its cluster.secret differs"
        : "its certificate is not of the configured authority, or is for another host";

    /// <summary>For connections to a node. A certificate from files must be for the host (an address or a name) that is connected to.</summary>
    internal SslClientAuthenticationOptions ForClient(string host) => new()
    {
        EnabledSslProtocols = Protocols,
        ClientCertificateContext = _context,
        CertificateChainPolicy = NoDownloads(),
        RemoteCertificateValidationCallback = (_, shown, chain, _) =>
            IsTrusted(shown, chain, ServerPurpose) && (_time is null || ((X509Certificate2)shown!).MatchesHostname(host, allowCommonName: false)),
    };

    /// <summary>For connections from nodes. <paramref name="rejected"/> is told of each certificate that is missing or not trusted.</summary>
    internal void Apply(SslServerAuthenticationOptions options, Action rejected)
    {
        options.EnabledSslProtocols = Protocols;
        options.ServerCertificateContext = _context;
        options.ClientCertificateRequired = true;
        options.CertificateChainPolicy = NoDownloads();
        // A resumed session would rest on a certificate that was checked at another time.
        options.AllowTlsResume = false;
        options.RemoteCertificateValidationCallback = (_, shown, chain, _) =>
        {
            var trusted = IsTrusted(shown, chain, ClientPurpose);
            if (!trusted) rejected();
            return trusted;
        };
    }

    /// <summary>For Akka.Remote: each side demands of the other what both demand here. It does not say which side it is on, so a certificate must be good for both.</summary>
    internal DotNettySslSetup ForRemote() => new(_own, suppressValidation: false, requireMutualAuthentication: true, (shown, chain, _, _, _) =>
        IsTrusted(shown, chain, ServerPurpose) && IsTrusted(shown, chain, ClientPurpose));

    private bool IsTrusted(X509Certificate? shown, X509Chain? presented, string purpose)
    {
        if (shown is not X509Certificate2 certificate) return false;
        using var chain = new X509Chain();
        chain.ChainPolicy = NoDownloads();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(_authority);
        // The secret's authority signs nodes only.
        if (presented is not null && _time is not null) chain.ChainPolicy.ExtraStore.AddRange(presented.ChainPolicy.ExtraStore);
        chain.ChainPolicy.ApplicationPolicy.Add(new Oid(purpose));
        chain.ChainPolicy.VerificationTime = _time?.GetUtcNow().UtcDateTime ?? ClusterAuthority.Today;
        var trusted = chain.Build(certificate);
        foreach (var element in chain.ChainElements) element.Certificate.Dispose();
        return trusted;
    }

    // A certificate may say where its issuer's is found; a stranger is not to have this node look there.
    private static X509ChainPolicy NoDownloads() => new() { RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true };

    private static X509Certificate2Collection FromPem(string file)
    {
        var found = new X509Certificate2Collection();
        found.ImportFromPemFile(file);
        return found.Count > 0 ? found : throw new CryptographicException("it holds no certificate");
    }

    private static T Read<T>(string key, string file, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException)
        {
            throw new InvalidOperationException($"cluster.tls.{key}: {file} cannot be used: {e.Message}", e);
        }
    }
}
