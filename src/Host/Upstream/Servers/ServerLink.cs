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

    private const long MostPatienceMs = 1000;
    private const long LeastPatienceMs = 300;
    private const long LeastHedgeDelayMs = 10;

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

    /// <summary>How long a reply may take before the server counts as not answering and the next is asked, in milliseconds: four times its p95, 0.3 to 1 s.</summary>
    public long PatienceMs() => Health.P95Ms is { } p95 ? (long)Math.Clamp(Math.Ceiling(4 * p95), LeastPatienceMs, MostPatienceMs) : MostPatienceMs;

    /// <summary>How long a reply may take before another server is asked as well, in milliseconds: its p95 (Dean and Barroso, "The Tail at Scale").</summary>
    public long HedgeDelayMs() => Health.P95Ms is { } p95 ? Math.Max(LeastHedgeDelayMs, (long)Math.Ceiling(p95)) : LeastPatienceMs;

    /// <summary>Closes the sockets; what is under way ends as unreachable. On the loop's thread.</summary>
    public void Close()
    {
        Udp.Dispose();
        Tcp.Dispose();
    }
}
