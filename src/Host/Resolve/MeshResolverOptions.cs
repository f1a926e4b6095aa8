namespace MeshDns.Host.Resolve;

/// <summary>What the settings say about answering (<c>dns.*</c> and <c>directory.*</c>).</summary>
public sealed record MeshResolverOptions
{
    /// <summary>TTL of our address and CNAME records, seconds.</summary>
    public uint Ttl { get; init; } = 30;

    /// <summary>TTL and MINIMUM of our SOA records, seconds (RFC 2308 section 5).</summary>
    public uint NegativeTtl { get; init; } = 5;

    /// <summary>Before the first load, forward names outside the mesh zones; false: SERVFAIL.</summary>
    public bool ForwardWhenNotReady { get; init; } = true;

    /// <summary>False: every query is forwarded as if there were no mesh.</summary>
    public bool Capture { get; init; } = true;

    /// <summary>The oldest knowledge that automatic VIPs are answered from.</summary>
    public TimeSpan MaxAge { get; init; } = TimeSpan.FromHours(24) - TimeSpan.FromSeconds(60);

    /// <summary>Answer automatic VIPs from older knowledge too.</summary>
    public bool ServeExpired { get; init; }

    /// <summary>Ask the owner of a mesh zone's name that is not known here before it is denied, while what is known here is old.</summary>
    public bool AskOwners { get; init; }
}
