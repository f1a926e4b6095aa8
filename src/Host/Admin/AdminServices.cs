using MeshDns.Actors.Cluster;
using MeshDns.Contracts.Vips;
using MeshDns.Host.Query;
using MeshDns.Host.Settings;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace MeshDns.Host.Admin;

/// <summary>What the admin API needs of its node.</summary>
public sealed record AdminServices
{
    /// <summary>Where to listen, and the token at first.</summary>
    public required AdminSettings Settings { get; init; }

    /// <summary>The mesh.</summary>
    public required IMeshControl Mesh { get; init; }

    /// <summary>Whether the node lives and is ready.</summary>
    public required INodeHealth Health { get; init; }

    /// <summary>Answers <c>/v1/explain</c>.</summary>
    public required IExplainer Explainer { get; init; }

    /// <summary>What <c>/metrics</c> shows.</summary>
    public required Func<string> Metrics { get; init; }

    /// <summary>The ranges that turn a VIP's index into its addresses.</summary>
    public required VipRange Vips { get; init; }

    /// <summary>The TTL of answers now, seconds, shown with each host.</summary>
    public required Func<uint> Ttl { get; init; }

    /// <summary>Reads the settings again and applies what can be applied now. A token that ends it means that nobody waits for the outcome any more.</summary>
    public required Func<string, CancellationToken, Task<ReloadOutcome>> Reload { get; init; }

    /// <summary>How much it does at a time.</summary>
    public AdminBounds Bounds { get; init; } = new();

    /// <summary>The clock of all deadlines.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Gets a line for every change and every failure; never a token or a body.</summary>
    public ILogger Log { get; init; } = NullLogger.Instance;

    internal AdminToken Token { get; init; } = new();

    internal AdminCounters Counters { get; } = new();
}
