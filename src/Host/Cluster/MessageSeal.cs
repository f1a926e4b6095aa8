using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using MeshDns.Host.Settings;

namespace MeshDns.Host.Cluster;

/// <summary>
/// Seals what nodes say to each other with HMAC-SHA256 under a key from the cluster's secret (docs/adr/0014). The secret itself never travels, a
/// seal fits one message only, and a reply's seal fits one request only.
/// </summary>
internal sealed class MessageSeal(Secret secret)
{
    // Makes each guess at a poor secret, from traffic that was listened to, cost so many hashes. Done once, at start: about 20 ms.
    private const int Rounds = 50_000;

    private readonly byte[] _key = Rfc2898DeriveBytes.Pbkdf2(Encoding.UTF8.GetBytes(secret.Reveal()), "meshdns cluster v1"u8, Rounds, HashAlgorithmName.SHA256, 32);

    public string OfRequest(in AskHead head) =>
        Seal("ask", head.Method, head.Path, Text(head.DeadlineMs), head.Target, head.Nonce, head.Body.ToString());

    public string OfReply(string nonce, int status, BodyMark body) => Seal("reply", nonce, Text(status), body.ToString());

    /// <summary>Compares in a time that does not depend on where they differ.</summary>
    public static bool Same(string expected, string shown) =>
        CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(expected), Encoding.ASCII.GetBytes(shown));

    // Lengths go in, so that no two lists of fields make the same text.
    private string Seal(params ReadOnlySpan<string> fields)
    {
        var text = new StringBuilder();
        foreach (var field in fields) text.Append(CultureInfo.InvariantCulture, $"{field.Length}:{field}\n");
        return Convert.ToHexStringLower(HMACSHA256.HashData(_key, Encoding.UTF8.GetBytes(text.ToString())));
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
