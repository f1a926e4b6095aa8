using System.Globalization;
using System.Security.Cryptography;

namespace MeshDns.Host.Cluster;

/// <summary>
/// What a message's head says of its body: <c>BYTES SHA-256</c>. The seal covers it, so the head is checked before a byte of the body is read,
/// and nobody without the secret can make a node buffer anything.
/// </summary>
internal readonly record struct BodyMark(int Bytes, string Sha256)
{
    private const int HashChars = 64;

    public static BodyMark Of(ReadOnlySpan<byte> body) => new(body.Length, Convert.ToHexStringLower(SHA256.HashData(body)));

    public static bool TryParse(string? text, out BodyMark mark)
    {
        mark = default;
        if (text?.IndexOf(' ') is not (> 0 and var space)
            || !int.TryParse(text.AsSpan(0, space), NumberStyles.None, CultureInfo.InvariantCulture, out var bytes)
            || text.Length - space - 1 != HashChars)
            return false;
        mark = new BodyMark(bytes, text[(space + 1)..]);
        return true;
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Bytes} {Sha256}");
}
