using System.Runtime.CompilerServices;
using MeshDns.Contracts.Dns;
using MeshDns.Contracts.Names;
using MeshDns.Host.Resolve;

namespace MeshDns.Host.Edge;

/// <summary>What the edge does with a packet.</summary>
public enum PipelineOutcome
{
    /// <summary>Nothing is sent.</summary>
    Drop,

    /// <summary>The reply is written.</summary>
    Reply,

    /// <summary>The answer needs an upstream, or an owner; see <see cref="Deferral"/>.</summary>
    Defer,
}

/// <summary>What the slow path must know of a query besides its packet.</summary>
/// <param name="Finding">What was found for it.</param>
/// <param name="View">What the client sees.</param>
/// <param name="Limit">The most bytes that the client takes.</param>
/// <param name="Type">What was asked.</param>
/// <param name="Party">To whom the places of its wait count.</param>
/// <param name="Cookie">The cookie option's data for the reply; null for none.</param>
public readonly record struct Deferral(Finding Finding, ClientView View, int Limit, DnsType Type, Party Party, byte[]? Cookie);

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

    /// <summary>Answers a packet, or says what else is to be done with it.</summary>
    /// <param name="packet">What came.</param>
    /// <param name="clientAddress">4 or 16 bytes.</param>
    /// <param name="isTcp">True for TCP: up to 65,535 bytes (RFC 7766).</param>
    /// <param name="reply">Takes the reply; not the packet's buffer; 65,535 bytes for TCP, else at least 1,232.</param>
    /// <param name="length">The reply's length.</param>
    /// <param name="deferral">For <see cref="PipelineOutcome.Defer"/>: what <see cref="ForwardPath"/> needs.</param>
    public PipelineOutcome Handle(ReadOnlySpan<byte> packet, ReadOnlySpan<byte> clientAddress, bool isTcp, Span<byte> reply, out int length, out Deferral deferral) =>
        Handle(packet, HashOf(packet), clientAddress, isTcp, reply, out length, out deferral);

    /// <summary>The same when the packet's <see cref="HashOf"/> is known.</summary>
    public PipelineOutcome Handle(
        ReadOnlySpan<byte> packet, int hash, ReadOnlySpan<byte> clientAddress, bool isTcp, Span<byte> reply, out int length, out Deferral deferral)
    {
        try
        {
            return Answer(packet, hash, clientAddress, isTcp, reply, out length, out deferral);
        }
        catch (Exception e)
        {
            faults.Count(e);
            deferral = default;
            counters.Count(DnsType.None, Rcode.ServFail, Stage.Error);
            return ErrorReply.TryWrite(packet, Rcode.ServFail, reply, out length) ? PipelineOutcome.Reply : PipelineOutcome.Drop;
        }
    }

    [SkipLocalsInit]
    private PipelineOutcome Answer(
        ReadOnlySpan<byte> packet, int hash, ReadOnlySpan<byte> clientAddress, bool isTcp, Span<byte> reply, out int length, out Deferral deferral)
    {
        length = 0;
        deferral = default;

        // 1. What is no query gets an error by its form, or nothing (rule 9); a cookie alone gets a cookie.
        var parse = DnsQuery.TryParse(packet, out var query);
        if (parse == QueryParse.Drop) return Drop();
        Span<byte> cookieBuffer = stackalloc byte[ServerCookie.Size];
        var cookie = cookies.Reply(query, clientAddress, cookieBuffer);
        if (parse != QueryParse.Ok) return Error(packet, query.Type, parse.ToRcode(), cookie, reply, out length);

        // 2. Zone transfers and transaction types are not for us (rule 7).
        if (query.Type.IsMeta()) return Error(packet, query.Type, Rcode.Refused, cookie, reply, out length);

        // 3. The name without case, the size that fits (rule 8), and what this client sees (rules 5 and 6).
        Span<byte> nameBuffer = stackalloc byte[DnsLimits.MaxNameSize];
        var name = nameBuffer[..query.QuestionName.Length];
        DnsName.Fold(query.QuestionName, name);
        var limit = Math.Min(reply.Length, isTcp ? DnsLimits.MaxMessageSize : query.MaxUdpReplySize);
        var view = resolver.ViewOf(clientAddress);

        // 4. Whose name is it, and what does it get?
        var finding = resolver.Decide(name, hash, query.Type, view);

        // 5. Ours: answered here, unless a CNAME leads out of the mesh.
        if (finding.IsLocal && replies.TryWrite(query, finding, view, cookie, NextRotation(), reply, limit, out length, out var rcode))
            return Reply(query.Type, rcode, finding.Stage);

        // 6. Not ours, or not to the end of its chain: from the cache of upstream answers, where there is one.
        if (finding.Kind != FindingKind.AskOwner && TryAnswerCached(packet, query, name, finding, view, cookie, reply, limit, out length))
            return Reply(query.Type, DnsHeader.GetRcode(reply), Stage.Cache);

        // 7. Everything else has to wait: for an upstream, or for the owner of a name that a stale replica does not know.
        deferral = new Deferral(finding, view, limit, query.Type, Party.Of(clientAddress, name), cookie.IsEmpty ? null : cookie.ToArray());
        return PipelineOutcome.Defer;
    }

    private bool TryAnswerCached(
        ReadOnlySpan<byte> packet, in DnsQuery query, ReadOnlySpan<byte> name, in Finding finding, in ClientView view, ReadOnlySpan<byte> cookie, Span<byte> reply, int limit,
        out int length)
    {
        if (!upstream.TryAnswerCached(packet, query, name, finding, view, reply, limit - CookieJar.Room(query), out length)) return false;
        CookieJar.TryStamp(reply[..limit], cookie, ref length);
        return true;
    }

    private PipelineOutcome Reply(DnsType type, Rcode rcode, Stage stage)
    {
        counters.Count(type, rcode, stage);
        return PipelineOutcome.Reply;
    }

    private PipelineOutcome Error(ReadOnlySpan<byte> packet, DnsType type, Rcode rcode, ReadOnlySpan<byte> cookie, Span<byte> reply, out int length)
    {
        if (!ErrorReply.TryWrite(packet, rcode, reply, out length, cookie: cookie)) return Drop();
        return Reply(type, rcode, Stage.Error);
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
