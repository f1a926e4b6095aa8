using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Vips;

namespace MeshDns.Actors.Vips;

/// <summary>A rest that was checked.</summary>
/// <param name="Vip">As it was written, for people.</param>
/// <param name="Index">The VIP; -1 for a CIDR.</param>
/// <param name="Cidr">The CIDR, canonical; null for a VIP.</param>
/// <param name="Host">The last holder; null for none.</param>
/// <param name="Until">When the rest ends.</param>
internal sealed record WantedRest(string Vip, int Index, string? Cidr, HostName? Host, long Until);

/// <summary>Checks what is to rest because it rested elsewhere.</summary>
public static class WantedRests
{
    /// <summary>Why a rest cannot be taken, as a sentence; null when it can.</summary>
    /// <param name="range">The ranges that VIPs come from.</param>
    /// <param name="rest">What is to rest.</param>
    /// <param name="at">Now, milliseconds since the Unix epoch.</param>
    public static string? WrongWith(VipRange range, RestingVip rest, long at) => Read(range, rest, at, out _);

    /// <summary>Checks the rests of a change; a refusal that names the first that cannot be taken.</summary>
    internal static Refusal? TryRead(VipRange range, IReadOnlyList<RestingVip> rests, long at, out IReadOnlyList<WantedRest> wanted)
    {
        var read = new List<WantedRest>(rests.Count);
        var seen = new HashSet<string>(rests.Count, StringComparer.Ordinal);
        wanted = read;
        foreach (var rest in rests)
        {
            if (Read(range, rest, at, out var one) is { } wrong) return new Refusal(RefusalReason.Invalid, $"the resting {rest.Vip} ({rest.Host?.Text ?? "-"}): {wrong}");
            if (!seen.Add(one!.Cidr ?? one.Vip)) return new Refusal(RefusalReason.Invalid, $"the resting {rest.Vip} is there twice");
            read.Add(one);
        }
        return null;
    }

    private static string? Read(VipRange range, RestingVip rest, long at, out WantedRest? wanted)
    {
        wanted = null;
        if (rest.Until > VipPool.Later(at, (long)RestingVip.Longest.TotalMilliseconds)) return $"a rest ends within {RestingVip.Longest.TotalDays:0} days";
        if (Cidr.TryParseAddress(rest.Vip, out var address))
        {
            if (!range.TryIndexOf(address, out var index)) return $"it is not a usable VIP of {range.V4} or {range.V6}";
            wanted = new WantedRest(range.IPv4(index).ToString(), index, null, rest.Host, rest.Until);
            return null;
        }
        if (!Cidr.TryParse(rest.Vip, out var cidr) || !range.TryCovered(cidr, out _, out _, out var whole) || whole) return $"it is neither a VIP nor a CIDR that covers part of {range.V4} or {range.V6}";
        if (rest.Host is not null) return "a CIDR rests for no host";
        wanted = new WantedRest(cidr.ToString(), -1, cidr.ToString(), null, rest.Until);
        return null;
    }
}
