using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MeshDns.Host.Settings;

namespace MeshDns.Host.Cluster;

/// <summary>
/// Mutual TLS between nodes: both sides show a certificate and demand one that comes from the configured authority and no other (not the
/// system's). Revocation is not looked up: a node must not depend on a third party to reach another; take the authority away instead.
/// </summary>
public sealed class ClusterTls : IDisposable
{
    private const string ServerPurpose = "1.3.6.1.5.5.7.3.1";
    private const string ClientPurpose = "1.3.6.1.5.5.7.3.2";
    private const SslProtocols Protocols = SslProtocols.Tls12 | SslProtocols.Tls13;

    private readonly X509Certificate2 _own;
    private readonly SslStreamCertificateContext _context;
    private readonly X509Certificate2Collection _authority;
    private readonly TimeProvider _time;

    private ClusterTls(X509Certificate2 own, X509Certificate2Collection chain, X509Certificate2Collection authority, TimeProvider time)
    {
        _own = own;
        _context = SslStreamCertificateContext.Create(own, chain, offline: true);
        _authority = authority;
        _time = time;
    }

    /// <summary>Reads the files; null when the settings have none.</summary>
    /// <exception cref="InvalidOperationException">A file is missing or no PEM of its kind, or the key is not the certificate's.</exception>
    public static ClusterTls? Load(ClusterTlsSettings? settings, TimeProvider time)
    {
        if (settings is null) return null;
        var chain = Read("certificate", settings.Certificate, () => FromPem(settings.Certificate));
        var own = Read("key", settings.Key, () => X509Certificate2.CreateFromPemFile(settings.Certificate, settings.Key));
        return new ClusterTls(own, chain, Read("authority", settings.Authority, () => FromPem(settings.Authority)), time);
    }

    /// <inheritdoc/>
    public void Dispose() => _own.Dispose();

    /// <summary>What this node shows.</summary>
    internal X509Certificate2 Own => _own;

    /// <summary>For connections to a node, whose certificate must be for the host (an address or a name) that is connected to.</summary>
    internal SslClientAuthenticationOptions ForClient(string host) => new()
    {
        EnabledSslProtocols = Protocols,
        ClientCertificateContext = _context,
        RemoteCertificateValidationCallback = (_, shown, chain, _) => IsTrusted(shown, chain, ServerPurpose) && ((X509Certificate2)shown!).MatchesHostname(host, allowCommonName: false),
    };

    /// <summary>For connections from nodes. <paramref name="rejected"/> is told of each certificate that is missing or not trusted.</summary>
    internal void Apply(SslServerAuthenticationOptions options, Action rejected)
    {
        options.EnabledSslProtocols = Protocols;
        options.ServerCertificateContext = _context;
        options.ClientCertificateRequired = true;
        // A resumed session would rest on a certificate that was checked at another time.
        options.AllowTlsResume = false;
        options.RemoteCertificateValidationCallback = (_, shown, chain, _) =>
        {
            var trusted = IsTrusted(shown, chain, ClientPurpose);
            if (!trusted) rejected();
            return trusted;
        };
    }

    private bool IsTrusted(X509Certificate? shown, X509Chain? presented, string purpose)
    {
        if (shown is not X509Certificate2 certificate) return false;
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(_authority);
        if (presented is not null) chain.ChainPolicy.ExtraStore.AddRange(presented.ChainPolicy.ExtraStore);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.ApplicationPolicy.Add(new Oid(purpose));
        chain.ChainPolicy.VerificationTime = _time.GetUtcNow().UtcDateTime;
        var trusted = chain.Build(certificate);
        foreach (var element in chain.ChainElements) element.Certificate.Dispose();
        return trusted;
    }

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
