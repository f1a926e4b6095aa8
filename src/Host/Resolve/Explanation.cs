using System.Net;
using MeshDns.Actors.Directory;
using MeshDns.Contracts.Dns;
using MeshDns.Contracts.Names;

namespace MeshDns.Host.Resolve;

/// <summary>Why a query gets what it gets.</summary>
/// <param name="Name">The name asked, folded, fully qualified.</param>
/// <param name="Type">The type asked.</param>
/// <param name="Steps">What was looked at, in order, as sentences.</param>
/// <param name="Stage">The step that decided: a label of the metrics.</param>
/// <param name="Host">The declared host or wildcard that matched; null for none.</param>
/// <param name="Namespace">The namespace of the record that answers; null for none.</param>
/// <param name="Rcode">The reply's rcode; null when an upstream decides.</param>
/// <param name="Answers">The answer's records, as in a master file; of a chain that leaves the mesh only the local part.</param>
/// <param name="Ttl">The TTL of the answer in seconds; null when an upstream decides.</param>
public sealed record Explanation(
    string Name, string Type, IReadOnlyList<string> Steps, string Stage, string? Host, string? Namespace, string? Rcode, IReadOnlyList<string> Answers, uint? Ttl)
{
    /// <summary>Explains a query by asking the same steps as the query path, without going upstream. Null when the name is not a DNS name.</summary>
    /// <param name="resolver">The resolver that answers.</param>
    /// <param name="name">A name as a person writes it, with or without its final dot.</param>
    /// <param name="type">What is asked.</param>
    /// <param name="client">Whose view; null for a client of which nothing is known.</param>
    public static Explanation? Of(MeshResolver resolver, string name, DnsType type, IPAddress? client)
    {
        var wire = new byte[DnsLimits.MaxNameSize];
        if (!DnsName.TryParse(name, wire, out var size)) return null;
        var folded = wire[..size];
        DnsName.Fold(folded, folded);
        var view = resolver.ViewOf((client ?? IPAddress.Loopback).GetAddressBytes());
        var steps = new List<string>();
        var finding = Find(resolver, folded, type, view, steps);
        var (rcode, answers) = finding.IsLocal ? Write(resolver, folded, type, finding, view, steps) : (null, []);
        uint? ttl = !finding.IsLocal ? null : answers.Count == 0 ? resolver.Options.NegativeTtl : resolver.Options.Ttl;
        return new Explanation(
            DnsName.ToText(folded), type.ToString(), steps, finding.Stage.ToString().ToLowerInvariant(),
            finding.Entry?.Host.Text, finding.Choice.Record?.Shape.Namespace, rcode, answers, ttl);
    }

    private static Finding Find(MeshResolver resolver, byte[] name, DnsType type, in ClientView view, List<string> steps)
    {
        var directory = resolver.Directory;
        steps.Add(directory.IsLoaded ? $"the directory knows {directory.Names} names, {directory.Age.TotalSeconds:F1} s old" : "the directory is not loaded yet");
        if (!view.Capture)
        {
            steps.Add("capture is off for this client: forwarded as if there were no mesh");
            return Finding.Forward;
        }
        if (resolver.TryFindHost(name, type, view, out var finding))
        {
            steps.Add(Describe(finding, directory));
            return finding;
        }
        steps.Add("no declared name or wildcard that this client sees matches");
        if (resolver.TryFindInZone(name, type, out finding))
        {
            steps.Add($"the name lies in a mesh zone: {finding.Kind}");
            return finding;
        }
        steps.Add("the name lies in no mesh zone");
        if (SpecialNames.TryFind(name, type, out finding))
        {
            steps.Add("RFC 6761 gives the name a local answer");
            return finding;
        }
        steps.Add("not ours: answered by the upstreams or their cache");
        return resolver.NotOurs();
    }

    private static string Describe(in Finding finding, MeshDirectory directory)
    {
        if (finding.Entry is not { } entry) return "the host is declared but has no address, and lies in no mesh zone: forwarded";
        var match = $"{(entry.IsWildcard ? "the wildcard" : "the host")} {entry.Host} matches, with {entry.Declarations.Length} declaration(s)";
        if (finding.Choice.Record is not { } record) return match;
        var source = finding.Choice.Source switch
        {
            AnswerSource.Explicit => "its explicit addresses",
            AnswerSource.Vip => $"its VIP {directory.Range.IPv4(entry.VipIndex)}, {directory.Range.IPv6(entry.VipIndex)}",
            AnswerSource.Cname => $"a CNAME to {record.Shape.ExternalName}",
            _ => "no address",
        };
        return $"{match}; the {record.Shape.Kind} record of namespace {record.Shape.Namespace} answers with {source}: {finding.Kind}";
    }

    private static (string? Rcode, IReadOnlyList<string> Answers) Write(
        MeshResolver resolver, byte[] name, DnsType type, in Finding finding, in ClientView view, List<string> steps)
    {
        var packet = new byte[DnsLimits.MinUdpSize];
        var writer = new MessageWriter(packet);
        writer.TryWriteQuestion(name, type);
        DnsQuery.TryParse(packet.AsSpan(0, writer.Length), out var query);
        var reply = new byte[DnsLimits.MaxMessageSize];
        if (!new LocalReply(new AnswerWriter(resolver)).TryWrite(query, finding, view, [], 0, reply, reply.Length, out var length, out var rcode))
        {
            steps.Add("the chain of CNAMEs leaves the mesh: its end is asked upstream");
            return (null, []);
        }
        var answers = new List<string>();
        var reader = new MessageReader(reply.AsSpan(0, length));
        while (reader.TryReadRecord(out var record)) if (record.Section == DnsSection.Answer) answers.Add(Text(reply, record));
        return (rcode.ToString().ToUpperInvariant(), answers);
    }

    private static string Text(byte[] reply, in RecordView record)
    {
        Span<byte> name = stackalloc byte[DnsLimits.MaxNameSize];
        DnsName.TryRead(reply, record.NameOffset, name, out var size, out _);
        var owner = DnsName.ToText(name[..size]);
        var data = record.Rdata(reply);
        var text = record.Type switch
        {
            DnsType.A or DnsType.AAAA => new IPAddress(data).ToString(),
            DnsType.CNAME or DnsType.NS or DnsType.SOA when DnsName.TryRead(reply, record.RdataOffset, name, out size, out _) => DnsName.ToText(name[..size]),
            DnsType.HINFO => "\"RFC8482\" \"\"",
            _ => $"\\# {data.Length} {Convert.ToHexString(data)}",
        };
        return $"{owner} {record.Ttl} IN {record.Type} {text}";
    }
}
