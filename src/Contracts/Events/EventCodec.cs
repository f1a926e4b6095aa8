using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace MeshDns.Contracts.Events;

/// <summary>An event in the form in which the journal keeps it.</summary>
/// <param name="Kind">The stable name of the kind, with its version: <c>vip-granted.1</c>.</param>
/// <param name="Payload">UTF-8 JSON.</param>
public readonly record struct EncodedEvent(string Kind, byte[] Payload);

/// <summary>Turns events into journal rows and back. The table below is the whole vocabulary of the journal.</summary>
public static class EventCodec
{
    private static readonly Dictionary<Type, (string Kind, JsonTypeInfo Info)> _byType = [];
    private static readonly Dictionary<string, JsonTypeInfo> _byKind = [];

    static EventCodec()
    {
        var json = EventJson.Default;
        Register("document-put.1", json.DocumentPut);
        Register("document-deleted.1", json.DocumentDeleted);
        Register("host-declared.1", json.HostDeclared);
        Register("host-withdrawn.1", json.HostWithdrawn);
        Register("vip-granted.1", json.VipGranted);
        Register("vip-released.1", json.VipReleased);
        Register("address-claimed.1", json.AddressClaimed);
        Register("address-unclaimed.1", json.AddressUnclaimed);
        Register("vip-reserved.1", json.VipReserved);
        Register("vip-unreserved.1", json.VipUnreserved);
        Register("range-excluded.1", json.RangeExcluded);
        Register("range-included.1", json.RangeIncluded);
        Register("vip-rested.1", json.VipRested);
        Register("range-rested.1", json.RangeRested);
        Register("quarantine-changed.1", json.QuarantineChanged);
        Register("clock-set-back.1", json.ClockSetBack);
        Register("timeline-seen.1", json.TimelineSeen);
        Register("allocator-started.1", json.AllocatorStarted);
        Register("cluster-founded.1", json.ClusterFounded);
        Register("settings-changed.1", json.SettingsChanged);
        Register("image-saved.1", json.ImageSaved);
        Register("source-started.1", json.SourceStarted);
    }

    /// <summary>Every kind that this build reads.</summary>
    public static IReadOnlyCollection<string> Kinds => _byKind.Keys;

    /// <summary>Encodes an event.</summary>
    public static EncodedEvent Encode(MeshEvent fact)
    {
        var (kind, info) = _byType[fact.GetType()];
        return new EncodedEvent(kind, JsonSerializer.SerializeToUtf8Bytes(fact, info));
    }

    /// <summary>Decodes a journal row.</summary>
    /// <exception cref="FormatException">A kind that this build does not know (a newer version wrote it), or a damaged payload.</exception>
    public static MeshEvent Decode(string kind, ReadOnlySpan<byte> payload)
    {
        if (!_byKind.TryGetValue(kind, out var info)) throw new FormatException($"the journal holds an event of the kind '{kind}', which this version does not know; a newer version wrote it");
        try { return (MeshEvent?)JsonSerializer.Deserialize(payload, info) ?? throw new JsonException("it is null"); }
        catch (JsonException e) { throw new FormatException($"an event of the kind '{kind}' is damaged: {e.Message}", e); }
    }

    private static void Register<T>(string kind, JsonTypeInfo<T> info) where T : MeshEvent
    {
        _byType.Add(typeof(T), (kind, info));
        _byKind.Add(kind, info);
    }
}

/// <summary>Source-generated JSON of the journal: camelCase, nulls left out, enums by name.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, UseStringEnumConverter = true)]
[JsonSerializable(typeof(DocumentPut))]
[JsonSerializable(typeof(DocumentDeleted))]
[JsonSerializable(typeof(HostDeclared))]
[JsonSerializable(typeof(HostWithdrawn))]
[JsonSerializable(typeof(VipGranted))]
[JsonSerializable(typeof(VipReleased))]
[JsonSerializable(typeof(AddressClaimed))]
[JsonSerializable(typeof(AddressUnclaimed))]
[JsonSerializable(typeof(VipReserved))]
[JsonSerializable(typeof(VipUnreserved))]
[JsonSerializable(typeof(RangeExcluded))]
[JsonSerializable(typeof(RangeIncluded))]
[JsonSerializable(typeof(VipRested))]
[JsonSerializable(typeof(RangeRested))]
[JsonSerializable(typeof(QuarantineChanged))]
[JsonSerializable(typeof(ClockSetBack))]
[JsonSerializable(typeof(TimelineSeen))]
[JsonSerializable(typeof(AllocatorStarted))]
[JsonSerializable(typeof(ClusterFounded))]
[JsonSerializable(typeof(SettingsChanged))]
[JsonSerializable(typeof(ImageSaved))]
[JsonSerializable(typeof(SourceStarted))]
public sealed partial class EventJson : JsonSerializerContext;
