using System.Buffers;
using MeshDns.Contracts.Dns;
using MeshDns.Contracts.Names;

namespace MeshDns.Host.Resolve;

/// <summary>
/// The slow path: what the edge's loops cannot answer at once. Forwards, makes the mesh's corrections to the upstream's answer, and joins the local
/// and the foreign part of a CNAME chain that leaves the mesh.
/// </summary>
/// <param name="upstream">Asks the upstream resolvers.</param>
/// <param name="answers">Writes the local part.</param>
/// <param name="stale">Answers for a replica that is too old; null where there are no owners to ask.</param>
public sealed class ForwardPath(IUpstream upstream, AnswerWriter answers, StaleReplica? stale = null)
{
    /// <summary>Answers a query that was put off. Ends by the upstream deadline.</summary>
    /// <param name="packet">The client's query, well formed.</param>
    /// <param name="finding">What was found for it.</param>
    /// <param name="view">What the client sees.</param>
    /// <param name="cookie">The cookie option's data; empty for none.</param>
    /// <param name="reply">Takes the reply.</param>
    /// <param name="limit">The most bytes that the client takes.</param>
    /// <param name="cancel">Gives up.</param>
    public async ValueTask<int> AnswerAsync(
        ReadOnlyMemory<byte> packet, Finding finding, ClientView view, ReadOnlyMemory<byte> cookie, Memory<byte> reply, int limit, CancellationToken cancel)
    {
        if (finding.Kind == FindingKind.AskOwner && stale is not null) return await stale.AnswerAsync(packet, view, cookie, reply, limit);
        if (finding.Kind == FindingKind.Cname) return await JoinAsync(packet, finding, view, cookie, reply, limit, cancel);
        var room = cookie.IsEmpty ? 0 : cookie.Length + 4;
        var length = await upstream.ForwardAsync(packet, view, reply, limit - room, finding.MaxTtl, cancel);
        Correct(finding, reply.Span[..length]);
        CookieJar.TryStamp(reply.Span[..limit], cookie.Span, ref length);
        return length;
    }

    /// <summary>The name exists here, whatever the upstream says: NXDOMAIN becomes NODATA, which nobody has validated (RFC 4035 section 3.2.3).</summary>
    public static void Correct(in Finding finding, Span<byte> reply)
    {
        if (finding.Kind != FindingKind.ForwardExisting || DnsHeader.GetRcode(reply) != Rcode.NXDomain) return;
        DnsHeader.SetRcode(reply, Rcode.NoError);
        DnsHeader.SetFlags(reply, DnsHeader.GetFlags(reply) & ~DnsFlags.AuthenticData);
    }

    private async ValueTask<int> JoinAsync(
        ReadOnlyMemory<byte> packet, Finding finding, ClientView view, ReadOnlyMemory<byte> cookie, Memory<byte> reply, int limit, CancellationToken cancel)
    {
        var target = ArrayPool<byte>.Shared.Rent(DnsLimits.MinUdpSize);
        var foreign = ArrayPool<byte>.Shared.Rent(DnsLimits.MaxMessageSize);
        try
        {
            var asked = WriteTargetQuery(packet.Span, finding, view, target, out var maxTtl);
            var length = asked == 0 ? 0 : await upstream.ForwardAsync(target.AsMemory(0, asked), view, foreign, DnsLimits.MaxMessageSize, maxTtl, cancel);
            return Join(packet.Span, finding, view, cookie.Span, foreign.AsSpan(0, length), reply.Span, limit);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(target);
            ArrayPool<byte>.Shared.Return(foreign);
        }
    }

    // The same question about the chain's last name. 0 when the chain does not leave the mesh any more.
    private int WriteTargetQuery(ReadOnlySpan<byte> packet, in Finding finding, in ClientView view, Span<byte> target, out uint maxTtl)
    {
        DnsQuery.TryParse(packet, out var query);
        Span<byte> scratch = stackalloc byte[DnsLimits.MaxUdpSize * 3];
        var local = MessageWriter.StartReply(scratch, query);
        scoped var answer = new Answer();
        answers.Append(query.QuestionName, query.Type, finding, view, ref answer, ref local);
        maxTtl = answer.MaxTtl;
        if (answer.Result != LocalRecords.NotOurs) return 0;
        var writer = new MessageWriter(target);
        DnsHeader.SetId(writer.Message, query.Id);
        DnsHeader.SetFlags(writer.Message, DnsFlags.RecursionDesired | (query.Flags & (DnsFlags.CheckingDisabled | DnsFlags.AuthenticData)));
        writer.TryWriteQuestion(answer.LastName, query.Type);
        writer.TryWriteOpt(new OptRecord { DnssecOk = query.DnssecOk });
        return writer.Length;
    }

    private int Join(
        ReadOnlySpan<byte> packet, in Finding finding, in ClientView view, ReadOnlySpan<byte> cookie, ReadOnlySpan<byte> foreign, Span<byte> reply, int limit)
    {
        DnsQuery.TryParse(packet, out var query);
        var opt = new OptRecord { DnssecOk = query.DnssecOk, Cookie = cookie, Rcode = DnsHeader.GetRcode(foreign) };
        var writer = MessageWriter.StartReply(reply, query, DnsFlags.Authoritative);
        writer.Limit = query.HasEdns ? limit - opt.Size : limit;
        var answer = new Answer();
        answers.Append(query.QuestionName, query.Type, finding, view, ref answer, ref writer);
        if (answer.Result != LocalRecords.NotOurs || foreign.IsEmpty)
        {
            // The directory changed while we asked: the client asks again, and then it is one or the other.
            LocalReply.WriteFailure(query, EdeCode.Other, cookie, reply, limit, out var failed);
            return failed;
        }
        var isWhole = CopyRecords(foreign, ref writer);
        var flags = DnsHeader.GetFlags(writer.Message);
        if (!isWhole || (DnsHeader.GetFlags(foreign) & DnsFlags.Truncated) != 0) DnsHeader.SetFlags(writer.Message, flags | DnsFlags.Truncated);
        DnsHeader.SetRcode(writer.Message, DnsHeader.GetRcode(foreign));
        writer.Limit = limit;
        if (query.HasEdns) writer.TryWriteOpt(opt);
        return writer.Length;
    }

    private static bool CopyRecords(ReadOnlySpan<byte> foreign, ref MessageWriter writer)
    {
        var reader = new MessageReader(foreign);
        while (reader.TryReadRecord(out var record))
        {
            if (record.Section == DnsSection.Additional) break;
            if (record.Section > writer.Section) writer.StartSection(record.Section);
            if (writer.TryCopyRecord(foreign, record, record.Ttl)) continue;
            return record.Section != DnsSection.Answer;
        }
        return true;
    }
}
