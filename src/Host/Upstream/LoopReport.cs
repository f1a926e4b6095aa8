using Microsoft.Extensions.Logging;

namespace MeshDns.Host.Upstream;

/// <summary>Says that queries come back, once a minute at most. For the loop's thread.</summary>
internal sealed class LoopReport(ILogger logger)
{
    private const long PauseMs = 60_000;
    private long _reportedAtMs = long.MinValue;

    /// <summary>One has.</summary>
    public void OnLoop(long nowMs)
    {
        if (_reportedAtMs != long.MinValue && nowMs - _reportedAtMs < PauseMs)
            return;
        _reportedAtMs = nowMs;
        logger.LogWarning("Forwarding loop: a query that this node sent upstream came back to it; check upstream.servers and resolv.conf");
    }
}
