using MeshDns.Host.Upstream.Servers;

namespace MeshDns.Host.Upstream.Flights;

/// <summary>What a <see cref="Flight"/> wants done.</summary>
internal enum FlightOutputKind
{
    /// <summary>Send the attempt's query over UDP under a new id; then <see cref="Flight.OnSent"/>, <see cref="Flight.OnNoPlace"/> or <see cref="Flight.OnNoPort"/>.</summary>
    Send,

    /// <summary>Send it over TCP, to be given up at the flight's deadline; then <see cref="Flight.OnTcp"/>.</summary>
    SendOverTcp,

    /// <summary>Give up TCP; its end still comes.</summary>
    CancelTcp,

    /// <summary>The attempt has ended with <see cref="FlightOutput.End"/>.</summary>
    End,

    /// <summary>The attempt, which had no place, has ended.</summary>
    EndWithoutPlace,

    /// <summary>The attempt is given up, without a word about its server.</summary>
    Abandon,

    /// <summary>The server has let its time go by, and is still listened to.</summary>
    RecordTimeout,

    /// <summary>The server answered without EDNS what it had not answered with it.</summary>
    RecordPlain,

    /// <summary>So many records were dropped for their addresses.</summary>
    CountStripped,

    /// <summary>A chain of CNAMEs was too long.</summary>
    CountChainTooLong,

    /// <summary>The server asked last is slow: if there is budget for it, <see cref="Flight.Hedge"/>.</summary>
    Hedge,

    /// <summary>Those in <see cref="FlightWaiters.ToServeStale"/> get the stale answer.</summary>
    ServeStale,

    /// <summary>Those in <see cref="FlightWaiters.ToGiveUp"/> have no more time.</summary>
    GiveUp,

    /// <summary>The flight is over; all who wait get its outcome.</summary>
    Complete,
}

/// <summary>One thing to be done.</summary>
internal readonly record struct FlightOutput(FlightOutputKind Kind)
{
    /// <summary>The attempt.</summary>
    public int Attempt { get; init; }

    /// <summary>The server, by its place in the order.</summary>
    public int Server { get; init; }

    /// <summary>With EDNS, as it is to be sent, or as it was when it ended.</summary>
    public bool Edns { get; init; }

    /// <summary>The attempt has just begun, and needs a place.</summary>
    public bool IsFirst { get; init; }

    /// <summary>The flight asked this server before.</summary>
    public bool IsRetry { get; init; }

    /// <summary>Without EDNS, to see whether the server understands that.</summary>
    public bool IsTrial { get; init; }

    /// <summary>How it ended.</summary>
    public AttemptEnd End { get; init; }

    /// <summary>How long the first reply took; null for none.</summary>
    public double? LatencyMs { get; init; }

    /// <summary>The server has a timeout on its record already.</summary>
    public bool IsTimeoutKnown { get; init; }

    /// <summary>When it was, or how many there were.</summary>
    public long Value { get; init; }
}
