using System.IO.Compression;
using System.Text.Json;
using MeshDns.Contracts.Messages;

namespace MeshDns.Actors.Log;

/// <summary>A reply as it is remembered: JSON, deflated; a reply to 65,024 documents is 15 MB of JSON that shrinks to a tenth.</summary>
internal static class PackedReply
{
    public static byte[] Of(ChangeReply reply)
    {
        using var packed = new MemoryStream();
        using (var deflate = new DeflateStream(packed, CompressionLevel.Fastest)) JsonSerializer.Serialize(deflate, reply, ReplyJson.Default.ChangeReply);
        return packed.ToArray();
    }

    /// <exception cref="FormatException">It is damaged.</exception>
    public static ChangeReply Read(byte[] packed)
    {
        try
        {
            using var inflate = new DeflateStream(new MemoryStream(packed), CompressionMode.Decompress);
            return JsonSerializer.Deserialize(inflate, ReplyJson.Default.ChangeReply) ?? throw new JsonException("it is null");
        }
        catch (Exception e) when (e is JsonException or InvalidDataException) { throw new FormatException($"a remembered reply is damaged: {e.Message}", e); }
    }
}
