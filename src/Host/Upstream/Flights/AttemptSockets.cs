using MeshDns.Contracts.Dns;
using MeshDns.Host.Upstream.Cache;
using MeshDns.Host.Upstream.Servers;

namespace MeshDns.Host.Upstream.Flights;

/// <summary>Where the attempts of one flight are on their way: by which socket under which id, or over TCP. For the loop's thread.</summary>
/// <param name="loop">The loop.</param>
/// <param name="query">Hears of replies.</param>
/// <param name="onTcp">Hears of the ends of TCP, each once and in a later turn.</param>
internal sealed class AttemptSockets(UpstreamLoop loop, IPendingQuery query, Action<int, Exchange> onTcp)
{
    private Way[] _ways = new Way[2];
    private LoopMarking _marking;

    /// <summary>What is asked.</summary>
    public UpstreamQuestion Question { get; private set; } = null!;

    /// <summary>Begins anew.</summary>
    public void Begin(UpstreamQuestion question, in LoopMarking marking) => (Question, _marking) = (question, marking);

    /// <summary>Sends an attempt's query over UDP. False when there is no socket for it.</summary>
    /// <param name="attempt">The attempt.</param>
    /// <param name="server">Who is asked.</param>
    /// <param name="edns">With EDNS.</param>
    /// <param name="id">Its id.</param>
    /// <param name="isFull">Too many queries wait on the sockets that there are.</param>
    public bool TrySend(int attempt, ServerLink server, bool edns, out ushort id, out bool isFull)
    {
        Leave(attempt);
        id = 0;
        if (server.Udp.Choose(out isFull) is not { } port)
            return false;
        id = port.Register(query, attempt);
        _ways[attempt] = new Way { Port = port, Id = id, SentAt = loop.NowTimestamp };
        Span<byte> next = loop.Wire.NextQuery;
        int length = WriteQuery(next, edns, server);
        DnsHeader.SetId(next, id);
        loop.Wire.Enqueue(port, length);
        return true;
    }

    /// <summary>Sends it over TCP.</summary>
    /// <param name="attempt">The attempt.</param>
    /// <param name="server">Who is asked.</param>
    /// <param name="edns">With EDNS.</param>
    /// <param name="deadlineMs">When it is given up.</param>
    public void SendOverTcp(int attempt, ServerLink server, bool edns, long deadlineMs)
    {
        Leave(attempt);
        Span<byte> message = stackalloc byte[UpstreamWire.MaxQuerySize];
        int length = WriteQuery(message, edns, server);
        CancellationTokenSource cancel = loop.NewDeadline(deadlineMs);
        _ways[attempt].Tcp = cancel;
        _ = AskOverTcpAsync(attempt, server.Tcp, message[..length].ToArray(), cancel.Token);
    }

    /// <summary>Gives TCP up, if it has not ended.</summary>
    public void CancelTcp(int attempt) => _ways[attempt].Tcp?.Cancel();

    /// <summary>The attempt waits on its socket no longer.</summary>
    public void Leave(int attempt)
    {
        if (attempt >= _ways.Length)
            Array.Resize(ref _ways, Math.Max(attempt + 1, 2 * _ways.Length));
        _ways[attempt].Port?.Retire(_ways[attempt].Id);
        _ways[attempt].Port = null;
    }

    /// <summary>How long ago an attempt's query was sent.</summary>
    public double ElapsedMs(int attempt) => loop.ElapsedMs(_ways[attempt].SentAt);

    private async Task AskOverTcpAsync(int attempt, TcpPool pool, byte[] message, CancellationToken cancel)
    {
        Exchange exchange;
        try
        {
            exchange = await pool.AskAsync(message, cancel);
        }
        catch (Exception fault)
        {
            // A fault of ours must not keep the attempt, and whoever waits for it, for ever.
            loop.Report(fault);
            exchange = Exchange.Without(ExchangeEnd.Unreachable);
        }
        loop.Post(() => EndTcp(attempt, exchange));
    }

    private void EndTcp(int attempt, Exchange exchange)
    {
        _ways[attempt].Tcp?.Dispose();
        _ways[attempt].Tcp = null;
        onTcp(attempt, exchange);
    }

    private int WriteQuery(Span<byte> message, bool edns, ServerLink server)
    {
        bool isMarked = edns && (_marking.IsAlways || server.Marks.TryTake(loop.NowMs));
        return Question.WriteQuery(message, edns, isMarked ? _marking.Option : []);
    }

    private struct Way
    {
        public UdpPort? Port;
        public ushort Id;
        public long SentAt;
        public CancellationTokenSource? Tcp;
    }
}
