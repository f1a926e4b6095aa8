using System.Buffers.Binary;
using MeshDns.Contracts.Dns;
using MeshDns.Contracts.Vips;
using MeshDns.Host.Resolve;
using MeshDns.Host.Upstream.Cache;

namespace MeshDns.Host.Upstream.Replies;

/// <summary>What a reply is worth.</summary>
internal enum FilterVerdict
{
    /// <summary>An answer.</summary>
    Answer,

    /// <summary>A referral: the server does not resolve for us. Ask another.</summary>
    Referral,

    /// <summary>Records that are malformed or contradict the header.</summary>
    Malformed,

    /// <summary>More than <see cref="AnswerFilter.MaxChain"/> CNAME records, or a circle of them.</summary>
    ChainTooLong,
}

/// <summary>
/// Keeps of an upstream's reply only what the question leads to, and writes it anew. Pure. Kept are the CNAME (and DNAME) chain from the
/// question's name, the records of the wanted type at its end, for negative answers the SOA, and with DO the signatures and proofs that belong to
/// these. Everything else could be somebody's attempt to have us say it: other names, other authority, all additional data. Addresses inside the
/// VIP ranges are dropped, also as hints of SVCB and HTTPS records, since nobody outside may point at them.
/// </summary>
internal sealed class AnswerFilter
{
    /// <summary>CNAME records followed from the question.</summary>
    public const int MaxChain = AnswerWriter.MaxChain;

    private const uint MaxTtl = 24 * 3600;
    private const uint MaxNegativeTtl = 3600;
    private const ulong HashSeed = 0x6D657368646E7331;

    private readonly VipStrip _strip;
    private readonly List<(RecordView Record, ulong OwnerHash)> _answers = [];
    private readonly List<RecordView> _authority = [];
    private readonly List<byte[]> _targets = [];
    private readonly byte[] _current = new byte[DnsLimits.MaxNameSize];
    private int _currentLength;
    private uint _lifetime = MaxTtl;
    private bool _isFound;
    private bool _isOverfull;

    private readonly byte[] _buffer = new byte[DnsLimits.MaxMessageSize];

    /// <param name="vips">The ranges that nobody outside may point at.</param>
    public AnswerFilter(VipRange vips) => _strip = new VipStrip(vips);

    /// <summary>Filters one reply; see <see cref="Apply(ReadOnlySpan{byte}, UpstreamQuestion, long, out CachedAnswer?, out int)"/>.</summary>
    public static FilterVerdict Apply(
        ReadOnlySpan<byte> reply, UpstreamQuestion question, VipRange vips, long nowMs, out CachedAnswer? answer, out int stripped) =>
        new AnswerFilter(vips).Apply(reply, question, nowMs, out answer, out stripped);

    /// <summary>Filters a reply that <see cref="ReplyGuard"/> accepted, whole, with rcode NOERROR, NXDOMAIN or YXDOMAIN. Not thread-safe.</summary>
    /// <param name="reply">The message.</param>
    /// <param name="question">What was asked.</param>
    /// <param name="nowMs">When it came.</param>
    /// <param name="answer">The answer, when the verdict says so.</param>
    /// <param name="stripped">Records dropped because of their addresses.</param>
    public FilterVerdict Apply(ReadOnlySpan<byte> reply, UpstreamQuestion question, long nowMs, out CachedAnswer? answer, out int stripped)
    {
        _strip.Reset();
        _answers.Clear();
        _authority.Clear();
        _targets.Clear();
        _lifetime = MaxTtl;
        _isFound = false;
        _isOverfull = false;
        FilterVerdict verdict = Run(reply, question, _buffer, nowMs, out answer);
        stripped = _strip.Count;
        return verdict;
    }

    private FilterVerdict Run(ReadOnlySpan<byte> reply, UpstreamQuestion question, Span<byte> buffer, long nowMs, out CachedAnswer? answer)
    {
        answer = null;
        if (!TryIndex(reply, question.Class))
            return FilterVerdict.Malformed;
        Rcode rcode = DnsHeader.GetRcode(reply);
        var writer = new MessageWriter(buffer);
        DnsHeader.SetFlags(buffer, DnsFlags.Response | DnsFlags.RecursionAvailable);
        DnsHeader.SetRcode(buffer, rcode);
        writer.TryWriteQuestion(question.Name, question.Type, question.Class);
        int questionEnd = writer.Length;

        if (!TryFollowChain(reply, question, ref writer))
            return FilterVerdict.ChainTooLong;
        if (_isFound && rcode != Rcode.NoError)
            return FilterVerdict.Malformed;
        bool hasSoa = KeepAuthority(reply, question.DnssecOk, ref writer);
        if (!_isFound && !hasSoa && rcode == Rcode.NoError && _targets.Count == 0 && _authority.Exists(each => each.Type == DnsType.NS))
            return FilterVerdict.Referral;
        if (_isOverfull)
            return FilterVerdict.Malformed;

        // RFC 2308 section 5: without an SOA there is no telling how long a negative answer holds.
        bool isCacheable = _isFound || hasSoa;
        bool isAuthentic = (DnsHeader.GetFlags(reply) & DnsFlags.AuthenticData) != 0 && _strip.Count == 0;
        byte[] message = writer.Message.ToArray();
        answer = new CachedAnswer
        {
            Message = message,
            TtlOffsets = FindTtls(message),
            QuestionEnd = questionEnd,
            Targets = [.. _targets],
            Kind = _isFound ? AnswerKind.Positive : AnswerKind.Negative,
            AuthenticData = isAuthentic,
            StoredAtMs = nowMs,
            LifetimeSeconds = isCacheable && rcode != Rcode.YXDomain ? _lifetime : 0,
        };
        return FilterVerdict.Answer;
    }

    // One pass that reads every owner name once, so that following the chain compares hashes: a hostile reply cannot make it quadratic in names.
    private bool TryIndex(ReadOnlySpan<byte> reply, DnsClass dnsClass)
    {
        Span<byte> owner = stackalloc byte[DnsLimits.MaxNameSize];
        var reader = new MessageReader(reply);
        while (reader.TryReadRecord(out RecordView record))
        {
            if (record.Section == DnsSection.Additional || record.Class != dnsClass)
                continue;
            if (!Rdata.IsWellFormed(reply, record) || !DnsName.TryRead(reply, record.NameOffset, owner, out int length, out _))
                return false;
            if (record.Section == DnsSection.Answer)
                _answers.Add((record, DnsName.Hash(owner[..length], HashSeed)));
            else
                _authority.Add(record);
        }
        return !reader.IsMalformed;
    }

    private bool TryFollowChain(ReadOnlySpan<byte> reply, UpstreamQuestion question, ref MessageWriter writer)
    {
        MoveTo(question.Name);
        while (true)
        {
            if (KeepAll(reply, question.Type, question.DnssecOk, ref writer))
            {
                _isFound = true;
                return true;
            }
            int cname = question.Type == DnsType.CNAME ? -1 : FindAt(reply, Current, DnsType.CNAME);
            int dname = FindDname(reply);
            if (cname < 0 && dname < 0)
                return true;
            if (_targets.Count == MaxChain)
                return false;
            if (dname >= 0)
                Keep(reply, _answers[dname].Record, question.DnssecOk, ref writer);
            if (!TryStep(reply, cname, dname, question, ref writer))
                return true;
        }
    }

    private ReadOnlySpan<byte> Current => _current.AsSpan(0, _currentLength);

    private void MoveTo(ReadOnlySpan<byte> name)
    {
        DnsName.Fold(name, _current);
        _currentLength = name.Length;
    }

    // Goes to the next name of the chain, by the CNAME record or, where only the DNAME came, by the CNAME that it stands for (RFC 6672 section 3.1).
    private bool TryStep(ReadOnlySpan<byte> reply, int cname, int dname, UpstreamQuestion question, ref MessageWriter writer)
    {
        Span<byte> target = stackalloc byte[2 * DnsLimits.MaxNameSize];
        int length;
        if (cname >= 0)
        {
            RecordView record = _answers[cname].Record;
            DnsName.TryRead(reply, record.RdataOffset, target, out length, out _);
            Keep(reply, record, question.DnssecOk, ref writer);
        }
        else
        {
            RecordView record = _answers[dname].Record;
            Span<byte> suffix = stackalloc byte[DnsLimits.MaxNameSize];
            DnsName.TryRead(reply, record.NameOffset, suffix, out int suffixLength, out _);
            int prefixLength = _currentLength - suffixLength;
            Current[..prefixLength].CopyTo(target);
            DnsName.TryRead(reply, record.RdataOffset, target[prefixLength..], out int tailLength, out _);
            length = prefixLength + tailLength;
            if (length > DnsLimits.MaxNameSize)
                return false;
            uint ttl = Math.Min(record.Ttl, MaxTtl);
            _isOverfull |= !writer.TryWriteCname(Current, ttl, target[..length]);
        }
        MoveTo(target[..length]);
        _targets.Add(Current.ToArray());
        return true;
    }

    private int FindAt(ReadOnlySpan<byte> reply, ReadOnlySpan<byte> owner, DnsType type)
    {
        ulong hash = DnsName.Hash(owner, HashSeed);
        for (int i = 0; i < _answers.Count; i++)
        {
            if (_answers[i].OwnerHash == hash && _answers[i].Record.Type == type && IsOwnedBy(reply, _answers[i].Record, owner))
                return i;
        }
        return -1;
    }

    private int FindDname(ReadOnlySpan<byte> reply)
    {
        if (!_answers.Exists(each => each.Record.Type == DnsType.DNAME))
            return -1;
        for (ReadOnlySpan<byte> owner = DnsName.Parent(Current); !owner.IsEmpty; owner = DnsName.Parent(owner))
        {
            int found = FindAt(reply, owner, DnsType.DNAME);
            if (found >= 0)
                return found;
        }
        return -1;
    }

    // Every record of the wanted type at the current name. Found counts what was stripped too: the name has the type, we only do not say it.
    private bool KeepAll(ReadOnlySpan<byte> reply, DnsType type, bool dnssecOk, ref MessageWriter writer)
    {
        bool isFound = false;
        ulong hash = DnsName.Hash(Current, HashSeed);
        foreach ((RecordView record, ulong ownerHash) in _answers)
        {
            bool isWanted = record.Type == type || (type == DnsType.ANY && record.Type != DnsType.RRSIG);
            if (!isWanted || ownerHash != hash || !IsOwnedBy(reply, record, Current))
                continue;
            isFound = true;
            if (_strip.IsForbidden(reply, record))
                _lifetime = Math.Min(_lifetime, record.Ttl);
            else
                Copy(reply, record, MaxTtl, ref writer);
        }
        if (isFound && dnssecOk)
            KeepSignatures(reply, hash, type, ref writer);
        return isFound;
    }

    private void Keep(ReadOnlySpan<byte> reply, in RecordView record, bool dnssecOk, ref MessageWriter writer)
    {
        Copy(reply, record, MaxTtl, ref writer);
        if (!dnssecOk)
            return;
        Span<byte> owner = stackalloc byte[DnsLimits.MaxNameSize];
        DnsName.TryRead(reply, record.NameOffset, owner, out int length, out _);
        KeepSignatures(reply, DnsName.Hash(owner[..length], HashSeed), record.Type, ref writer);
    }

    private void KeepSignatures(ReadOnlySpan<byte> reply, ulong ownerHash, DnsType covered, ref MessageWriter writer)
    {
        foreach ((RecordView record, ulong hash) in _answers)
        {
            if (record.Type == DnsType.RRSIG && hash == ownerHash && covered != DnsType.RRSIG && (covered == DnsType.ANY || Covers(reply, record) == covered))
                Copy(reply, record, MaxTtl, ref writer);
        }
    }

    private bool KeepAuthority(ReadOnlySpan<byte> reply, bool dnssecOk, ref MessageWriter writer)
    {
        writer.StartSection(DnsSection.Authority);
        uint limit = MaxTtl;
        bool hasSoa = false;
        foreach (RecordView record in _authority)
        {
            if (_isFound || hasSoa || !Rdata.TryReadSoaMinimum(reply, record, out uint minimum) || !IsAbove(reply, record))
                continue;
            hasSoa = true;
            limit = Math.Min(minimum, MaxNegativeTtl);
            Copy(reply, record, limit, ref writer);
        }
        foreach (RecordView record in _authority)
        {
            DnsType kind = record.Type == DnsType.RRSIG ? Covers(reply, record) : record.Type;
            bool isProof = kind is DnsType.NSEC or DnsType.NSEC3 || (kind == DnsType.SOA && record.Type == DnsType.RRSIG && hasSoa);
            if (dnssecOk && isProof)
                Copy(reply, record, limit, ref writer);
        }
        return hasSoa;
    }

    private void Copy(ReadOnlySpan<byte> reply, in RecordView record, uint maxTtl, ref MessageWriter writer)
    {
        uint ttl = Math.Min(record.Ttl, maxTtl);
        _lifetime = Math.Min(_lifetime, ttl);
        _isOverfull |= !writer.TryCopyRecord(reply, record, ttl);
    }

    private bool IsAbove(ReadOnlySpan<byte> reply, in RecordView record)
    {
        Span<byte> owner = stackalloc byte[DnsLimits.MaxNameSize];
        return DnsName.TryRead(reply, record.NameOffset, owner, out int length, out _) && DnsName.IsSubdomainOf(Current, owner[..length]);
    }

    private static bool IsOwnedBy(ReadOnlySpan<byte> reply, in RecordView record, ReadOnlySpan<byte> name)
    {
        Span<byte> owner = stackalloc byte[DnsLimits.MaxNameSize];
        return DnsName.TryRead(reply, record.NameOffset, owner, out int length, out _) && DnsName.EqualsIgnoreCase(owner[..length], name);
    }

    private static DnsType Covers(ReadOnlySpan<byte> reply, in RecordView record) =>
        (DnsType)BinaryPrimitives.ReadUInt16BigEndian(record.Rdata(reply));

    private static ushort[] FindTtls(ReadOnlySpan<byte> message)
    {
        var offsets = new List<ushort>();
        var reader = new MessageReader(message);
        while (reader.TryReadRecord(out RecordView record))
            offsets.Add((ushort)record.TtlOffset);
        return [.. offsets];
    }
}
