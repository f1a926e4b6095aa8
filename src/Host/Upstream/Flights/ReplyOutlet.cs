using MeshDns.Contracts.Dns;
using MeshDns.Host.Resolve;
using MeshDns.Host.Upstream.Replies;
using Microsoft.Extensions.Logging;

namespace MeshDns.Host.Upstream.Flights;

/// <summary>Where replies leave the upstream loop: to the sink of their query, or to who awaits it. For the loop's thread.</summary>
internal sealed class ReplyOutlet(ILogger logger)
{
    private readonly byte[] _reply = new byte[DnsLimits.MaxMessageSize];
    private readonly List<(AwaitedQuery Query, byte[] Reply)> _ended = [];
    private IReplySink? _sink;

    /// <summary>Where the next reply is written.</summary>
    public Span<byte> Buffer => _reply;

    /// <summary>Hands the reply in the buffer over; the query is its owner's again.</summary>
    public void HandOver(ForwardedQuery query, int length)
    {
        query.Notes = null;
        if (query is AwaitedQuery awaited)
        {
            _ended.Add((awaited, _reply[..length]));
            return;
        }
        try
        {
            if (_sink is not null && _sink != query.Sink)
                _sink.Flush();
            _sink = query.Sink!;
            _sink.Reply(query, _reply, length);
        }
        catch (Exception fault)
        {
            // The others that wait for the same answer must get it.
            Report(fault, "Handing a forwarded answer over");
        }
    }

    /// <summary>Answers with nothing but an error.</summary>
    public void AnswerError(ForwardedQuery query, Rcode rcode, EdeCode? reason)
    {
        if (ErrorReply.TryWrite(query.Packet.AsSpan(0, query.Length), rcode, _reply.AsSpan(0, Math.Min(query.Limit, _reply.Length)), out int length, reason) || query is AwaitedQuery)
        {
            HandOver(query, length);
            return;
        }
        query.Notes = null;
        query.Sink!.Drop(query);
    }

    /// <summary>Answers with SERVFAIL that says why.</summary>
    public void AnswerFailure(ForwardedQuery query, in ForwardFailure failure)
    {
        DnsQuery.TryParse(query.Packet.AsSpan(0, query.Length), out DnsQuery parsed);
        if (ReplyComposer.TryWriteFailure(parsed, failure, _reply, query.Limit, out int length))
            HandOver(query, length);
        else
            AnswerError(query, Rcode.ServFail, null);
    }

    /// <summary>Sends the replies that were gathered.</summary>
    public void Flush()
    {
        _sink?.Flush();
        _sink = null;
        foreach ((AwaitedQuery query, byte[] reply) in _ended)
            query.End(reply);
        _ended.Clear();
    }

    /// <summary>Logs a fault of ours.</summary>
    public void Report(Exception fault, string doing)
    {
        try
        {
            logger.LogError(fault, "{Doing} failed by a fault of ours", doing);
        }
        catch (Exception)
        {
            // A log that fails must not end the loop.
        }
    }
}
