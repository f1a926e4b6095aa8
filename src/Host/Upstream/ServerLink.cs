using System.Net;
using MeshDns.Contracts.Dns;

namespace MeshDns.Host.Upstream;

/// <summary>What came of asking one server.</summary>
internal enum AttemptEnd
{
    /// <summary>NOERROR, NXDOMAIN or YXDOMAIN.</summary>
    Answer,

    /// <summary>SERVFAIL.</summary>
    ServFail,

    /// <summary>REFUSED, or another rcode that is no answer.</summary>
    Refused,

    /// <summary>No reply in time.</summary>
    TimedOut,

    /// <summary>Nobody there.</summary>
    Unreachable,

    /// <summary>Too many queries under way to this server.</summary>
    Overloaded,
}

/// <summary>The end of an attempt, the server, and its reply when there is one.</summary>
internal readonly record struct Attempt(AttemptEnd End, ServerLink Server, byte[] Reply);

/// <summary>
/// One upstream server: its sockets, its score, its counters. Asking it means UDP with EDNS; TCP for what was truncated or looks forged; once more
/// without EDNS when it does not understand that.
/// </summary>
internal sealed class ServerLink : IDisposable
{
    /// <summary>Queries under way to one server.</summary>
    public const int MaxInFlight = 2048;

    private static readonly TimeSpan _mostPatience = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _leastPatience = TimeSpan.FromMilliseconds(300);
    private static readonly TimeSpan _leastHedgeDelay = TimeSpan.FromMilliseconds(10);

    private readonly UpstreamClock _clock;
    private readonly UpstreamCounters _counters;
    private readonly UdpPool _udp;
    private readonly TcpPool _tcp;
    private readonly MarkSample _marks = new();
    private readonly long[] _ends = new long[Enum.GetValues<AttemptEnd>().Length];
    private int _inFlight;

    /// <summary>Opens nothing yet.</summary>
    public ServerLink(IPEndPoint address, UpstreamClock clock, UpstreamCounters counters)
    {
        Address = address;
        _clock = clock;
        _counters = counters;
        _udp = new UdpPool(address, clock, counters);
        _tcp = new TcpPool(address, clock, counters);
    }

    /// <summary>Where it is.</summary>
    public IPEndPoint Address { get; }

    /// <summary>Its score.</summary>
    public ServerHealth Health { get; } = new();

    /// <summary>Queries under way.</summary>
    public int InFlight => Math.Max(0, Volatile.Read(ref _inFlight));

    /// <summary>How often an attempt ended so.</summary>
    public long Count(AttemptEnd end) => Volatile.Read(ref _ends[(int)end]);

    /// <summary>How long a reply may take before the server counts as not answering and the next is asked: four times its p95, 0.3 to 1 s.</summary>
    public TimeSpan Patience()
    {
        TimeSpan wanted = Health.P95Ms is { } p95 ? TimeSpan.FromMilliseconds(4 * p95) : _mostPatience;
        return wanted > _mostPatience ? _mostPatience : wanted < _leastPatience ? _leastPatience : wanted;
    }

    /// <summary>How long a reply may take before another server is asked as well: its p95 (Dean and Barroso, "The Tail at Scale").</summary>
    public TimeSpan HedgeDelay()
    {
        TimeSpan wanted = Health.P95Ms is { } p95 ? TimeSpan.FromMilliseconds(p95) : _leastPatience;
        return wanted < _leastHedgeDelay ? _leastHedgeDelay : wanted;
    }

    /// <summary>
    /// Asks. Past <paramref name="patience"/> the server has a timeout on its record, but a late reply is still taken until the inquiry's deadline,
    /// unless the inquiry has been settled. Never throws.
    /// </summary>
    /// <param name="inquiry">The question.</param>
    /// <param name="patience">How long a good server may take.</param>
    /// <param name="isRetry">
    /// The same inquiry asked this server before. If it never answered anything, the query goes without EDNS: some middle boxes drop what they do
    /// not know.
    /// </param>
    public async Task<Attempt> AskAsync(Inquiry inquiry, TimeSpan patience, bool isRetry = false)
    {
        if (Interlocked.Increment(ref _inFlight) > MaxInFlight)
        {
            Interlocked.Decrement(ref _inFlight);
            return Finish(AttemptEnd.Overloaded, []);
        }
        var wait = new AttemptWait(this, inquiry, patience);
        await using (wait)
        {
            Exchange exchange = await ExchangeAsync(inquiry, wait, tryPlain: isRetry && !Health.HasReplied);
            Interlocked.Decrement(ref _inFlight);
            return Finish(Judge(exchange, wait), exchange.Reply);
        }
    }

    /// <summary>Closes the sockets; what is under way ends as unreachable.</summary>
    public void Dispose()
    {
        _udp.Dispose();
        _tcp.Dispose();
    }

    private async Task<Exchange> ExchangeAsync(Inquiry inquiry, AttemptWait wait, bool tryPlain)
    {
        if (!tryPlain)
        {
            bool edns = !Health.IsPlain(_clock.NowMs);
            Exchange exchange = await ExchangeOnceAsync(inquiry.Query(edns, _marks, _clock.NowMs), wait);
            if (!edns || exchange.End != ExchangeEnd.Reply || !RefusesEdns(exchange.Reply))
                return exchange;
        }
        _counters.PlainFallbacks.Add();
        Exchange plain = await ExchangeOnceAsync(inquiry.Query(edns: false, _marks, _clock.NowMs), wait);
        if (plain.End == ExchangeEnd.Reply && !RefusesEdns(plain.Reply))
            Health.RecordPlain(_clock.NowMs);
        return plain;
    }

    private async Task<Exchange> ExchangeOnceAsync(byte[] query, AttemptWait wait)
    {
        long startedAt = _clock.Time.GetTimestamp();
        Exchange exchange = await _udp.AskAsync(query, wait.Token);
        if (exchange.End == ExchangeEnd.Reply)
            wait.Latency ??= _clock.Time.GetElapsedTime(startedAt);
        bool isTruncated = exchange.End == ExchangeEnd.Reply && (DnsHeader.GetFlags(exchange.Reply) & DnsFlags.Truncated) != 0;
        if (!isTruncated && exchange.End != ExchangeEnd.Suspicious)
            return exchange;
        _counters.TcpFallbacks.Add();
        Exchange whole = await _tcp.AskAsync(query, wait.Token);
        // TCP has room for everything (RFC 7766 section 5): a server that says otherwise has not answered, and the next one is asked.
        bool isBroken = whole.End == ExchangeEnd.Reply && (DnsHeader.GetFlags(whole.Reply) & DnsFlags.Truncated) != 0;
        return isBroken ? whole with { End = ExchangeEnd.Unreachable } : whole;
    }

    private AttemptEnd Judge(in Exchange exchange, AttemptWait wait)
    {
        AttemptEnd end = exchange.End switch
        {
            ExchangeEnd.Reply => EndOf(UpstreamReply.FullRcode(exchange.Reply)),
            ExchangeEnd.TimedOut => AttemptEnd.TimedOut,
            ExchangeEnd.Overloaded => AttemptEnd.Overloaded,
            _ => AttemptEnd.Unreachable,
        };
        if (wait.Latency is { } latency)
            Health.RecordReply(latency.TotalMilliseconds, end == AttemptEnd.Answer);
        else if (end == AttemptEnd.Unreachable)
            Health.RecordUnreachable(_clock.NowMs);
        else if (end == AttemptEnd.TimedOut)
            wait.RecordTimeoutOnce();
        return end;
    }

    private Attempt Finish(AttemptEnd end, byte[] reply)
    {
        Interlocked.Increment(ref _ends[(int)end]);
        return new Attempt(end, this, reply);
    }

    private static AttemptEnd EndOf(Rcode rcode) => rcode switch
    {
        Rcode.NoError or Rcode.NXDomain or Rcode.YXDomain => AttemptEnd.Answer,
        Rcode.ServFail => AttemptEnd.ServFail,
        _ => AttemptEnd.Refused,
    };

    private static bool RefusesEdns(byte[] reply) => UpstreamReply.FullRcode(reply) is Rcode.FormErr or Rcode.NotImp or Rcode.BadVers;

    /// <summary>The two limits of an attempt: patience, after which it counts as a timeout, and the deadline, after which it is over.</summary>
    private sealed class AttemptWait : IAsyncDisposable
    {
        private readonly ServerLink _server;
        private readonly Inquiry _inquiry;
        private readonly CancellationTokenSource _end;
        private readonly ITimer _late;
        private int _isRecorded;

        public AttemptWait(ServerLink server, Inquiry inquiry, TimeSpan patience)
        {
            _server = server;
            _inquiry = inquiry;
            _end = new CancellationTokenSource(inquiry.Remaining(server._clock.NowMs), server._clock.Time);
            Token = _end.Token;
            _late = server._clock.Time.CreateTimer(static state => ((AttemptWait)state!).OnLate(), this, patience, Timeout.InfiniteTimeSpan);
        }

        public CancellationToken Token { get; }

        public TimeSpan? Latency { get; set; }

        public void RecordTimeoutOnce()
        {
            if (Interlocked.Exchange(ref _isRecorded, 1) == 0)
                _server.Health.RecordTimeout(_server._clock.NowMs);
        }

        public async ValueTask DisposeAsync()
        {
            await _late.DisposeAsync();
            _end.Dispose();
        }

        private void OnLate()
        {
            if (Latency is null)
                RecordTimeoutOnce();
            if (_inquiry.IsSettled)
                _end.Cancel();
        }
    }
}
