using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Services;
using MeshDns.Contracts.Vips;

namespace MeshDns.Actors.Shards;

/// <summary>
/// A document as the mesh keeps it, apart from what it says of VIPs that its hosts had elsewhere (docs/adr/0023): those count once, when a host gets a VIP,
/// and are no part of what is declared.
/// </summary>
/// <param name="Document">What is kept.</param>
/// <param name="Wishes">The index that a host had elsewhere.</param>
/// <param name="Warnings">What of it means nothing here.</param>
public sealed record DeclaredDocument(MeshDocument Document, IReadOnlyDictionary<HostName, int> Wishes, IReadOnlyList<string> Warnings)
{
    private static readonly Dictionary<HostName, int> _noWishes = [];

    /// <summary>Takes a document of a change apart.</summary>
    /// <param name="document">As its source has it.</param>
    /// <param name="wishes">The addresses in its status.</param>
    /// <param name="source">Who puts it.</param>
    /// <param name="before">The document as it is kept now; null for a new one.</param>
    /// <param name="range">The ranges that VIPs come from.</param>
    /// <param name="clusterDomain">The domain under which Services live.</param>
    public static DeclaredDocument Of(MeshDocument document, IReadOnlyList<HostAddress>? wishes, string source, MeshDocument? before, VipRange range, HostName clusterDomain)
    {
        var (kept, wished) = document.Spec!.Take(document, source, before?.Spec, range);
        document = document with { Spec = kept };
        if (wished.Count > 0) wishes = [.. HostDeclaration.Of(document, 0, clusterDomain).SelectMany(d => wished.Select(address => new HostAddress(d.Host, address)))];
        return wishes is { Count: > 0 } ? Read(document, wishes, range, clusterDomain) : new DeclaredDocument(document, _noWishes, []);
    }

    private static DeclaredDocument Read(MeshDocument document, IReadOnlyList<HostAddress> wishes, VipRange range, HostName clusterDomain)
    {
        var eligible = HostDeclaration.Of(document, 0, clusterDomain).ToDictionary(d => d.Host, d => d.Declaration.Eligible);
        var read = new Dictionary<HostName, int>();
        var warnings = new List<string>();
        // IPv4 decides where the two families are no pair, as they need not be elsewhere.
        foreach (var wish in wishes.OrderBy(w => w.Value.Contains(':', StringComparison.Ordinal)))
        {
            if (!eligible.TryGetValue(wish.Host, out var takesVip)) warnings.Add($"{wish.Value} is not taken for {wish.Host}, which the document does not declare");
            else if (!takesVip) warnings.Add($"{wish.Value} is not taken for {wish.Host}, which gets no VIP");
            else if (!Cidr.TryParseAddress(wish.Value, out var address) || !range.TryIndexOf(address, out var index)) warnings.Add($"{wish.Value} is not taken for {wish.Host}: it is no VIP of {range.V4} or {range.V6}");
            else if (read.TryAdd(wish.Host, index) || read[wish.Host] == index) continue;
            else warnings.Add($"{wish.Value} is not taken for {wish.Host}: {range.IPv4(read[wish.Host])} goes with {range.IPv6(read[wish.Host])}");
        }
        return new DeclaredDocument(document, read, warnings);
    }
}
