using Microsoft.Extensions.Logging;

namespace MeshDns.Host.Cluster;

/// <summary>Counts traffic that no node of this cluster sent, and tells of it at most once a minute, so that it cannot fill the log.</summary>
internal sealed class Rejections(RequestCounters counters, TimeProvider time, ILogger log)
{
    private readonly Lock _gate = new();
    private long? _told;
    private long _untold;

    public void Add(string reason, string from, string hint)
    {
        counters.Rejected(reason);
        long untold;
        lock (_gate)
        {
            if (_told is { } told && time.GetElapsedTime(told) < ClusterLimits.RejectedLogEvery)
            {
                _untold++;
                return;
            }
            (_told, untold, _untold) = (time.GetTimestamp(), _untold, 0);
        }
        log.LogWarning("rejected cluster traffic from {From}: {Hint} ({Untold} more since the last such line)", from, hint, untold);
    }
}
