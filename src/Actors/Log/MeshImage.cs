using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using MeshDns.Actors.Vips;
using MeshDns.Contracts.Events;

namespace MeshDns.Actors.Log;

/// <summary>
/// The whole state at one place of the log, in parts: the rest (keys, epoch, settings), the ledger, and a table a bucket. It counts when a row of the log carries its digest; it only shortens the way, the rows
/// that it stands for say the same. Equal states give equal bytes.
/// </summary>
/// <param name="Position">The closing row up to which it speaks.</param>
/// <param name="Parts">By name: <see cref="RestPart"/>, <see cref="LedgerPart"/>, and the tags of buckets.</param>
internal sealed record MeshImage(LogPosition Position, IReadOnlyDictionary<string, PackedBytes> Parts)
{
    /// <summary>The name of the part with everything that is neither ledger nor table.</summary>
    public const string RestPart = "mesh";

    /// <summary>The name of the ledger's part.</summary>
    public const string LedgerPart = "vips";

    /// <summary>What owners hand on of <see cref="RestPart"/>: the settings alone, as a fact.</summary>
    public const string SettingsPart = "settings";

    /// <summary>The size of all parts, as they are stored.</summary>
    public long StoredBytes => Parts.Values.Sum(p => (long)p.Stored.Length);

    /// <summary>The settings as the log would write them; null when they are not there.</summary>
    /// <exception cref="FormatException">The part is missing or damaged.</exception>
    public byte[]? Settings => Rest().Settings is { } settings ? EventCodec.Encode(settings).Payload : null;

    /// <summary>What the log was founded with; null when the image does not say.</summary>
    /// <exception cref="FormatException">The part is missing or damaged.</exception>
    public ClusterFounded? Founded => Rest().Cluster;

    /// <summary>What <see cref="SettingsPart"/> says.</summary>
    /// <exception cref="FormatException">It is damaged.</exception>
    public static MeshEvent ReadSettings(ReadOnlySpan<byte> part) => EventCodec.Decode("settings-changed.1", part);

    /// <summary>SHA-256 over place and unpacked parts, in order of their names; lower-case hexadecimal.</summary>
    public string Digest
    {
        get
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            hash.AppendData(Encoding.UTF8.GetBytes(Position.ToString()));
            foreach (var (name, part) in Parts.OrderBy(p => p.Key, StringComparer.Ordinal))
            {
                var bytes = part.Unpack();
                hash.AppendData(Encoding.UTF8.GetBytes($"\n{name} {bytes.Length}\n"));
                hash.AppendData(bytes);
            }
            return Convert.ToHexStringLower(hash.GetHashAndReset());
        }
    }

    /// <summary>An image of a state.</summary>
    public static MeshImage Of(MeshState state, Buckets buckets, VipLedgerCore vips)
    {
        var parts = new Dictionary<string, PackedBytes>
        {
            [RestPart] = PackedBytes.Of(JsonSerializer.SerializeToUtf8Bytes(ImageRest.Of(state), ImageJson.Default.ImageRest)),
            [LedgerPart] = PackedBytes.Of(VipLedgerCore.Snapshot(state.Ledger)),
        };
        for (var bucket = 0; bucket < buckets.Count; bucket++) parts.Add(buckets.TagOf(bucket), state.Tables.Snapshot(bucket));
        return new MeshImage(state.Position, parts);
    }

    /// <summary>What an image says that is no table; its tables are empty.</summary>
    /// <exception cref="FormatException">A part is missing or damaged.</exception>
    public MeshState ReadWithoutTables(Buckets buckets, VipLedgerCore vips) => Read(vips, () => BucketTables.Empty(buckets.Count));

    /// <summary>The state that an image was made of; its tables rest.</summary>
    /// <exception cref="FormatException">A part is missing or damaged.</exception>
    public MeshState Read(Buckets buckets, VipLedgerCore vips) => Read(vips, () => BucketTables.Of(Enumerable.Range(0, buckets.Count).Select(b => Parts[buckets.TagOf(b)])));

    /// <summary>True when a row of the log carries an image's digest.</summary>
    public static bool IsVouchedForBy(LogRow row, LogPosition image, string digest)
    {
        if (row.Kind != RowKind.Closing) return false;
        try { return RowCodec.Decode(row) is Closing closing && closing.Facts.Any(f => f.Fact is ImageSaved saved && saved.Number == image.Number && saved.Term == image.Term && saved.Digest == digest); }
        catch (FormatException) { return false; }
    }

    private MeshState Read(VipLedgerCore vips, Func<BucketTables> tables) => Guarded(() => Rest().Read(Position, vips.Restore(Parts[LedgerPart].Unpack()), tables()));

    private ImageRest Rest() => Guarded(() => JsonSerializer.Deserialize(Parts[RestPart].Unpack(), ImageJson.Default.ImageRest) ?? throw new JsonException("it is null"));

    private T Guarded<T>(Func<T> read)
    {
        try { return read(); }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or ArgumentException) { throw new FormatException($"the image at {Position} is damaged: {e.Message}", e); }
    }
}

/// <summary>The part of an image that is neither ledger nor table.</summary>
internal sealed record ImageRest(
    long At, long Epoch, int Format, ClusterFounded? Cluster, SettingsChanged? Settings, ImageSaved? Image,
    IReadOnlyList<ImagePlace> LastOf, IReadOnlyDictionary<string, long> SourceRuns, ImageReplies Replies, ImageReplies NodeReplies)
{
    public static ImageRest Of(MeshState state) => new(
        state.At, state.Epoch, state.Format, state.Cluster, state.Settings, state.Image,
        [.. state.LastOf.Select(p => new ImagePlace(p.Number, p.Term))], state.SourceRuns, ImageReplies.Of(state.Replies), ImageReplies.Of(state.NodeReplies));

    public MeshState Read(LogPosition position, VipLedger ledger, BucketTables tables) => new()
    {
        Position = position,
        At = At,
        Epoch = Epoch,
        Format = Format,
        Cluster = Cluster,
        Settings = Settings,
        Image = Image,
        Ledger = ledger,
        Tables = tables,
        LastOf = LastOf.Count == tables.Count ? [.. LastOf.Select(p => new LogPosition(p.Number, p.Term))] : throw new JsonException($"it is of {LastOf.Count} buckets, not {tables.Count}"),
        SourceRuns = SourceRuns.ToImmutableSortedDictionary(StringComparer.Ordinal),
        Replies = Replies.Read(ReplyMemory.OfCallers),
        NodeReplies = NodeReplies.Read(ReplyMemory.OfNodes),
    };
}

/// <summary>A place of the log.</summary>
internal sealed record ImagePlace(long Number, string Term);

/// <summary>Remembered replies, oldest first.</summary>
internal sealed record ImageReplies(long ForgottenAt, IReadOnlyList<ImageReply> Items)
{
    public static ImageReplies Of(ReplyMemory memory) => new(memory.ForgottenAt, [.. memory.All.Select(r => new ImageReply(r.Number, r.At, r.Reply.Key, r.Reply.Digest, r.Reply.Reply))]);

    public ReplyMemory Read(ReplyMemory empty) => ReplyMemory.Of(empty, Items.Select(i => (i.Number, i.At, new RememberedKey(i.Key, i.Digest, i.Reply))), ForgottenAt);
}

/// <summary>A remembered reply.</summary>
internal sealed record ImageReply(long Number, long At, string Key, string Digest, byte[] Reply);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectNullableAnnotations = true)]
[JsonSerializable(typeof(ImageRest))]
internal sealed partial class ImageJson : JsonSerializerContext;
