using System.Buffers;
using System.IO.Compression;
using System.Text.Json;
using MeshDns.Contracts.Events;

namespace MeshDns.Actors.Log;

/// <summary>Row contents as bytes: JSON, deflated where that helps. Total: whatever the bytes are, they are read or refused.</summary>
internal static class RowCodec
{
    private const byte Deflated = 1;
    private const int DeflateAbove = 400;

    // What a row may unpack to: a row that says more is damaged, whatever compression made of it.
    private const int MaxUnpacked = 16 << 20;

    public static byte[] Encode(RowContent content)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            switch (content)
            {
                case BucketFacts bucket: Write(json, bucket); break;
                case ReplyPart part: Write(json, part); break;
                case Closing closing: Write(json, closing); break;
                default: throw new InvalidOperationException($"the log has no row of {content.GetType().Name}");
            }
            json.WriteEndObject();
        }
        return Pack(buffer.WrittenSpan);
    }

    /// <exception cref="FormatException">The payload is damaged, or a newer version wrote it.</exception>
    public static RowContent Decode(LogRow row)
    {
        try
        {
            ReadOnlySpan<byte> json = row.Payload is [Deflated, ..] ? Unpack(row.Payload) : row.Payload;
            return RowReader.Read(row.Kind, json);
        }
        catch (Exception e) when (e is JsonException or InvalidDataException or InvalidOperationException or IOException or FormatException or OverflowException)
        {
            throw new FormatException($"row {row.Number} of the log cannot be read: {e.Message}", e);
        }
    }

    /// <summary>About how many bytes a fact takes in a row before it is deflated.</summary>
    public static int SizeOf(EncodedEvent fact) => fact.Payload.Length + fact.Kind.Length + 16;

    private static byte[] Pack(ReadOnlySpan<byte> json)
    {
        if (json.Length <= DeflateAbove) return json.ToArray();
        using var packed = new MemoryStream(json.Length / 4);
        packed.WriteByte(Deflated);
        using (var deflate = new DeflateStream(packed, CompressionLevel.Fastest, leaveOpen: true)) deflate.Write(json);
        return packed.Length < json.Length ? packed.ToArray() : json.ToArray();
    }

    private static byte[] Unpack(byte[] payload)
    {
        using var inflate = new DeflateStream(new MemoryStream(payload, 1, payload.Length - 1, writable: false), CompressionMode.Decompress);
        using var json = new MemoryStream(payload.Length * 4);
        var block = ArrayPool<byte>.Shared.Rent(1 << 16);
        try
        {
            for (int read; (read = inflate.Read(block)) > 0; json.Write(block, 0, read))
                if (json.Length + read > MaxUnpacked) throw new InvalidDataException($"it unpacks to more than {MaxUnpacked} bytes");
        }
        finally { ArrayPool<byte>.Shared.Return(block); }
        return json.ToArray();
    }

    private static void Write(Utf8JsonWriter json, BucketFacts content)
    {
        json.WriteNumber("closing", content.Closing);
        if (content.Before != LogPosition.Start)
        {
            json.WriteNumber("before", content.Before.Number);
            json.WriteString("beforeTerm", content.Before.Term);
        }
        Write(json, content.Facts);
    }

    private static void Write(Utf8JsonWriter json, ReplyPart content)
    {
        json.WriteNumber("closing", content.Closing);
        json.WriteString("key", content.Key);
        json.WriteBase64String("bytes", content.Bytes);
    }

    private static void Write(Utf8JsonWriter json, Closing content)
    {
        json.WriteNumber("first", content.First);
        json.WriteNumber("count", content.Count);
        json.WriteNumber("at", content.At);
        if (content.By.Length > 0) json.WriteString("by", content.By);
        Write(json, content.Facts);
        json.WriteStartArray("keys");
        foreach (var key in content.Keys)
        {
            json.WriteStartObject();
            json.WriteString("key", key.Key);
            json.WriteString("digest", key.Digest);
            if (key.Reply is { } reply) json.WriteBase64String("reply", reply);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteStartArray("buckets");
        foreach (var bucket in content.Buckets) json.WriteNumberValue(bucket);
        json.WriteEndArray();
    }

    private static void Write(Utf8JsonWriter json, IReadOnlyList<PlacedFact> facts)
    {
        json.WriteStartArray("facts");
        foreach (var (ordinal, fact) in facts)
        {
            var encoded = EventCodec.Encode(fact);
            json.WriteStartArray();
            json.WriteNumberValue(ordinal);
            json.WriteStringValue(encoded.Kind);
            json.WriteRawValue(encoded.Payload, skipInputValidation: true);
            json.WriteEndArray();
        }
        json.WriteEndArray();
    }
}
