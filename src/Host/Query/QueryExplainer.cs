using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using MeshDns.Actors.Directory;
using MeshDns.Contracts.Dns;
using MeshDns.Contracts.Names;
using MeshDns.Host.Net;
using MeshDns.Host.Resolve;

namespace MeshDns.Host.Query;

/// <summary>Explains a query by the very steps of the query path, without going upstream.</summary>
/// <param name="resolver">The resolver that answers.</param>
/// <param name="upstream">Says of a name in lower-case wire form what would become of it upstream; null for nothing.</param>
public sealed class QueryExplainer(MeshResolver resolver, Func<byte[], DnsType, IReadOnlyList<string>>? upstream = null) : IExplainer
{
    /// <inheritdoc/>
    public Task<Explanation> ExplainAsync(string name, string type, IPAddress? client, CancellationToken cancel)
    {
        var wire = new byte[DnsLimits.MaxNameSize];
        if (!DnsName.TryParse(name, wire, out var size)) throw new FormatException($"name: '{name}' is not a DNS name");
        var folded = wire[..size];
        DnsName.Fold(folded, folded);
        return Task.FromResult(Explain(folded, ParseType(type), client));
    }

    private Explanation Explain(byte[] folded, DnsType type, IPAddress? client)
    {
        if (type.IsMeta())
            return new Explanation(DnsName.ToText(folded), TypeName(type), client?.ToString(), "error", "REFUSED", ["zone transfers and transaction types are refused"], []);
        var view = resolver.ViewOf(client is null ? [] : ClientAddress.Unmapped(client).GetAddressBytes());
        var steps = new List<string>();
        var directory = resolver.Directory;
        steps.Add(directory.IsLoaded ? $"the directory knows {directory.Names} names, {directory.Age.TotalSeconds:F1} s old" : "the directory is not loaded yet");
        steps.Add($"the client {(view.Namespace is { } ns ? $"is in namespace {ns}" : "has no namespace, so it sees what is exported to all")}; capture is {(view.Capture ? "on" : "off")}");
        var recorder = new ExplainRecorder(directory, steps, folded, view);
        var finding = resolver.Decide(folded, directory.HashOf(folded), type, view, ref recorder, isTarget: false);
        var asked = folded;
        var (rcode, answers) = finding.IsLocal ? Write(folded, type, finding, view, steps, ref asked) : (null, []);
        if (rcode is null && finding.Origin != Origin.Owner && resolver.Exists(asked, view))
            steps.Add($"{DnsName.ToText(asked)} exists here: where the upstream says NXDOMAIN, the answer is NODATA");
        if (rcode is null && finding.Origin != Origin.Owner && upstream is not null) steps.AddRange(upstream(asked, type));
        var stage = (rcode is null ? Stage.Forward : finding.Stage).ToString().ToLowerInvariant();
        return new Explanation(DnsName.ToText(folded), TypeName(type), client?.ToString(), stage, rcode, steps, answers)
        {
            VipIndex = finding.IsLocal && finding.Choice.Source == AnswerSource.Vip ? finding.Entry!.VipIndex : null,
        };
    }

    // A mnemonic, or the form of RFC 3597 section 5 for a type without one.
    private static DnsType ParseType(string text)
    {
        // Enum.TryParse takes numbers and lists too, which are not mnemonics.
        if (text.All(char.IsAsciiLetterOrDigit) && !text.All(char.IsAsciiDigit) && Enum.TryParse<DnsType>(text, ignoreCase: true, out var type) && type != DnsType.None) return type;
        return text.StartsWith("TYPE", StringComparison.OrdinalIgnoreCase) && ushort.TryParse(text.AsSpan(4), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? (DnsType)number
            : throw new FormatException($"type: '{text}' is neither a mnemonic nor TYPE and a number");
    }

    private static string TypeName(DnsType type) => Enum.IsDefined(type) ? type.ToString() : string.Create(CultureInfo.InvariantCulture, $"TYPE{(ushort)type}");

    private (string? Rcode, IReadOnlyList<string> Answers) Write(
        byte[] name, DnsType type, in Finding finding, in ClientView view, List<string> steps, ref byte[] asked)
    {
        var packet = new byte[DnsLimits.MinUdpSize];
        var writer = new MessageWriter(packet);
        writer.TryWriteQuestion(name, type);
        DnsQuery.TryParse(packet.AsSpan(0, writer.Length), out var query);
        var reply = new byte[DnsLimits.MaxMessageSize];
        var replies = new AnswerWriter(resolver);
        if (new LocalReply(replies).TryWrite(query, finding, view, [], 0, reply, reply.Length, out var length, out var rcode))
            return (rcode.ToString().ToUpperInvariant(), Answers(reply.AsSpan(0, length)));
        var chain = new Answer();
        writer = MessageWriter.StartReply(reply, query);
        replies.Append(name, type, finding, view, ref chain, ref writer);
        asked = chain.Target!;
        steps.Add($"the chain of CNAMEs leaves the mesh at {DnsName.ToText(asked)}: answered by the upstreams or their cache");
        return (null, Answers(writer.Message));
    }

    private static List<string> Answers(ReadOnlySpan<byte> reply)
    {
        var answers = new List<string>();
        var reader = new MessageReader(reply);
        while (reader.TryReadRecord(out var record)) if (record.Section == DnsSection.Answer) answers.Add(Text(reply, record));
        return answers;
    }

    private static string Text(ReadOnlySpan<byte> reply, in RecordView record)
    {
        Span<byte> name = stackalloc byte[DnsLimits.MaxNameSize];
        DnsName.TryRead(reply, record.NameOffset, name, out var size, out _);
        var owner = DnsName.ToText(name[..size]);
        var data = record.Rdata(reply);
        var text = record.Type switch
        {
            DnsType.A or DnsType.AAAA => new IPAddress(data).ToString(),
            DnsType.CNAME or DnsType.NS or DnsType.SOA or DnsType.PTR when DnsName.TryRead(reply, record.RdataOffset, name, out size, out _) => DnsName.ToText(name[..size]),
            DnsType.SRV when DnsName.TryRead(reply, record.RdataOffset + 6, name, out size, out _) =>
                $"{BinaryPrimitives.ReadUInt16BigEndian(data)} {BinaryPrimitives.ReadUInt16BigEndian(data[2..])} {BinaryPrimitives.ReadUInt16BigEndian(data[4..])} {DnsName.ToText(name[..size])}",
            DnsType.HINFO => "\"RFC8482\" \"\"",
            _ => $"\\# {data.Length} {Convert.ToHexString(data)}",
        };
        return $"{owner} {record.Ttl} IN {TypeName(record.Type)} {text}";
    }
}
