using System.Net;

namespace MeshDns.Host.Upstream.Servers;

/// <summary>One upstream server: its sockets, its score, its counters. All but the counters' reading belongs to the loop's thread.</summary>
internal sealed class ServerLink(IPEndPoint address, UpstreamLoop loop, UpstreamClock clock, UpstreamCounters counters)
{
    /// <summary>Questions under way at once, by all routes.</summary>
    public const int MaxQuestions = 4096;

    /// <summary>Queries under way to one server, beyond which none is asked again.</summary>
    public const int MaxAskedAgain = MaxQuestions / 2;

    /// <summary>
    /// Queries under way to one server. A first try for every question has room beside those that were asked again: what is short are the places of questions,
    /// which are shared fairly.
    /// </summary>
    public const int MaxInFlight = MaxQuestions + MaxAskedAgain;

    private readonly long[] _ends = new long[Enum.GetValues<AttemptEnd>().Length];
    private int _inFlight;

    /// <summary>Where it is.</summary>
    public IPEndPoint Address { get; } = address;

    /// <summary>Its score.</summary>
    public ServerHealth Health { get; } = new();

    /// <summary>Its sockets.</summary>
    public UdpPool Udp { get; } = new(address, loop);

    /// <summary>Its connections.</summary>
    public TcpPool Tcp { get; } = new(address, clock, counters);

    /// <summary>When the loop mark goes along.</summary>
    public MarkSample Marks { get; } = new();

    /// <summary>Queries under way.</summary>
    public int InFlight => Volatile.Read(ref _inFlight);

    /// <summary>How often an attempt ended so.</summary>
    public long CountOf(AttemptEnd end) => Volatile.Read(ref _ends[(int)end]);

    /// <summary>Counts an end.</summary>
    public void Count(AttemptEnd end) => Volatile.Write(ref _ends[(int)end], _ends[(int)end] + 1);

    /// <summary>Takes a place for one query; false when there is none. Most of them are for first tries only: what is asked again must not keep out what is new.</summary>
    public bool TryEnter(bool isRetry)
    {
        if (_inFlight >= (isRetry ? MaxAskedAgain : MaxInFlight))
            return false;
        Volatile.Write(ref _inFlight, _inFlight + 1);
        return true;
    }

    /// <summary>Gives the place back.</summary>
    public void Leave() => Volatile.Write(ref _inFlight, _inFlight - 1);

    /// <summary>A query that had a place has ended: what that says of the server.</summary>
    /// <param name="end">How.</param>
    /// <param name="latencyMs">How long its first reply took; null for none.</param>
    /// <param name="isTimeoutKnown">It counted as unanswered before.</param>
    /// <param name="hadEdns">The query, as it went out last.</param>
    /// <param name="nowMs">Now.</param>
    public void OnEnd(AttemptEnd end, double? latencyMs, bool isTimeoutKnown, bool hadEdns, long nowMs)
    {
        Leave();
        if (latencyMs is { } ms)
            Health.RecordReply(ms, end == AttemptEnd.Answer);
        else if (end == AttemptEnd.Unreachable)
            Health.RecordUnreachable(nowMs);
        else if (end == AttemptEnd.TimedOut && !isTimeoutKnown)
            Health.RecordTimeout(nowMs);
        if (end == AttemptEnd.Answer && hadEdns)
            Health.RecordEdns();
        Count(end);
    }

    /// <summary>Closes the sockets; what is under way ends as unreachable. On the loop's thread.</summary>
    public void Close()
    {
        Udp.Dispose();
        Tcp.Dispose();
    }
}
