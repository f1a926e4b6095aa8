using System.Security.Cryptography;
using System.Text.Json;
using MeshDns.Contracts.Messages;

namespace MeshDns.Actors.Cluster;

/// <summary>A hash of what was asked, to tell a repetition from a different request under the same key.</summary>
internal static class RequestDigest
{
    /// <summary>SHA-256 of the request without its key; lower-case hexadecimal.</summary>
    public static string Of(ChangeRequest request)
    {
        // Never all of it at once: a request may be of tens of megabytes.
        using var sha = SHA256.Create();
        using (var hashing = new CryptoStream(Stream.Null, sha, CryptoStreamMode.Write)) JsonSerializer.Serialize(hashing, request with { IdempotencyKey = null }, ReplyJson.Default.ChangeRequest);
        return Convert.ToHexStringLower(sha.Hash!);
    }
}
