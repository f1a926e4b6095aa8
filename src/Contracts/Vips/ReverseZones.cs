using MeshDns.Contracts.Names;

namespace MeshDns.Contracts.Vips;

/// <summary>The zones under in-addr.arpa and ip6.arpa that belong to the VIP ranges (RFC 1035 section 3.5, RFC 3596 section 2.5).</summary>
public static class ReverseZones
{
    /// <summary>
    /// The reverse zones of both ranges. A range that does not end on an octet (or a nibble, in IPv6) has one zone for each octet (nibble)
    /// that it covers: 240.240.16.0/20 is 16 zones.
    /// </summary>
    public static IReadOnlyList<HostName> Of(VipRange range)
    {
        var zones = new List<HostName>();
        Add(zones, range.V4, 32, 8, "in-addr.arpa", octet => octet.ToString(System.Globalization.CultureInfo.InvariantCulture));
        Add(zones, range.V6, 128, 4, "ip6.arpa", nibble => nibble.ToString("x", System.Globalization.CultureInfo.InvariantCulture));
        return zones;
    }

    private static void Add(List<HostName> zones, Cidr range, int width, int labelBits, string suffix, Func<int, string> label)
    {
        var labels = (range.PrefixLength + labelBits - 1) / labelBits;
        var count = 1 << ((labels * labelBits) - range.PrefixLength);
        for (var i = 0; i < count; i++)
        {
            var bits = range.Bits | ((UInt128)(uint)i << (width - (labels * labelBits)));
            var name = new string[labels];
            for (var l = 0; l < labels; l++) name[labels - 1 - l] = label((int)((uint)(bits >> (width - ((l + 1) * labelBits))) & ((1u << labelBits) - 1)));
            zones.Add(HostName.Parse(string.Join('.', name) + "." + suffix));
        }
    }
}
