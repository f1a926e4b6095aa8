using MeshDns.Contracts.Dns;
using MeshDns.Host.Upstream.Cache;
using MeshDns.Host.Upstream.Replies;
using MeshDns.Host.Upstream.Servers;

namespace MeshDns.Host.Upstream.Flights;

/// <summary>
/// One question to one server: UDP with EDNS; TCP for what was truncated, cannot be read or looks forged; once more without EDNS when the server does
/// not understand that. Past its patience the server has a timeout on its record, but a late reply is still taken until the flight's deadline,
/// unless the flight has landed. For the loop's thread; used again and again.
/// </summary>
internal sealed class Attempt(UpstreamLoop loop, Stack<Attempt> unused) : WheelTimer, IPendingQuery
{
    private Flight? _flight;
    private ServerLink? _server;
    private UdpPort? _port;
    private ushort _id;
    private int _falseReplies;
    private double? _latencyMs;
    private long _sentAt;
    private bool _hasEdns;
    private bool _isPlainTrial;
    private bool _isProbe;
    private bool _isLate;
    private CancellationTokenSource? _tcp;

    /// <inheritdoc/>
    public UpstreamQuestion Question => _flight!.Question;

    /// <summary>The server.</summary>
    public ServerLink Server => _server!;

    private Flight Flight => _flight!;

    /// <summary>Asks. The flight hears of the end by <see cref="Flight.OnEnd"/>, now or later.</summary>
    /// <param name="flight">Whose question it is.</param>
    /// <param name="server">Who is asked.</param>
    /// <param name="patienceMs">How long a good server may take.</param>
    /// <param name="isRetry">
    /// The same flight asked this server before. If it never answered with EDNS, the query goes without: some middle boxes drop what they do not know.
    /// </param>
    /// <param name="isProbe">Nobody waits for the answer.</param>
    public void Begin(Flight flight, ServerLink server, long patienceMs, bool isRetry, bool isProbe)
    {
        _flight = flight;
        _server = server;
        _port = null;
        _falseReplies = 0;
        _latencyMs = null;
        _isPlainTrial = false;
        _isProbe = isProbe;
        _isLate = false;
        if (!server.TryEnter(isRetry))
        {
            Finish(AttemptEnd.Overloaded, []);
            return;
        }
        flight.Attempts.Add(this);
        loop.Wheel.Set(this, Math.Min(loop.NowMs + patienceMs, flight.DeadlineMs));
        if (isRetry && !server.Health.HasAnsweredEdns)
            SendPlain();
        else
            Send(edns: !server.Health.IsPlain(loop.NowMs));
    }

    /// <inheritdoc/>
    public void OnReply(ReadOnlySpan<byte> reply, bool isCut)
    {
        LeavePort();
        _latencyMs ??= loop.ElapsedMs(_sentAt);
        if (isCut || (DnsHeader.GetFlags(reply) & DnsFlags.Truncated) != 0)
            AskOverTcp();
        else
            Take(reply);
    }

    /// <summary>At the fourth false reply the query goes to TCP.</summary>
    public void OnFalseReply()
    {
        if (++_falseReplies < UdpPort.SuspicionThreshold)
            return;
        LeavePort();
        AskOverTcp();
    }

    /// <inheritdoc/>
    public void OnUnreachable()
    {
        LeavePort();
        End(AttemptEnd.Unreachable, []);
    }

    /// <summary>What came of TCP.</summary>
    public void OnTcp(in Exchange exchange)
    {
        _tcp?.Dispose();
        _tcp = null;
        // TCP has room for everything (RFC 7766 section 5): a server that says otherwise has not answered, and the next one is asked.
        if (exchange.End != ExchangeEnd.Reply)
            End(EndOf(exchange.End), []);
        else if ((DnsHeader.GetFlags(exchange.Reply) & DnsFlags.Truncated) != 0)
            End(AttemptEnd.Unreachable, []);
        else
            Take(exchange.Reply);
    }

    /// <summary>Ends without a word about the server: the flight has landed, and its place is somebody else's.</summary>
    public void Abandon()
    {
        if (_tcp is not null)
        {
            _tcp.Cancel(); // Its end comes by itself, soon.
            return;
        }
        LeavePort();
        loop.Wheel.Clear(this);
        Server.Leave();
        Release(AttemptEnd.TimedOut, []);
    }

    /// <inheritdoc/>
    public override void OnDue(long nowMs)
    {
        if (_latencyMs is null)
            RecordTimeoutOnce(DueAtMs); // Then it was; the loop may be late.
        if (nowMs < Flight.DeadlineMs && !_isProbe && !Flight.HasLanded)
        {
            loop.Wheel.Set(this, Flight.DeadlineMs);
            return;
        }
        if (_tcp is not null)
        {
            _tcp.Cancel(); // Its end comes by itself, soon.
            return;
        }
        LeavePort();
        End(AttemptEnd.TimedOut, []);
    }

    // Refusing EDNS is not the answer; the same question without it is asked at once.
    private void Take(ReadOnlySpan<byte> reply)
    {
        Rcode rcode = UpstreamReply.FullRcode(reply);
        bool isRefusal = rcode is Rcode.FormErr or Rcode.NotImp or Rcode.BadVers;
        if (isRefusal && _hasEdns)
        {
            SendPlain();
            return;
        }
        if (_isPlainTrial && !isRefusal)
            Server.Health.RecordPlain(loop.NowMs);
        End(EndOf(rcode), reply);
    }

    private void SendPlain()
    {
        loop.Counters.PlainFallbacks.Add();
        _isPlainTrial = true;
        Send(edns: false);
    }

    private void Send(bool edns)
    {
        _hasEdns = edns;
        _sentAt = loop.NowTimestamp;
        _port = Server.Udp.Choose(out bool isFull);
        if (_port is null)
        {
            End(isFull ? AttemptEnd.Overloaded : AttemptEnd.Unreachable, []);
            return;
        }
        _id = _port.Register(this);
        int length = Flight.WriteQuery(loop.Wire.NextQuery, edns, Server);
        DnsHeader.SetId(loop.Wire.NextQuery, _id);
        loop.Wire.Enqueue(_port, length);
    }

    private void AskOverTcp()
    {
        loop.Counters.TcpFallbacks.Add();
        Span<byte> query = stackalloc byte[UpstreamWire.MaxQuerySize];
        int length = Flight.WriteQuery(query, _hasEdns, Server);
        _tcp = loop.NewDeadline(Flight.DeadlineMs);
        _ = AskOverTcpAsync(query[..length].ToArray(), _tcp.Token);
    }

    private async Task AskOverTcpAsync(byte[] query, CancellationToken cancel)
    {
        Exchange exchange;
        try
        {
            exchange = await Server.Tcp.AskAsync(query, cancel);
        }
        catch (Exception fault)
        {
            // A fault of ours must not keep the attempt, and whoever waits for it, for ever.
            loop.Report(fault);
            exchange = Exchange.Without(ExchangeEnd.Unreachable);
        }
        loop.Post(() => OnTcp(exchange));
    }

    private void LeavePort()
    {
        _port?.Retire(_id);
        _port = null;
    }

    private void RecordTimeoutOnce(long atMs)
    {
        if (!_isLate)
            Server.Health.RecordTimeout(atMs);
        _isLate = true;
    }

    private void End(AttemptEnd end, ReadOnlySpan<byte> reply)
    {
        loop.Wheel.Clear(this);
        Server.Leave();
        if (_latencyMs is { } latencyMs)
            Server.Health.RecordReply(latencyMs, end == AttemptEnd.Answer);
        else if (end == AttemptEnd.Unreachable)
            Server.Health.RecordUnreachable(loop.NowMs);
        else if (end == AttemptEnd.TimedOut)
            RecordTimeoutOnce(loop.NowMs);
        if (end == AttemptEnd.Answer && _hasEdns)
            Server.Health.RecordEdns();
        Finish(end, reply);
    }

    private void Finish(AttemptEnd end, ReadOnlySpan<byte> reply)
    {
        Server.Count(end);
        Release(end, reply);
    }

    private void Release(AttemptEnd end, ReadOnlySpan<byte> reply)
    {
        (Flight flight, ServerLink server) = (Flight, Server);
        _flight = null;
        _server = null;
        flight.Attempts.Remove(this);
        unused.Push(this);
        flight.OnEnd(server, end, reply, _isProbe);
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
