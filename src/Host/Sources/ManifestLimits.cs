namespace MeshDns.Host.Sources;

/// <summary>The bounds of what a manifest may hold; each is refused with an error that names it.</summary>
public static class ManifestLimits
{
    /// <summary>Bytes of one manifest: 64 MiB.</summary>
    public const int ManifestBytes = 64 << 20;

    /// <summary>Characters of one document (of each item, in a List): 1 Mi.</summary>
    public const int DocumentSize = 1 << 20;

    /// <summary>Documents of one manifest, as many as one change may carry.</summary>
    public const int Documents = 100_000;

    /// <summary>Lines of all manifests of a set that say what rests, as many as one change may carry.</summary>
    public const int Rests = 100_000;

    /// <summary>Addresses in the status of a ServiceEntry: a pair for each host, and as many again.</summary>
    public const int StatusAddresses = 4 * ListItems;

    /// <summary>Document markers (<c>---</c>) of one manifest; empty documents cost time too.</summary>
    public const int Markers = 200_000;

    /// <summary>Values of one YAML or JSON document; only a large List comes near.</summary>
    public const int Values = 4_000_000;

    /// <summary>Nesting of maps and lists; the schemas of other kinds are deeper than any document that is read.</summary>
    public const int Depth = 64;

    /// <summary>What YAML aliases may add to a set, in characters, each value counted as 32 more: 16 Mi, a quarter of a manifest.</summary>
    public const int AliasSize = 16 << 20;

    /// <summary>Errors that are collected before reading stops.</summary>
    public const int Errors = 100;

    /// <summary>Hosts, addresses, ports and exportTo entries of a ServiceEntry, as Istio's schema has it.</summary>
    public const int ListItems = 256;

    /// <summary>Endpoints of a ServiceEntry.</summary>
    public const int Endpoints = 1_000;

    /// <summary>Hosts times endpoints of a ServiceEntry: each host's record carries every endpoint.</summary>
    public const int HostEndpoints = 65_536;

    /// <summary>Files of one set.</summary>
    public const int Files = 10_000;

    /// <summary>Bytes of all files of one set: 256 MiB.</summary>
    public const long SetBytes = 256L << 20;

    /// <summary>Folders below folders in one set.</summary>
    public const int FolderDepth = 16;
}
