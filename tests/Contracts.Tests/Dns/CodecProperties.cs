using FsCheck;
using FsCheck.Fluent;
using MeshDns.Contracts.Dns;

namespace MeshDns.Contracts.Tests.Dns;

/// <summary>
/// What holds for every input. MESHDNS_FUZZ_CASES sets how many cases each property is tried on (2,000 when unset); a failure prints the
/// smallest case found and the seed that replays it.
/// </summary>
public class CodecProperties
{
    private static readonly int _cases = int.TryParse(Environment.GetEnvironmentVariable("MESHDNS_FUZZ_CASES"), out int cases) ? cases : 2000;

    [Fact]
    public void A_name_survives_being_text() => ForAll(WireGenerators.Name, name =>
    {
        Assert.Equal(name, Wire.Name(DnsName.ToText(name)));
        Assert.True(DnsName.IsWellFormed(name));
    });

    [Fact]
    public void Folding_equality_and_hash_follow_the_plain_definition() => ForAll(Gen.Zip(WireGenerators.Name, WireGenerators.Name), pair =>
    {
        (byte[] left, byte[] right) = pair;
        var folded = new byte[left.Length];
        DnsName.Fold(left, folded);
        Assert.Equal(NaiveName.Fold(left), folded);
        bool isEqual = folded.SequenceEqual(NaiveName.Fold(right));
        Assert.Equal(isEqual, DnsName.EqualsIgnoreCase(left, right));
        Assert.Equal(isEqual, DnsName.Hash(left, 9) == DnsName.Hash(right, 9));
        Assert.Equal(DnsName.Hash(left, 9), DnsName.Hash(folded, 9));
        byte[] below = [.. right[..^1], .. left];
        Assert.Equal(below.Length <= DnsLimits.MaxNameSize, DnsName.IsWellFormed(below));
        Assert.True(DnsName.IsSubdomainOf(below, folded));
    });

    [Fact]
    public void What_is_written_is_read_back() => ForAll(WireGenerators.Message, model =>
    {
        (byte[] message, List<RecordModel> written) = model.Write();
        List<RecordView> read = Wire.Records(message);
        Assert.Equal(model.Id, DnsHeader.GetId(message));
        Assert.Equal(written.Count, read.Count);
        for (int i = 0; i < read.Count; i++)
        {
            RecordView record = read[i];
            Assert.Equal((written[i].Section, written[i].Type, written[i].Ttl), (record.Section, record.Type, record.Ttl));
            Assert.Equal(NaiveName.Fold(written[i].Owner), NaiveName.Fold(NaiveName.Read(message, record.NameOffset)!.Value.Name));
            Assert.Equal(NaiveName.Fold(written[i].ExpandedRdata()), NaiveName.Fold(Expand(message, record)));
        }
    });

    [Fact]
    public void A_copy_of_a_message_reads_the_same_and_a_copy_of_the_copy_is_identical() => ForAll(WireGenerators.Damaged, message =>
    {
        byte[] copy = Copy(message);
        List<RecordView> records = ReadWhatIsGood(message);
        List<RecordView> copied = Wire.Records(copy);
        Assert.Equal(records.Count, copied.Count);
        for (int i = 0; i < records.Count; i++)
        {
            Assert.Equal(records[i].Type, copied[i].Type);
            Assert.Equal(NaiveName.Fold(Expand(message, records[i])), NaiveName.Fold(Expand(copy, copied[i])));
        }
        Assert.Equal(copy, Copy(copy));
    });

    [Fact]
    public void Names_in_damaged_messages_are_read_as_plainly_defined() => ForAll(WireGenerators.Damaged, message =>
    {
        var name = new byte[DnsLimits.MaxNameSize];
        for (int offset = 0; offset <= message.Length; offset++)
        {
            (byte[] Name, int Next)? expected = NaiveName.Read(message, offset);
            bool isRead = DnsName.TryRead(message, offset, name, out int length, out int next);
            Assert.Equal(expected is not null, isRead);
            if (expected is not { } plain)
                continue;
            Assert.Equal(plain.Name, name[..length]);
            Assert.Equal(plain.Next, next);
            Assert.True(DnsName.TrySkip(message, offset, out int skipped) && skipped == next);
            Assert.False(DnsName.TryRead(message, offset, name.AsSpan(0, length - 1), out _, out _));
        }
    });

    [Fact]
    public void Damaged_messages_never_throw_and_stay_in_bounds() => ForAll(WireGenerators.Damaged, message =>
    {
        int steps = 0;
        var reader = new MessageReader(message);
        while (reader.TryReadRecord(out RecordView record))
        {
            Assert.InRange(record.EndOffset, 0, message.Length);
            Assert.True(++steps <= message.Length / 11);
            OptView.TryRead(message, record, out _);
            Rdata.TryReadSoaMinimum(message, record, out _);
        }
        QueryParse parse = DnsQuery.TryParse(message, out DnsQuery query);
        Assert.True(parse is not (QueryParse.Ok or QueryParse.Refused) || DnsName.IsWellFormed(query.QuestionName));
        Assert.True(query.ClientCookie.Length is 0 or 8 && query.ServerCookiePart.Length <= 32);
        var reply = new byte[512];
        bool isAnswered = ErrorReply.TryWrite(message, parse.ToRcode(), reply, out int length);
        Assert.Equal(parse != QueryParse.Drop, isAnswered);
        if (isAnswered)
            Assert.Equal(query.HasEdns ? 1 : 0, Wire.Records(reply.AsSpan(0, length)).Count);
        DnsName.ToText(message);
        Assert.Equal(DnsName.IsWellFormed(message), NaiveName.Read([.. new byte[12], .. message], 12) is { } whole && whole.Name.Length == message.Length);
    });

    [Fact]
    public void Any_text_is_parsed_or_refused() => ForAll(
        Gen.Choose(0, 300).SelectMany(size => Gen.ArrayOf(Gen.Elements(@"aB.\01259ä".ToCharArray()), size)),
        text =>
        {
            var wire = new byte[DnsLimits.MaxNameSize];
            if (!DnsName.TryParse(text, wire, out int length))
                return;
            Assert.True(DnsName.IsWellFormed(wire.AsSpan(0, length)));
            Assert.False(DnsName.TryParse(text, wire.AsSpan(0, length - 1), out _));
        });

    private static List<RecordView> ReadWhatIsGood(byte[] message)
    {
        var records = new List<RecordView>();
        var reader = new MessageReader(message);
        while (reader.TryReadRecord(out RecordView record))
        {
            if (NaiveName.Read(message, record.NameOffset) is not null && Rdata.IsWellFormed(message, record))
                records.Add(record);
        }
        return records;
    }

    private static byte[] Copy(byte[] message)
    {
        var writer = new MessageWriter(new byte[DnsLimits.MaxMessageSize]);
        foreach (RecordView record in ReadWhatIsGood(message))
        {
            writer.StartSection(record.Section);
            Assert.True(writer.TryCopyRecord(message, record, record.Ttl));
        }
        return writer.Message.ToArray();
    }

    // Written apart from the codec's own table, for the types whose data holds names.
    private static byte[] Expand(byte[] message, RecordView record)
    {
        (int prefix, int names) = record.Type switch
        {
            DnsType.CNAME or DnsType.NS or DnsType.PTR or DnsType.DNAME => (0, 1),
            DnsType.MX => (2, 1),
            DnsType.SRV => (6, 1),
            DnsType.SOA or DnsType.RP or DnsType.MINFO => (0, 2),
            DnsType.MB or DnsType.MG or DnsType.MR or DnsType.MD or DnsType.MF or DnsType.NXT or DnsType.NSEC => (0, 1),
            DnsType.AFSDB or DnsType.RT or DnsType.KX => (2, 1),
            DnsType.SIG or DnsType.RRSIG => (18, 1),
            DnsType.PX => (2, 2),
            _ => (0, 0),
        };
        if (record.Type == DnsType.NAPTR)
        {
            names = 1;
            prefix = 4;
            for (int i = 0; i < 3; i++)
                prefix += 1 + message[record.RdataOffset + prefix];
        }
        int at = record.RdataOffset + prefix;
        var expanded = new List<byte>(message[record.RdataOffset..at]);
        for (int i = 0; i < names; i++)
        {
            (byte[] name, at) = NaiveName.Read(message, at)!.Value;
            expanded.AddRange(name);
        }
        return [.. expanded, .. message[at..record.EndOffset]];
    }

    private static void ForAll<T>(Gen<T> gen, Action<T> holds) =>
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(_cases), Prop.ForAll(Arb.From(gen), holds));
}
