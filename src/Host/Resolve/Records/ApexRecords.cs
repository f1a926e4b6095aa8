using System.Runtime.CompilerServices;
using MeshDns.Actors.Directory;
using MeshDns.Contracts.Dns;

namespace MeshDns.Host.Resolve.Records;

/// <summary>SOA and NS: what a mesh zone says of itself, at its apex and in the denials of its names.</summary>
internal readonly struct ApexRecords : IRecordFamily
{
    private const uint Refresh = 3600;
    private const uint Retry = 1200;
    private const uint Expire = 604800;

    private static ReadOnlySpan<byte> Mailbox => "\u0006nobody\u0007invalid\0"u8;

    /// <inheritdoc/>
    public static bool Has(DnsType type, AnswerSource source, bool isApex) => isApex && type is DnsType.SOA or DnsType.NS;

    /// <inheritdoc/>
    public static LocalRecords Append(in RecordQuestion question, ref MessageWriter writer)
    {
        // The zone names itself as its server, as RFC 6303 section 3 has it for zones that no other server answers.
        var isWritten = question.Type == DnsType.NS
            ? writer.TryWriteNs(question.Owner, question.Resolver.Options.NegativeTtl, question.Owner)
            : TryWriteSoa(question, 0, ref writer);
        return isWritten ? LocalRecords.Written : LocalRecords.Truncated;
    }

    /// <summary>The SOA of a negative answer, owned by the zone that holds the name, else by the name (RFC 2308 section 3). Left out where it does not fit.</summary>
    public static void AppendDenial(in RecordQuestion question, ref MessageWriter writer)
    {
        writer.StartSection(DnsSection.Authority);
        TryWriteSoa(question, question.Finding.IsSpecial ? SpecialNames.ApexOffset(question.Owner) : ZoneOf(question.Resolver, question.Owner), ref writer);
    }

    /// <summary>The same in short; of no name that RFC 6761 answers.</summary>
    public static void AppendDenial(MeshResolver resolver, ReadOnlySpan<byte> name, ref DirectReply reply)
    {
        var zone = ZoneOf(resolver, name);
        var soa = SoaOf(resolver, name[zone..]);
        var data = reply.Add(DnsSection.Authority, DnsType.SOA, soa.Minimum, DirectReply.PointerSize + Mailbox.Length + SoaData.NumbersSize, zone);
        DirectReply.WritePointer(data, zone);
        soa.Mailbox.CopyTo(data[DirectReply.PointerSize..]);
        soa.WriteNumbers(data[(DirectReply.PointerSize + Mailbox.Length)..]);
    }

    private static bool TryWriteSoa(in RecordQuestion question, int zone, ref MessageWriter writer)
    {
        var soa = SoaOf(question.Resolver, question.Owner[zone..]);
        return writer.TryWriteSoa(soa.PrimaryName, soa.Minimum, soa);
    }

    // The names and times are those of RFC 6303 section 3; the serial is when the directory was last known to be current.
    private static SoaData SoaOf(MeshResolver resolver, ReadOnlySpan<byte> zone) => new()
    {
        PrimaryName = zone,
        Mailbox = Mailbox,
        Serial = (uint)(resolver.Directory.ReadAt / 1000),
        Refresh = Refresh,
        Retry = Retry,
        Expire = Expire,
        Minimum = resolver.Options.NegativeTtl,
    };

    // Where in a name its zone begins.
    [SkipLocalsInit]
    private static int ZoneOf(MeshResolver resolver, ReadOnlySpan<byte> name)
    {
        Span<byte> folded = stackalloc byte[DnsLimits.MaxNameSize];
        DnsName.Fold(name, folded);
        return resolver.Directory.Zones.TryMatch(folded[..name.Length], out var offset) ? offset : 0;
    }
}
