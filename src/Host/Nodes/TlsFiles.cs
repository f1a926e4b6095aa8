using System.Security.Cryptography;
using MeshDns.Host.Settings;

namespace MeshDns.Host.Nodes;

/// <summary>What stood in the files of <c>cluster.tls</c> at the start, which are what the node goes on with: to tell who replaced them that it takes a restart.</summary>
internal sealed class TlsFiles
{
    private readonly (string Key, string Path, byte[]? Digest)[] _files;

    public TlsFiles(ClusterTlsSettings? tls) => _files = tls is null ? [] :
    [
        Of(SettingsSchema.ClusterTlsCertificate, tls.Certificate), Of(SettingsSchema.ClusterTlsKey, tls.Key), Of(SettingsSchema.ClusterTlsAuthority, tls.Authority),
    ];

    /// <summary>The keys whose files hold something else now, or cannot be read.</summary>
    public IEnumerable<string> Changed() => _files.Where(file => DigestOf(file.Path) is not { } now || !now.AsSpan().SequenceEqual(file.Digest)).Select(file => file.Key);

    private static (string, string, byte[]?) Of(SettingKey key, string path) => (SettingsUpdate.NameOf(key), path, DigestOf(path));

    private static byte[]? DigestOf(string path)
    {
        try
        {
            using var file = File.OpenRead(path);
            return SHA256.HashData(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
