using MeshDns.Contracts.Dns;
using MeshDns.Host.Upstream.Cache;
using MeshDns.Host.Upstream.Replies;
using MeshDns.Host.Upstream.Servers;

namespace MeshDns.Host.Upstream.Flights;

/// <summary>
/// One question to one server, as a state machine: UDP with EDNS; TCP for what was truncated, cannot be read or looks forged; once more without EDNS when the server does
/// not understand that. Past its patience the server has a timeout on its record, but a late reply is still taken until the flight's deadline,
/// unless the flight is over. An input returns how the attempt ended, null while it goes on.
/// </summary>
internal struct Attempt
{
    private readonly int _number;
    private Way _way;
    private ushort _id;
    private byte _falseReplies;
    private double? _latencyMs;
    private bool _hasEdns;
    private bool _isTrial;
    private bool _isLate;

    private Attempt(int number, int server, bool isProbe, long dueAtMs)
    {
        (_number, Server, IsProbe, DueAtMs) = (number, server, isProbe, dueAtMs);
    }

    private enum Way
    {
        None,
        Udp,
        Tcp,
    }

    /// <summary>Who is asked.</summary>
    public int Server { get; }

    /// <summary>Nobody waits for the answer.</summary>
    public bool IsProbe { get; }

    /// <summary>When it wants to hear of the time.</summary>
    public long DueAtMs { get; private set; }

    // TCP was told to end, and what it brings is the last.
    private readonly bool IsGivenUp => DueAtMs == long.MaxValue;

    /// <summary>True until it has ended.</summary>
    public readonly bool IsUnderWay => _way != Way.None;

    /// <summary>Asks.</summary>
    /// <param name="number">Its number in the flight.</param>
    /// <param name="server">Who is asked.</param>
    /// <param name="health">What is known of the server.</param>
    /// <param name="nowMs">Now.</param>
    /// <param name="dueAtMs">When its patience ends.</param>
    /// <param name="isRetry">
    /// The same flight asked this server before. If it never answered with EDNS, the query goes without: some middle boxes drop what they do not know.
    /// </param>
    /// <param name="isProbe">Nobody waits for the answer.</param>
    /// <param name="outputs">Takes what is to be done.</param>
    public static Attempt Begin(int number, int server, ServerHealth health, long nowMs, long dueAtMs, bool isRetry, bool isProbe, Queue<FlightOutput> outputs)
    {
        var attempt = new Attempt(number, server, isProbe, dueAtMs);
        bool isTrial = isRetry && !health.HasAnsweredEdns;
        attempt.Send(!isTrial && !health.IsPlain(nowMs), isTrial, isFirst: true, isRetry, outputs);
        return attempt;
    }

    /// <summary>It was sent under an id.</summary>
    public void OnSent(ushort id) => _id = id;

    /// <summary>The server takes no more queries.</summary>
    public AttemptEnd OnNoPlace(Queue<FlightOutput> outputs)
    {
        _way = Way.None;
        outputs.Enqueue(new FlightOutput(FlightOutputKind.EndWithoutPlace) { Attempt = _number, Server = Server });
        return AttemptEnd.Overloaded;
    }

    /// <summary>There is no socket for it.</summary>
    /// <param name="isFull">Too many wait on those that there are.</param>
    /// <param name="outputs">Takes what is to be done.</param>
    public AttemptEnd OnNoPort(bool isFull, Queue<FlightOutput> outputs) => End(isFull ? AttemptEnd.Overloaded : AttemptEnd.Unreachable, outputs);

    /// <summary>A datagram of the server, which may be the reply.</summary>
    /// <param name="reply">The message.</param>
    /// <param name="question">What was asked.</param>
    /// <param name="isCut">It was longer than what is here of it.</param>
    /// <param name="latencyMs">The time since it was asked.</param>
    /// <param name="maySend">Whether more may be sent for the question.</param>
    /// <param name="outputs">Takes what is to be done.</param>
    /// <param name="verdict">Whether it is the reply.</param>
    public AttemptEnd? OnReply(ReadOnlySpan<byte> reply, UpstreamQuestion question, bool isCut, double latencyMs, bool maySend, Queue<FlightOutput> outputs, out ReplyVerdict verdict)
    {
        verdict = _way == Way.Udp ? ReplyGuard.Check(reply, _id, question, isCut) : ReplyVerdict.Late;
        if (verdict is not (ReplyVerdict.Accept or ReplyVerdict.Malformed))
            return null;
        _latencyMs ??= latencyMs;
        // One that cannot be read is this server's answer all the same, and nothing better will follow it by this way.
        if (!isCut && verdict == ReplyVerdict.Accept && (DnsHeader.GetFlags(reply) & DnsFlags.Truncated) == 0)
            return Take(reply, maySend, outputs);
        if (!maySend)
            return End(verdict == ReplyVerdict.Accept ? AttemptEnd.Answer : AttemptEnd.Refused, outputs);
        SendOverTcp(outputs);
        return null;
    }

    /// <summary>A reply to nobody came. At the fourth the query goes to TCP.</summary>
    public void OnFalseReply(bool maySend, Queue<FlightOutput> outputs)
    {
        if (_way == Way.Udp && maySend && ++_falseReplies >= UdpPort.SuspicionThreshold)
            SendOverTcp(outputs);
    }

    /// <summary>Nobody listens there.</summary>
    public AttemptEnd? OnUnreachable(Queue<FlightOutput> outputs) => _way == Way.Udp ? End(AttemptEnd.Unreachable, outputs) : null;

    /// <summary>What came of TCP.</summary>
    public AttemptEnd? OnTcp(in Exchange exchange, bool maySend, Queue<FlightOutput> outputs)
    {
        if (_way != Way.Tcp)
            return null;
        // TCP has room for everything (RFC 7766 section 5): a server that says otherwise has not answered, and the next one is asked.
        if (exchange.End != ExchangeEnd.Reply)
            return End(EndOf(exchange.End), outputs);
        if ((DnsHeader.GetFlags(exchange.Reply) & DnsFlags.Truncated) != 0)
            return End(AttemptEnd.Unreachable, outputs);
        return Take(exchange.Reply, maySend, outputs);
    }

    /// <summary>Its time has come.</summary>
    /// <param name="mayListenUntilMs">Until when a late reply is of use.</param>
    /// <param name="nowMs">Now.</param>
    /// <param name="outputs">Takes what is to be done.</param>
    public AttemptEnd? OnDue(long mayListenUntilMs, long nowMs, Queue<FlightOutput> outputs)
    {
        if (_latencyMs is null && !_isLate)
        {
            _isLate = true;
            outputs.Enqueue(new FlightOutput(FlightOutputKind.RecordTimeout) { Attempt = _number, Server = Server, Value = DueAtMs }); // Then it was; whoever tells the time may be late.
        }
        if (nowMs < mayListenUntilMs)
        {
            DueAtMs = mayListenUntilMs;
            return null;
        }
        DueAtMs = long.MaxValue;
        if (_way == Way.Udp)
            return End(AttemptEnd.TimedOut, outputs);
        outputs.Enqueue(new FlightOutput(FlightOutputKind.CancelTcp) { Attempt = _number });
        return null;
    }

    /// <summary>Ends without a word about the server. False: that takes until TCP has ended.</summary>
    public bool TryAbandon(Queue<FlightOutput> outputs)
    {
        bool isTcp = _way == Way.Tcp;
        outputs.Enqueue(new FlightOutput(isTcp ? FlightOutputKind.CancelTcp : FlightOutputKind.Abandon) { Attempt = _number, Server = Server });
        if (!isTcp)
            _way = Way.None;
        DueAtMs = long.MaxValue;
        return !isTcp;
    }

    // Refusing EDNS is not the answer; the same question without it is asked at once.
    private AttemptEnd? Take(ReadOnlySpan<byte> reply, bool maySend, Queue<FlightOutput> outputs)
    {
        Rcode rcode = UpstreamReply.FullRcode(reply);
        bool isRefusal = rcode is Rcode.FormErr or Rcode.NotImp or Rcode.BadVers;
        if (isRefusal && _hasEdns && maySend && !IsGivenUp)
        {
            Send(edns: false, isTrial: true, isFirst: false, isRetry: false, outputs);
            return null;
        }
        if (_isTrial && !isRefusal)
            outputs.Enqueue(new FlightOutput(FlightOutputKind.RecordPlain) { Attempt = _number, Server = Server });
        return End(EndOf(rcode), outputs);
    }

    private void Send(bool edns, bool isTrial, bool isFirst, bool isRetry, Queue<FlightOutput> outputs)
    {
        (_way, _hasEdns, _isTrial) = (Way.Udp, edns, isTrial);
        outputs.Enqueue(new FlightOutput(FlightOutputKind.Send) { Attempt = _number, Server = Server, Edns = edns, IsTrial = isTrial, IsFirst = isFirst, IsRetry = isRetry });
    }

    private void SendOverTcp(Queue<FlightOutput> outputs)
    {
        _way = Way.Tcp;
        outputs.Enqueue(new FlightOutput(FlightOutputKind.SendOverTcp) { Attempt = _number, Server = Server, Edns = _hasEdns });
    }

    private AttemptEnd End(AttemptEnd end, Queue<FlightOutput> outputs)
    {
        _way = Way.None;
        outputs.Enqueue(new FlightOutput(FlightOutputKind.End) { Attempt = _number, Server = Server, End = end, LatencyMs = _latencyMs, IsTimeoutKnown = _isLate, Edns = _hasEdns });
        return end;
    }

    private static AttemptEnd EndOf(ExchangeEnd end) => end switch
    {
        ExchangeEnd.TimedOut => AttemptEnd.TimedOut,
        ExchangeEnd.Overloaded => AttemptEnd.Overloaded,
        _ => AttemptEnd.Unreachable,
    };

    private static AttemptEnd EndOf(Rcode rcode) =>
        UpstreamReply.IsAnswer(rcode) ? AttemptEnd.Answer : rcode == Rcode.ServFail ? AttemptEnd.ServFail : AttemptEnd.Refused;
}
