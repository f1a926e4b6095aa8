using MeshDns.Contracts.Dns;
using MeshDns.Contracts.Names;

namespace MeshDns.Host.Resolve;

/// <summary>Makes whole replies of what was found: header, sections, OPT, size (behaviour.md, queries, rules 3, 4, 7 and 8). Allocates nothing.</summary>
/// <param name="answers">Writes the answer section.</param>
public sealed class LocalReply(AnswerWriter answers)
{
    /// <summary>
    /// Writes the reply. False when a chain of CNAMEs leaves the mesh: the rest must be asked upstream, and nothing of the buffer counts.
    /// </summary>
    /// <param name="query">The client's query.</param>
    /// <param name="finding">What it gets; local.</param>
    /// <param name="view">What the client sees.</param>
    /// <param name="cookie">The cookie option's data; empty for none.</param>
    /// <param name="rotation">Which address goes first.</param>
    /// <param name="reply">Takes the reply; not the packet's buffer.</param>
    /// <param name="limit">The most bytes that the client takes.</param>
    /// <param name="length">The reply's length.</param>
    /// <param name="rcode">Its rcode.</param>
    public bool TryWrite(
        in DnsQuery query, in Finding finding, in ClientView view, ReadOnlySpan<byte> cookie, uint rotation, Span<byte> reply, int limit, out int length, out Rcode rcode)
    {
        var opt = new OptRecord { DnssecOk = query.DnssecOk, Cookie = cookie };
        rcode = finding.Kind == FindingKind.NXDomain ? Rcode.NXDomain : Rcode.NoError;
        if (finding.Kind is FindingKind.Addresses or FindingKind.NoData or FindingKind.NXDomain && !finding.IsSpecial)
        {
            var direct = new DirectReply(query, reply, query.HasEdns ? limit - opt.Size : limit);
            answers.Append(query.QuestionName, query.Type, finding, view, rotation, ref direct);
            direct.End(query, rcode, opt);
            length = direct.Length;
            return true;
        }
        return TryWriteRecords(query, finding, view, opt, rotation, reply, limit, out length, out rcode);
    }

    /// <summary>The same for whatever is found, addresses too.</summary>
    internal bool TryWriteRecords(
        in DnsQuery query, in Finding finding, in ClientView view, in OptRecord opt, uint rotation, Span<byte> reply, int limit, out int length, out Rcode rcode)
    {
        var writer = MessageWriter.StartReply(reply, query, DnsFlags.Authoritative);
        writer.Limit = query.HasEdns ? limit - opt.Size : limit;
        var answer = new Answer { Rotation = rotation };
        answers.Append(query.QuestionName, query.Type, finding, view, ref answer, ref writer);
        length = 0;
        rcode = Rcode.NoError;
        switch (answer.Result)
        {
            case LocalRecords.NotOurs:
                return false;
            case LocalRecords.Unavailable:
                rcode = Rcode.ServFail;
                WriteFailure(query, answer.Error, opt.Cookie, reply, limit, out length);
                return true;
            case LocalRecords.Truncated:
                DnsHeader.SetFlags(writer.Message, DnsHeader.GetFlags(writer.Message) | DnsFlags.Truncated);
                break;
            case LocalRecords.NXDomain:
                rcode = Rcode.NXDomain;
                break;
        }
        writer.Limit = limit;
        if (query.HasEdns) writer.TryWriteOpt(opt);
        DnsHeader.SetRcode(writer.Message, rcode);
        length = writer.Length;
        return true;
    }

    /// <summary>Writes a SERVFAIL that says why (RFC 8914).</summary>
    public static void WriteFailure(in DnsQuery query, EdeCode error, ReadOnlySpan<byte> cookie, Span<byte> reply, int limit, out int length)
    {
        var writer = MessageWriter.StartReply(reply, query, rcode: Rcode.ServFail);
        writer.Limit = limit;
        if (query.HasEdns) writer.TryWriteOpt(new OptRecord { Rcode = Rcode.ServFail, DnssecOk = query.DnssecOk, Cookie = cookie, ExtendedError = error });
        length = writer.Length;
    }
}
