using MeshDns.Contracts.Dns;

namespace MeshDns.Host.Resolve;

/// <summary>Names that RFC 6761 gives a local answer: <c>localhost</c> (section 6.3) and <c>invalid</c> (section 6.4), and all below them.</summary>
public static class SpecialNames
{
    private static ReadOnlySpan<byte> Localhost => "\u0009localhost\0"u8;
    private static ReadOnlySpan<byte> Invalid => "\u0007invalid\0"u8;

    /// <summary>What a special name gets; false for any other name.</summary>
    /// <param name="foldedName">Lower case, wire form.</param>
    /// <param name="type">What is asked.</param>
    /// <param name="finding">What it gets.</param>
    public static bool TryFind(ReadOnlySpan<byte> foldedName, DnsType type, out Finding finding)
    {
        finding = default;
        if (foldedName.EndsWith(Localhost) && DnsName.IsSubdomainOf(foldedName, Localhost))
        {
            var kind = type switch
            {
                DnsType.A or DnsType.AAAA => FindingKind.Loopback,
                DnsType.ANY => FindingKind.AnyMinimal,
                _ => FindingKind.NoData,
            };
            finding = Of(kind);
            return true;
        }
        if (!foldedName.EndsWith(Invalid) || !DnsName.IsSubdomainOf(foldedName, Invalid)) return false;
        finding = Of(FindingKind.NXDomain);
        return true;
    }

    /// <summary>True for a special name below localhost: what is declared for it is what it gets.</summary>
    public static bool CanBeDeclared(ReadOnlySpan<byte> foldedName) => foldedName.Length > Localhost.Length && foldedName.EndsWith(Localhost);

    /// <summary>Where the special zone begins inside a special name: it owns the SOA of a negative answer.</summary>
    internal static int ApexOffset(ReadOnlySpan<byte> name) =>
        DnsName.IsSubdomainOf(name, Localhost) ? name.Length - Localhost.Length : name.Length - Invalid.Length;

    private static Finding Of(FindingKind kind) => new(Origin.Local, kind, Stage.Special, IsSpecial: true);
}
