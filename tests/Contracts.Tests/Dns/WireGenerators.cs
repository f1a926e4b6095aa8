using FsCheck;
using FsCheck.Fluent;
using MeshDns.Contracts.Dns;

namespace MeshDns.Contracts.Tests.Dns;

/// <summary>A record as a test thinks of it: names uncompressed.</summary>
internal sealed record RecordModel(DnsSection Section, byte[] Owner, DnsType Type, uint Ttl, byte[] Target, ushort Number, byte[] Bytes)
{
    /// <summary>Writes the record through the writer's method for its type.</summary>
    public bool TryWrite(ref MessageWriter writer) => Type switch
    {
        DnsType.A => writer.TryWriteA(Owner, Ttl, Bytes.AsSpan(0, 4)),
        DnsType.AAAA => writer.TryWriteAaaa(Owner, Ttl, Bytes.AsSpan(0, 16)),
        DnsType.CNAME => writer.TryWriteCname(Owner, Ttl, Target),
        DnsType.NS => writer.TryWriteNs(Owner, Ttl, Target),
        DnsType.PTR => writer.TryWritePtr(Owner, Ttl, Target),
        DnsType.SRV => writer.TryWriteSrv(Owner, Ttl, Number, 7, 8, Target),
        DnsType.SOA => writer.TryWriteSoa(
            Owner, Ttl, new SoaData { PrimaryName = Target, Mailbox = Owner, Serial = Number, Refresh = 2, Retry = 3, Expire = 4, Minimum = 5 }),
        DnsType.HINFO => writer.TryWriteHinfo(Owner, Ttl, Bytes, Bytes),
        DnsType.TXT => writer.TryWriteTxt(Owner, Ttl, Bytes),
        _ => writer.TryWriteRecord(Owner, Type, DnsClass.CH, Ttl, Bytes),
    };

    /// <summary>The data as it must be after every name in it is expanded.</summary>
    public byte[] ExpandedRdata() => Type switch
    {
        DnsType.A => Bytes[..4],
        DnsType.AAAA => Bytes[..16],
        DnsType.CNAME or DnsType.NS or DnsType.PTR => Target,
        DnsType.SRV => [(byte)(Number >> 8), (byte)Number, 0, 7, 0, 8, .. Target],
        DnsType.SOA => [.. Target, .. Owner, 0, 0, (byte)(Number >> 8), (byte)Number, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 5],
        DnsType.HINFO => [(byte)Bytes.Length, .. Bytes, (byte)Bytes.Length, .. Bytes],
        DnsType.TXT => [(byte)Bytes.Length, .. Bytes],
        _ => Bytes,
    };
}

/// <summary>A message as a test thinks of it.</summary>
internal sealed record MessageModel(ushort Id, byte[] Question, DnsType Type, RecordModel[] Records, int Limit)
{
    /// <summary>Writes as much as fits and returns the message with the records that are in it.</summary>
    public (byte[] Message, List<RecordModel> Written) Write()
    {
        var writer = new MessageWriter(new byte[DnsLimits.MaxMessageSize]) { Limit = Limit };
        DnsHeader.SetId(writer.Message, Id);
        writer.TryWriteQuestion(Question, Type);
        var written = new List<RecordModel>();
        foreach (RecordModel record in Records)
        {
            writer.StartSection(record.Section);
            if (record.TryWrite(ref writer))
                written.Add(record);
        }
        Assert.InRange(writer.Length, DnsLimits.HeaderSize, writer.Limit);
        return (writer.Message.ToArray(), written);
    }
}

/// <summary>Random names, messages and damage.</summary>
internal static class WireGenerators
{
    private static readonly DnsType[] _types =
    [
        DnsType.A, DnsType.AAAA, DnsType.CNAME, DnsType.NS, DnsType.PTR, DnsType.SRV, DnsType.SOA, DnsType.HINFO, DnsType.TXT, (DnsType)65399,
    ];

    public static Gen<byte> AnyByte { get; } = Gen.Choose(0, 255).Select(value => (byte)value);

    // Few letters in both cases, so that names often share suffixes and differ in case only; sometimes any bytes at all.
    private static Gen<byte[]> Label { get; } = Gen.Frequency(
        (8, Gen.ArrayOf(Gen.Elements("abAB"u8.ToArray()), 1)),
        (3, Gen.Choose(1, 12).SelectMany(size => Gen.ArrayOf(Gen.Elements("mesh-XYZ.09"u8.ToArray()), size))),
        (1, Gen.Choose(1, 63).SelectMany(size => Gen.ArrayOf(AnyByte, size))));

    public static Gen<byte[]> Name { get; } = Gen.Frequency((20, Gen.Choose(0, 5)), (1, Gen.Choose(6, 130)))
        .SelectMany(labels => Gen.ArrayOf(Label, labels))
        .Select(Join);

    public static Gen<byte[]> Bytes(int min, int max) => Gen.Choose(min, max).SelectMany(size => Gen.ArrayOf(AnyByte, size));

    private static Gen<RecordModel> Record { get; } =
        from owner in Name
        from type in Gen.Elements(_types)
        from ttl in Gen.Choose(0, int.MaxValue)
        from target in Name
        from number in Gen.Choose(0, 65535)
        from bytes in Bytes(16, 40)
        select new RecordModel(DnsSection.Answer, owner, type, (uint)ttl, target, (ushort)number, bytes);

    public static Gen<MessageModel> Message { get; } =
        from id in Gen.Choose(0, 65535)
        from question in Name
        from count in Gen.Frequency((10, Gen.Choose(0, 6)), (1, Gen.Choose(7, 100)))
        from records in Gen.ArrayOf(Record, count)
        from authority in Gen.Choose(0, count)
        from additional in Gen.Choose(authority, count)
        from limit in Gen.OneOf(Gen.Choose(12, 600), Gen.Constant(DnsLimits.MaxMessageSize))
        select new MessageModel((ushort)id, question, DnsType.A, [.. records.Select((record, i) => record with { Section = SectionOf(i, authority, additional) })], limit);

    /// <summary>Valid messages with some bytes changed, cut or repeated, and plain noise behind a header.</summary>
    public static Gen<byte[]> Damaged => Gen.Frequency(
        (1, Bytes(0, 80)),
        (2, Noise),
        (5, Message.SelectMany(model => Damage(model.Write().Message))));

    // Bytes that mean something in a message: short lengths, pointers near the start, types, OPT.
    private static Gen<byte> Structural => Gen.Frequency(
        (6, Gen.Choose(0, 3).Select(value => (byte)value)),
        (2, Gen.Choose(0xC0, 0xC1).Select(value => (byte)value)),
        (3, Gen.Choose(10, 41).Select(value => (byte)value)),
        (1, AnyByte));

    private static Gen<byte[]> Noise =>
        from flags in Bytes(4, 4)
        from counts in Gen.ArrayOf(Gen.Choose(0, 3), 4)
        from size in Gen.Choose(0, 60)
        from body in Gen.ArrayOf(Structural, size)
        select (byte[])[.. flags, .. counts.SelectMany(count => (byte[])[0, (byte)count]), .. body];

    private static Gen<byte[]> Damage(byte[] message) =>
        from edits in Gen.Choose(0, 4)
        from places in Gen.ArrayOf(Gen.Choose(0, message.Length - 1), edits)
        from values in Gen.ArrayOf(Structural, edits)
        from cut in Gen.Frequency((3, Gen.Constant(message.Length)), (1, Gen.Choose(0, message.Length)))
        select Edit(message, places, values)[..cut];

    private static byte[] Edit(byte[] message, int[] places, byte[] values)
    {
        var edited = (byte[])message.Clone();
        for (int i = 0; i < places.Length; i++)
            edited[places[i]] = values[i];
        return edited;
    }

    private static DnsSection SectionOf(int index, int authority, int additional) =>
        index < authority ? DnsSection.Answer : index < additional ? DnsSection.Authority : DnsSection.Additional;

    private static byte[] Join(byte[][] labels)
    {
        var name = new List<byte>();
        foreach (byte[] label in labels.TakeWhile(label => name.Count + label.Length + 2 <= DnsLimits.MaxNameSize))
            name.AddRange([(byte)label.Length, .. label]);
        return [.. name, 0];
    }
}
