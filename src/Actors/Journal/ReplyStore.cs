using System.IO.Compression;
using System.Text.Json;
using MeshDns.Contracts.Messages;

namespace MeshDns.Actors.Journal;

/// <summary>How remembered replies are kept, and how many: a reply to 65,024 documents is 15 MB of JSON that compresses to a tenth.</summary>
internal static class ReplyStore
{
    /// <summary>A reply is kept for a day.</summary>
    public const long LifetimeMs = 24 * 60 * 60 * 1000L;

    /// <summary>A reply under a node's key is kept so long: much longer than any attempt at the change can last.</summary>
    public const long ForwardedLifetimeMs = 5 * 60 * 1000L;

    /// <summary>At most so many replies are kept, the newest.</summary>
    public const long MaxReplies = 10_000;

    /// <summary>All replies together, compressed; the newest is kept whatever its size.</summary>
    public const long MaxBytes = 64 << 20;

    /// <summary>Above this a reply is large: the sum is checked when one is written.</summary>
    public const int LargeBytes = 6_000;

    /// <summary>Compresses a reply while it is written out.</summary>
    public static byte[] Pack(ChangeReply reply)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest)) JsonSerializer.Serialize(gzip, reply, ReplyJson.Default.ChangeReply);
        return packed.ToArray();
    }

    /// <summary>What <see cref="Pack"/> compressed, or JSON as it is, which is how the small and many replies under nodes' keys are kept.</summary>
    /// <exception cref="JsonException">It is neither.</exception>
    public static ChangeReply Unpack(byte[] packed)
    {
        if (packed is [(byte)'{', ..]) return JsonSerializer.Deserialize(packed, ReplyJson.Default.ChangeReply)!;
        using var gzip = new GZipStream(new MemoryStream(packed), CompressionMode.Decompress);
        return JsonSerializer.Deserialize(gzip, ReplyJson.Default.ChangeReply)!;
    }
}
