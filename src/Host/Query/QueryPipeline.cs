using System.Runtime.CompilerServices;
using MeshDns.Contracts.Dns;
using MeshDns.Host.Resolve;

namespace MeshDns.Host.Query;

/// <summary>What the edge does with a packet.</summary>
public enum PipelineOutcome
{
    /// <summary>Nothing is sent.</summary>
    Drop,

    /// <summary>The reply is written.</summary>
    Reply,

    /// <summary>The answer needs an upstream, or an owner; see <see cref="QueryContext.Deferral"/>.</summary>
    Defer,
}

/// <summary>
/// The path of every query, up to the point where it would have to wait. One for each loop, not thread-safe; it allocates nothing for what it
/// answers itself. Whatever goes wrong inside is a SERVFAIL and a count, and the loop goes on.
/// </summary>
/// <param name="resolver">Decides what a name gets from the mesh.</param>
/// <param name="replies">Writes the mesh's replies.</param>
/// <param name="upstream">The cache of what is not ours.</param>
/// <param name="cookies">Server cookies.</param>
/// <param name="counters">Where this loop counts.</param>
/// <param name="faults">Where bugs are counted.</param>
public sealed class QueryPipeline(MeshResolver resolver, LocalReply replies, IUpstream upstream, CookieJar cookies, QueryCounters counters, FaultCounter faults)
{
    private uint _rotation = (uint)Random.Shared.Next(1, int.MaxValue);

    /// <summary>Fetches what the queries with these hashes will read of the directory (see <see cref="HashOf"/>); for several at once.</summary>
    public void Prefetch(ReadOnlySpan<int> hashes) => resolver.Directory.PrefetchExact(hashes);

    /// <summary>The directory's hash of the name that a packet asks for; of no meaning when there is no such name.</summary>
    public int HashOf(ReadOnlySpan<byte> packet) =>
        DnsName.TrySkipUncompressed(packet, DnsLimits.HeaderSize, out var end) ? resolver.Directory.HashOf(packet[DnsLimits.HeaderSize..end]) : 0;

    /// <summary>Answers a query, or says what else is to be done with it.</summary>
    public PipelineOutcome Handle(ref QueryContext context)
    {
        try
        {
            return Answer(ref context);
        }
        catch (Exception e)
        {
            faults.Count(e);
            counters.Count(DnsType.None, Rcode.ServFail, Stage.Error);
            if (!ErrorReply.TryWrite(context.Packet, Rcode.ServFail, context.Reply, out var length)) return PipelineOutcome.Drop;
            context.Length = length;
            return PipelineOutcome.Reply;
        }
    }

    [SkipLocalsInit]
    private PipelineOutcome Answer(ref QueryContext context)
    {
        // 1. What is no query gets an error by its form, or nothing (rule 9); a cookie alone gets a cookie.
        var parse = DnsQuery.TryParse(context.Packet, out context.Query);
        if (parse == QueryParse.Drop) return Drop();
        ref readonly var query = ref context.Query;
        Span<byte> cookieBuffer = stackalloc byte[ServerCookie.Size];
        var cookie = cookies.Reply(query, context.Client, cookieBuffer);
        if (parse != QueryParse.Ok) return Error(ref context, parse.ToRcode(), cookie);

        // 2. Zone transfers and transaction types are not for us (rule 7).
        if (query.Type.IsMeta()) return Error(ref context, Rcode.Refused, cookie);

        // 3. The name without case, the size that fits (rule 8), and what this client sees (rules 5 and 6).
        Span<byte> nameBuffer = stackalloc byte[DnsLimits.MaxNameSize];
        var name = nameBuffer[..query.QuestionName.Length];
        DnsName.Fold(query.QuestionName, name);
        var limit = Math.Min(context.Reply.Length, context.Transport == Transport.Udp ? query.MaxUdpReplySize : DnsLimits.MaxMessageSize);
        var view = resolver.ViewOf(context.Client);

        // 4. Whose name is it, and what does it get? In locals: references that are stored through the context's own would cost a barrier each.
        var finding = resolver.Decide(name, context.Hash, query.Type, view);

        // 5. Ours: answered here, unless a CNAME leads out of the mesh.
        if (finding.IsLocal && replies.TryWrite(query, finding, view, cookie, NextRotation(), context.Reply, limit, out var length, out var rcode))
        {
            context.Length = length;
            return Reply(query.Type, rcode, finding.Stage);
        }

        // 6. Not ours, or not to the end of its chain: from the cache of upstream answers, where there is one.
        if (finding.Origin != Origin.Owner
            && upstream.TryAnswerCached(context.Packet, query, name, finding, view, context.Reply, limit - CookieJar.Room(query), out length))
        {
            CookieJar.TryStamp(context.Reply[..limit], cookie, ref length);
            context.Length = length;
            return Reply(query.Type, DnsHeader.GetRcode(context.Reply), Stage.Cache);
        }

        // 7. Everything else has to wait: for an upstream, or for the owner of a name that a stale replica does not know.
        context.Deferral = new Deferral(finding, view, limit, query.Type, Party.Of(context.Client, name), cookie.IsEmpty ? null : cookie.ToArray());
        return PipelineOutcome.Defer;
    }

    private PipelineOutcome Reply(DnsType type, Rcode rcode, Stage stage)
    {
        counters.Count(type, rcode, stage);
        return PipelineOutcome.Reply;
    }

    private PipelineOutcome Error(ref QueryContext context, Rcode rcode, scoped ReadOnlySpan<byte> cookie)
    {
        if (!ErrorReply.TryWrite(context.Packet, rcode, context.Reply, out var length, cookie: cookie)) return Drop();
        context.Length = length;
        return Reply(context.Query.Type, rcode, Stage.Error);
    }

    private PipelineOutcome Drop()
    {
        counters.Count(DnsType.None, Rcode.NoError, Stage.Drop);
        return PipelineOutcome.Drop;
    }

    // xorshift32: which address goes first need only be spread, not secret.
    private uint NextRotation()
    {
        _rotation ^= _rotation << 13;
        _rotation ^= _rotation >> 17;
        _rotation ^= _rotation << 5;
        return _rotation;
    }
}
