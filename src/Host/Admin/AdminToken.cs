using System.Security.Cryptography;
using System.Text;
using MeshDns.Host.Settings;

namespace MeshDns.Host.Admin;

/// <summary>The token that callers show, which may become another while the node runs. Any thread.</summary>
internal sealed class AdminToken
{
    private volatile byte[]? _hash;

    /// <summary>Takes another for the requests that come from here on; one that is not set asks for none.</summary>
    // Hashing makes the compared lengths equal, so that the time of the comparison does not tell the token's length either.
    public void Adopt(Secret token) => _hash = token.IsSet ? HashOf(token.Reveal()) : null;

    /// <summary>Whether what was shown is the token; null while none is asked for.</summary>
    public bool? Is(string? shown) => _hash is not { } hash ? null : shown is not null && CryptographicOperations.FixedTimeEquals(HashOf(shown), hash);

    private static byte[] HashOf(string text) => SHA256.HashData(Encoding.UTF8.GetBytes(text));
}
