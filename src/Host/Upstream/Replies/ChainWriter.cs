using MeshDns.Contracts.Dns;
using MeshDns.Host.Resolve;
using MeshDns.Host.Upstream.Cache;

namespace MeshDns.Host.Upstream.Replies;

/// <summary>
/// Writes a reply record by record: what does not fit whole, and chains of CNAMEs, which may lead from the upstreams into the mesh and out of it again, as often as
/// the limit of links allows. In the mesh its directory says how it goes on, outside an upstream's answer; what an upstream says beyond a name of ours is left out.
/// </summary>
internal ref struct ChainWriter
{
    private readonly Span<byte> _reply;
    private readonly DnsQuery _query;
    private readonly Serving _serving;
    private readonly AnswerWriter? _local;
    private MessageWriter _writer;
    private Answer _answer;

    /// <param name="reply">Takes the reply up to its OPT record, which the caller has kept room for.</param>
    /// <param name="query">The client's query.</param>
    /// <param name="serving">How it is written.</param>
    /// <param name="local">The mesh; null without one.</param>
    public ChainWriter(Span<byte> reply, DnsQuery query, in Serving serving, AnswerWriter? local)
    {
        _reply = reply;
        _query = query;
        _serving = serving;
        _local = local;
        _writer = MessageWriter.StartReply(reply, query);
        _answer = new Answer { Rotation = (uint)Environment.TickCount, MaxTtl = serving.Finding.MaxTtl };
    }

    /// <summary>The reply's length.</summary>
    public readonly int Length => _writer.Length;

    /// <summary>What the OPT record has to say.</summary>
    public Trouble Trouble { get; private set; }

    /// <summary>Writes a reply that begins with a name of ours.</summary>
    public Composition WriteFromMesh<TParts>(ref TParts parts, out byte[]? missing) where TParts : struct, IAnswerParts
    {
        Set(DnsFlags.Authoritative);
        _local!.Append(_query.QuestionName, _query.Type, _serving.Finding, _serving.View, ref _answer, ref _writer);
        return Follow(ref parts, out missing);
    }

    /// <summary>Writes a reply that begins with an upstream's answer.</summary>
    public Composition WriteFrom<TParts>(in ServedAnswer first, ref TParts parts, out byte[]? missing) where TParts : struct, IAnswerParts
    {
        missing = null;
        Set(AnswerRules.FlagsOf(first, _query));
        return TryAppend(first) ? Follow(ref parts, out missing) : Composition.Written;
    }

    // From a part in the mesh on.
    private Composition Follow<TParts>(ref TParts parts, out byte[]? missing) where TParts : struct, IAnswerParts
    {
        missing = null;
        while (_answer.Result == LocalRecords.NotOurs)
        {
            if (!parts.TryFind(_query, _answer.Target, out ServedAnswer part))
            {
                missing = _answer.Target;
                // Without RD only what is known is said: our CNAME is.
                return _query.RecursionDesired ? Composition.Incomplete : Composition.Written;
            }
            if (!TryAppend(part))
                return Composition.Written;
        }
        EndInMesh();
        return Composition.Written;
    }

    // Writes an upstream's part, up to a name of ours. True when the mesh has gone on from there, and the answer says how that went.
    private bool TryAppend(in ServedAnswer part)
    {
        CachedAnswer answer = part.Answer;
        Trouble trouble = AnswerRules.TroubleOf(part);
        if (trouble.Code is not null)
            Trouble = trouble;
        if (answer.Kind == AnswerKind.Failure)
        {
            Fail(Trouble);
            return false;
        }
        uint age = answer.AgeSeconds(_serving.NowMs);
        int cnames = 0;
        var reader = new MessageReader(answer.Message);
        while (reader.TryReadRecord(out RecordView record))
        {
            if (record.Section == DnsSection.Authority && _writer.Section != DnsSection.Authority)
                _writer.StartSection(DnsSection.Authority);
            bool isLink = record.Section == DnsSection.Answer && record.Type == DnsType.CNAME && cnames < answer.Targets.Length;
            if (isLink && _answer.Links == AnswerWriter.MaxChain)
            {
                Fail(new Trouble(EdeCode.Other, null));
                return false;
            }
            if (!_writer.TryCopyRecord(answer.Message, record, AnswerRules.ServedTtl(record.Ttl, age, part.IsStale, _answer.MaxTtl)))
            {
                Set(DnsFlags.Truncated);
                return false;
            }
            if (!isLink)
                continue;
            _answer.Links++;
            _answer.Target = answer.Targets[cnames++];
            if (TryGoOnInMesh())
                return true;
        }
        EndOutside(answer);
        return false;
    }

    private bool TryGoOnInMesh()
    {
        if (_local is null)
            return false;
        byte[] target = _answer.Target!;
        Finding finding = _local.Find(target, _query.Type, _serving.View);
        if (finding.Origin == Origin.Upstream)
            return false;
        _local.Append(target, _query.Type, finding, _serving.View, ref _answer, ref _writer);
        DnsHeader.SetFlags(_writer.Message, DnsHeader.GetFlags(_writer.Message) & ~DnsFlags.AuthenticData);
        return true;
    }

    private void EndInMesh()
    {
        switch (_answer.Result)
        {
            case LocalRecords.Truncated:
                Set(DnsFlags.Truncated);
                break;
            case LocalRecords.NXDomain:
                DnsHeader.SetRcode(_writer.Message, Rcode.NXDomain);
                break;
            case LocalRecords.Unavailable:
                Fail(new Trouble(_answer.Error, null));
                break;
        }
    }

    private void EndOutside(CachedAnswer answer)
    {
        DnsHeader.SetRcode(_writer.Message, answer.Rcode);
        if (answer.Rcode != Rcode.NXDomain || _local is null)
            return;
        Span<byte> folded = stackalloc byte[DnsLimits.MaxNameSize];
        scoped ReadOnlySpan<byte> last = _answer.Target;
        if (_answer.Target is null)
        {
            DnsName.Fold(_query.QuestionName, folded);
            last = folded[.._query.QuestionName.Length];
        }
        if (!_local.Exists(last, _serving.View))
            return;
        Trouble trouble = Trouble;
        AnswerRules.Undeny(_writer.Message, ref trouble);
        Trouble = trouble;
    }

    // A failure says nothing else.
    private void Fail(in Trouble trouble)
    {
        _writer = MessageWriter.StartReply(_reply, _query, rcode: Rcode.ServFail);
        Trouble = trouble;
    }

    private readonly void Set(DnsFlags flags) => DnsHeader.SetFlags(_writer.Message, DnsHeader.GetFlags(_writer.Message) | flags);
}
