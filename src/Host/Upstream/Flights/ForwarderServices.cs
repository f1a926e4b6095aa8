using MeshDns.Contracts.Vips;
using MeshDns.Host.Resolve;
using MeshDns.Host.Upstream.Cache;
using MeshDns.Host.Upstream.Servers;
using Microsoft.Extensions.Logging;

namespace MeshDns.Host.Upstream.Flights;

/// <summary>What the forwarder works with.</summary>
internal sealed record ForwarderServices(
    UpstreamLoop Loop, UpstreamClock Clock, UpstreamCounters Counters, AnswerCache Cache, RouteTable Routes, ServerDirectory Servers, LoopMark LoopMark,
    AnswerWriter? Local, VipRange Vips, TimeSpan Timeout, ILogger Logger)
{
    /// <summary>How long a query may take, in milliseconds.</summary>
    public long TimeoutMs { get; } = (long)Timeout.TotalMilliseconds;
}
