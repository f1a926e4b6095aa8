using System.Net;
using MeshDns.Contracts.Dns;

namespace MeshDns.Host.Tests.Resolve;

/// <summary>A reply, taken apart for assertions.</summary>
public sealed class Reply
{
    private readonly byte[] _message;

    public Reply(ReadOnlySpan<byte> message)
    {
        _message = message.ToArray();
        var reader = new MessageReader(_message);
        if (reader.TryReadQuestion(out var question)) Question = $"{NameAt(question.NameOffset)} {question.Type}";
        while (reader.TryReadRecord(out var record))
        {
            if (OptView.TryRead(_message, record, out var opt)) TakeOpt(opt);
            else Records.Add(new ReplyRecord(record.Section, NameAt(record.NameOffset), record.Type, record.Ttl, Data(record)));
        }
        Assert.False(reader.IsMalformed);
        Assert.Equal(_message.Length, reader.Offset);
    }

    public int Length => _message.Length;
    public ushort Id => DnsHeader.GetId(_message);
    public DnsFlags Flags => DnsHeader.GetFlags(_message);
    public Rcode Rcode { get => HasOpt ? field : DnsHeader.GetRcode(_message); private set; }
    public string? Question { get; }
    public List<ReplyRecord> Records { get; } = [];
    public bool HasOpt { get; private set; }
    public ushort UdpSize { get; private set; }
    public bool DnssecOk { get; private set; }
    public EdeCode? Error { get; private set; }
    public byte[]? Cookie { get; private set; }
    public IEnumerable<ReplyRecord> Answers => Records.Where(r => r.Section == DnsSection.Answer);
    public IEnumerable<string> AnswerData => Answers.Select(a => a.Data);
    public ReplyRecord Soa => Assert.Single(Records, r => r.Section == DnsSection.Authority);

    private void TakeOpt(OptView opt)
    {
        Assert.False(HasOpt);
        HasOpt = true;
        Rcode = opt.FullRcode(_message);
        UdpSize = opt.UdpPayloadSize;
        DnssecOk = opt.DnssecOk;
        var options = new EdnsOptionReader(opt.Options);
        while (options.TryRead(out var code, out var data))
        {
            if (code == EdnsOptionCode.ExtendedDnsError) Error = (EdeCode)((data[0] << 8) | data[1]);
            if (code == EdnsOptionCode.Cookie) Cookie = data.ToArray();
        }
    }

    private int UInt16At(int offset) => (_message[offset] << 8) | _message[offset + 1];

    private string NameAt(int offset)
    {
        Span<byte> name = stackalloc byte[DnsLimits.MaxNameSize];
        Assert.True(DnsName.TryRead(_message, offset, name, out var length, out _));
        return DnsName.ToText(name[..length]);
    }

    private string Data(in RecordView record) => record.Type switch
    {
        DnsType.A or DnsType.AAAA => new IPAddress(record.Rdata(_message)).ToString(),
        DnsType.CNAME or DnsType.NS or DnsType.PTR => NameAt(record.RdataOffset),
        DnsType.SRV => $"{UInt16At(record.RdataOffset)} {UInt16At(record.RdataOffset + 2)} {UInt16At(record.RdataOffset + 4)} {NameAt(record.RdataOffset + 6)}",
        DnsType.SOA => NameAt(record.RdataOffset) + (Rdata.TryReadSoaMinimum(_message, record, out var minimum) ? " " + minimum : ""),
        _ => Convert.ToHexString(record.Rdata(_message)),
    };
}

public sealed record ReplyRecord(DnsSection Section, string Owner, DnsType Type, uint Ttl, string Data);
