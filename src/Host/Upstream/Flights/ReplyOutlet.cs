using MeshDns.Contracts.Dns;
using MeshDns.Host.Resolve;
using MeshDns.Host.Upstream.Replies;
using Microsoft.Extensions.Logging;

namespace MeshDns.Host.Upstream.Flights;

/// <summary>Where replies leave the upstream loop: to their query, gathered where it says so. For the loop's thread.</summary>
internal sealed class ReplyOutlet(ILogger logger)
{
    private readonly byte[] _reply = new byte[DnsLimits.MaxMessageSize];
    private IReplyBatch? _batch;

    /// <summary>Where the next reply is written.</summary>
    public Span<byte> Buffer => _reply;

    /// <summary>Hands the reply in the buffer over; the query is its owner's again.</summary>
    public void HandOver(ForwardedQuery query, int length)
    {
        query.Notes = null;
        try
        {
            if (query.Batch is { } batch && batch != _batch)
            {
                _batch?.Flush();
                _batch = batch;
            }
            query.OnReply(_reply, length);
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
        if (ErrorReply.TryWrite(query.Packet.AsSpan(0, query.Length), rcode, _reply.AsSpan(0, Math.Min(query.Limit, _reply.Length)), out int length, reason))
        {
            HandOver(query, length);
            return;
        }
        query.Notes = null;
        query.OnDrop();
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
        _batch?.Flush();
        _batch = null;
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
