using Microsoft.Extensions.Logging;

namespace MeshDns.Host.Telemetry;

/// <summary>Counts traffic that nobody should send, and tells of it at most once a minute, so that it cannot fill the log.</summary>
/// <param name="what">What is rejected, as the log calls it.</param>
/// <param name="count">Counts one, by its reason.</param>
/// <param name="time">The clock of the minute.</param>
/// <param name="log">Told of the first, and of one in each minute after that.</param>
internal sealed class Rejections(string what, Action<string> count, TimeProvider time, ILogger log)
{
    private static readonly TimeSpan _every = TimeSpan.FromMinutes(1);

    private readonly Lock _gate = new();
    private long? _told;
    private long _untold;

    public void Add(string reason, string from, string hint)
    {
        count(reason);
        long untold;
        lock (_gate)
        {
            if (_told is { } told && time.GetElapsedTime(told) < _every)
            {
                _untold++;
                return;
            }
            (_told, untold, _untold) = (time.GetTimestamp(), _untold, 0);
        }
        log.LogWarning("rejected {What} from {From}: {Hint} ({Untold} more since the last such line)", what, from, hint, untold);
    }
}
