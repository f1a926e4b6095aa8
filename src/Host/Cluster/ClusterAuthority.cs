using System.Globalization;
using System.Numerics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using MeshDns.Host.Settings;

namespace MeshDns.Host.Cluster;

/// <summary>
/// The certificate authority that <c>cluster.secret</c> stands for (docs/adr/0025): whoever has the secret has its key, so nothing is copied or stored.
/// </summary>
internal static class ClusterAuthority
{
    // What each guess at the secret costs. Whoever can connect sees a certificate, and with it something to hold guesses to.
    private const int Rounds = 1_000_000;

    private const string AuthorityName = "CN=meshdns cluster authority";
    private const string NodeName = "CN=meshdns node";

    private static readonly BigInteger _order = BigInteger.Parse("0FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551", NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    // No clock decides: a new secret is what ends certificates.
    private static readonly DateTimeOffset _from = new(1970, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly DateTimeOffset _until = new(2099, 12, 31, 0, 0, 0, TimeSpan.Zero);

    /// <summary>When certificates of the authority are looked at, whatever the clock shows.</summary>
    public static DateTime Today { get; } = new(2000, 1, 1, 0, 0, 0, DateTimeKind.Utc);

    /// <summary>The authority's key, the same for the same secret; about a quarter of a second of one core.</summary>
    public static ECDsa KeyOf(Secret secret)
    {
        var stretched = Rfc2898DeriveBytes.Pbkdf2(Encoding.UTF8.GetBytes(secret.Reveal()), "meshdns cluster authority 1"u8, Rounds, HashAlgorithmName.SHA256, 32);
        // 128 bits more than the order has: what the remainder prefers is beyond measure.
        var wide = HKDF.Expand(HashAlgorithmName.SHA256, stretched, 48, "meshdns cluster authority 1: P-256"u8.ToArray());
        var scalar = (new BigInteger(wide, isUnsigned: true, isBigEndian: true) % (_order - 1)) + 1;
        var bytes = scalar.ToByteArray(isUnsigned: true, isBigEndian: true);
        var key = new byte[32];
        bytes.CopyTo(key, key.Length - bytes.Length);
        return ECDsa.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP256, D = key });
    }

    /// <summary>The authority's certificate. Only its signature differs from node to node, and nobody looks at that of a root.</summary>
    public static X509Certificate2 CertificateOf(ECDsa key)
    {
        var request = new CertificateRequest(AuthorityName, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: true, pathLengthConstraint: 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, critical: true));
        return request.Create(request.SubjectName, X509SignatureGenerator.CreateForECDsa(key), _from, _until, [1]);
    }

    /// <summary>A new certificate with a new key, for one life of a node.</summary>
    public static X509Certificate2 Issue(X509Certificate2 authority, ECDsa authorityKey)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(NodeName, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: false, hasPathLengthConstraint: false, pathLengthConstraint: 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(ClusterTls.ServerPurpose), new Oid(ClusterTls.ClientPurpose)], critical: true));
        // Sixteen random bytes whose first is not negative as ASN.1 reads it.
        var serial = RandomNumberGenerator.GetBytes(16);
        serial[0] = (byte)((serial[0] & 0x3F) | 0x40);
        using var issued = request.Create(authority.SubjectName, X509SignatureGenerator.CreateForECDsa(authorityKey), _from, _until, serial);
        return issued.CopyWithPrivateKey(key);
    }
}
