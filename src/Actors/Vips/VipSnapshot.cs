using System.Text.Json;
using System.Text.Json.Serialization;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Vips;

namespace MeshDns.Actors.Vips;

/// <summary>The ledger as JSON. Everything is in order of index or text, so that equal ledgers give equal bytes.</summary>
internal sealed record VipSnapshot(
    string Ipv4,
    string Ipv6,
    long QuarantineMs,
    long LastAt,
    int Cursor,
    IReadOnlyList<VipSlotSnapshot> Slots,
    IReadOnlyList<VipPair> Claims,
    IReadOnlyList<VipPair> Exclusions,
    IReadOnlyList<VipRest> Resting,
    long? RestFloor = null)
{
    public static byte[] Write(VipLedger ledger) => JsonSerializer.SerializeToUtf8Bytes(
        new VipSnapshot(
            ledger.Range.V4.ToString(),
            ledger.Range.V6.ToString(),
            ledger.QuarantineMs,
            ledger.LastAt,
            ledger.Pool.Cursor,
            [.. ledger.Pool.Slots.Used(ledger.Range.First, ledger.Range.Last).Select(used => VipSlotSnapshot.Of(used.Index, used.Slot))],
            [.. ledger.Claims.Select(claim => new VipPair(claim.Address, claim.Host))],
            [.. ledger.Exclusions.Select(exclusion => new VipPair(exclusion.Cidr, exclusion.Host))],
            [.. ledger.RestingExclusions.Select(rest => new VipRest(rest.Cidr, rest.Until))],
            ledger.RestFloor == 0 ? null : ledger.RestFloor),
        VipSnapshotJson.Default.VipSnapshot);

    public static VipLedger Read(VipRange range, ReadOnlySpan<byte> json)
    {
        try
        {
            var snapshot = JsonSerializer.Deserialize(json, VipSnapshotJson.Default.VipSnapshot) ?? throw new FormatException("it is null");
            return snapshot.Restore(range);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // Damage takes any shape (a null in a list, an index beyond the tree); whatever it broke, the answer is the same.
            throw new FormatException($"the snapshot of the VIP ledger is damaged: {e.Message}", e);
        }
    }

    private VipLedger Restore(VipRange range)
    {
        if (Ipv4 != range.V4.ToString() || Ipv6 != range.V6.ToString()) throw new FormatException($"it is of the ranges {Ipv4} and {Ipv6}, not {range.V4} and {range.V6}");
        if (QuarantineMs <= 0) throw new FormatException($"its quarantine is {QuarantineMs} ms");
        var claims = Claims.Aggregate(HostRelation.Empty, (all, pair) => all.With(pair.Key, pair.Host));
        var excluded = Exclusions.Aggregate(VipExclusions.Of(range), (all, pair) => all.Exclude(pair.Key, pair.Host));
        // What must hold between slots, claims and exclusions is not asked here: it may fail halfway through a change's events. Breaches asks it.
        return new VipLedger(range, QuarantineMs)
        {
            LastAt = LastAt,
            RestFloor = RestFloor ?? 0,
            Pool = VipPool.Of(range, Cursor, Slots.Select(slot => (slot.Index, slot.ToSlot()))),
            ClaimedAddresses = claims,
            ExcludedRanges = Resting.Aggregate(excluded, (all, rest) => all.Rest(rest.Cidr, rest.Until)),
        };
    }
}

/// <summary>A slot; times are milliseconds since the Unix epoch, <c>until</c> is there for a quarantine only, <c>left</c> when the host has moved on.</summary>
internal sealed record VipSlotSnapshot(int Index, VipState State, long Since, HostName? Host = null, long? Until = null, bool? Left = null)
{
    public static VipSlotSnapshot Of(int index, VipSlot slot) =>
        new(index, slot.State, slot.Since, slot.Host, slot.State == VipState.Quarantined ? slot.Until : null, slot is { Host: not null, Returns: false } ? true : null);

    public VipSlot ToSlot() => new(State, Host, Since, Until ?? 0, Host is not null && Left is not true);
}

/// <summary>An address or CIDR and a host that declares it.</summary>
internal sealed record VipPair(string Key, HostName Host);

/// <summary>A withdrawn CIDR and when its rest ends.</summary>
internal sealed record VipRest(string Cidr, long Until);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UseStringEnumConverter = true,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(VipSnapshot))]
internal sealed partial class VipSnapshotJson : JsonSerializerContext;
