using MeshDns.Contracts.Vips;
using MeshDns.Host.Resolve;
using MeshDns.Host.Upstream.Cache;
using MeshDns.Host.Upstream.Servers;
using Microsoft.Extensions.Logging;

namespace MeshDns.Host.Upstream.Flights;

/// <summary>What the forwarder works with.</summary>
internal sealed record ForwarderServices(
    UpstreamLoop Loop, UpstreamClock Clock, UpstreamCounters Counters, AnswerCache Cache, ServerDirectory Servers, LoopMark LoopMark,
    AnswerWriter? Local, VipRange Vips, TimeSpan Timeout, ILogger Logger)
{
    private long _timeoutMs = (long)Timeout.TotalMilliseconds;

    /// <summary>How long a query may take that begins now, in milliseconds.</summary>
    public long TimeoutMs => Volatile.Read(ref _timeoutMs);

    /// <summary>Gives the queries that begin from here on another time. Any thread.</summary>
    public void Allow(TimeSpan timeout) => Volatile.Write(ref _timeoutMs, (long)timeout.TotalMilliseconds);
}
