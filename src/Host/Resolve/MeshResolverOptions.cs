using MeshDns.Actors.Directory;
using MeshDns.Contracts.Names;

namespace MeshDns.Host.Resolve;

/// <summary>What the settings say about answering (<c>dns.*</c> and <c>directory.*</c>).</summary>
public sealed record MeshResolverOptions
{
    /// <summary>TTL of our address and CNAME records, seconds, where the cluster allows it.</summary>
    public uint Ttl { get; init; } = 30;

    /// <summary>TTL and MINIMUM of our SOA records, seconds (RFC 2308 section 5).</summary>
    public uint NegativeTtl { get; init; } = 5;

    /// <summary>Before the first load, forward names outside the mesh zones; false: SERVFAIL.</summary>
    public bool ForwardWhenNotReady { get; init; } = true;

    /// <summary>What each client sees. A client without capture has every query forwarded as if there were no mesh.</summary>
    public ClientTable Clients { get; init; } = ClientTable.Same(ClientView.Default);

    /// <summary>The oldest knowledge that automatic VIPs are answered from; where the cluster's own limit is known, it is a further bound, or none at all with <see cref="FollowsCluster"/>.</summary>
    public TimeSpan MaxAge { get; init; } = TimeSpan.FromHours(24) - TimeSpan.FromSeconds(60);

    /// <summary>The cluster's own limit is the one that holds (<c>directory.max-age = auto</c>).</summary>
    public bool FollowsCluster { get; init; }

    /// <summary>Answer automatic VIPs from older knowledge too.</summary>
    public bool ServeExpired { get; init; }

    /// <summary>Ask the owner of a mesh zone's name that is not known here before it is denied, while what is known here is old.</summary>
    public bool AskOwners { get; init; }

    /// <summary>The TTL to serve: never larger than all nodes have agreed on (docs/adr/0028).</summary>
    public uint TtlFor(MeshDirectory directory) => Math.Min(Ttl, directory.LargestTtl);

    /// <summary>The oldest knowledge that automatic VIPs are answered from, by what this node and all nodes have as settings.</summary>
    public TimeSpan MaxAgeFor(MeshDirectory directory) => directory.Shared is not { } shared ? MaxAge : FollowsCluster || shared.MaxAge < MaxAge ? shared.MaxAge : MaxAge;
}
