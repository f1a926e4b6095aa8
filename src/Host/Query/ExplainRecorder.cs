using MeshDns.Actors.Directory;
using MeshDns.Contracts.Dns;
using MeshDns.Contracts.Names;
using MeshDns.Host.Resolve;

namespace MeshDns.Host.Query;

/// <summary>Puts the steps of a decision into words, for <see cref="QueryExplainer"/>.</summary>
/// <param name="directory">Whose names are told.</param>
/// <param name="steps">Takes a sentence a step.</param>
/// <param name="name">The name that is asked for: lower case, wire form.</param>
/// <param name="view">What the client sees.</param>
internal readonly struct ExplainRecorder(MeshDirectory directory, List<string> steps, byte[] name, ClientView view) : IDecisionRecorder
{
    /// <inheritdoc/>
    public void Record(DecisionStep step, in Finding finding)
    {
        steps.Add(TextOf(step, finding));
        if (step == DecisionStep.NotOurs) steps.Add(finding.IsLocal ? "nothing is loaded yet, and the settings say not to forward" : "not ours: answered by the upstreams or their cache");
    }

    /// <inheritdoc/>
    public void RecordCandidate(ReadOnlySpan<byte> name, in DirectoryMatch match)
    {
        var text = DnsName.ToText(name);
        steps.Add(match.Choice.Answers ? $"the client may mean {text}" : $"the client may mean {text}, but {WhyNot(directory, name, match, view)}");
    }

    /// <summary>Why a name is not answered from its declarations.</summary>
    public static string WhyNot(MeshDirectory directory, ReadOnlySpan<byte> name, in DirectoryMatch match, in ClientView view)
    {
        if (match.Entry is { } found) return $"{found.Host} has no address";
        if (directory.Declared(name) is not { } entry) return "it is not declared";
        var namespaces = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var declaration in entry.Declarations)
            foreach (var target in declaration.Shape.ExportTo) namespaces.Add(target == "." ? declaration.Shape.Namespace : target);
        return $"{entry.Host} is exported only to {string.Join(", ", namespaces)}, and the client {(view.Namespace is { } own ? $"is in {own}" : "has no namespace")}";
    }

    private string TextOf(DecisionStep step, in Finding finding) => step switch
    {
        DecisionStep.NoCapture => "capture is off for this client: forwarded as if there were no mesh",
        DecisionStep.Special => "RFC 6761 gives the name a local answer",
        DecisionStep.SpecialDeclared when finding.Entry is null => $"but it lies in a mesh zone: {WordOf(finding)}",
        DecisionStep.SpecialDeclared => $"but it is declared: {Describe(finding)}",
        DecisionStep.Host => Describe(finding),
        DecisionStep.NoHost when directory.Declared(name) is not null => $"no declared name or wildcard that this client sees matches: {WhyNot(directory, name, default, view)}",
        DecisionStep.NoHost => "no declared name or wildcard that this client sees matches",
        DecisionStep.Reverse when finding.Entry is null => $"the name lies above addresses of a mesh zone: {WordOf(finding)}",
        DecisionStep.Reverse => $"the name is an address backwards: {Describe(finding)}",
        DecisionStep.Search => Describe(finding),
        DecisionStep.Zone => $"the name lies in a mesh zone: {WordOf(finding)}",
        _ => "the name lies in no mesh zone",
    };

    private static string WordOf(in Finding finding) => finding.Origin == Origin.Owner ? "AskOwner" : finding.Kind.ToString();

    // Which record answers (behaviour.md): the client's own namespace, then the oldest visible one.
    private string Reason(in Finding finding)
    {
        var shape = finding.Choice.Record!.Shape;
        if (shape.Namespace == view.Namespace) return "the client's own namespace";
        return $"age, among those of kind {shape.Kind} that the client sees";
    }

    private string Describe(in Finding finding)
    {
        var entry = finding.Entry!;
        var match = $"{(entry.IsWildcard ? "the wildcard" : "the host")} {entry.Host} matches, with {entry.Declarations.Length} declaration(s)";
        if (finding.Choice.Record is not { } record) return match;
        if (entry.Declarations.Length > 1) match += $", of which the one of namespace {record.Shape.Namespace} answers by {Reason(finding)}";
        var source = finding.Choice.Source switch
        {
            AnswerSource.Explicit => "its explicit addresses",
            AnswerSource.Vip => $"its VIP {directory.Range.IPv4(entry.VipIndex)}, {directory.Range.IPv6(entry.VipIndex)}",
            AnswerSource.Cname => $"a CNAME to {record.Shape.ExternalName}",
            _ => "no address",
        };
        if (finding.Origin != Origin.Upstream) return $"{match}; the {record.Shape.Kind} record of namespace {record.Shape.Namespace} answers with {source}: {finding.Kind}";
        return finding.Choice.Answers
            ? $"{match}; outside the mesh zones this type is not the mesh's: forwarded"
            : $"{match}; it has no address and lies in no mesh zone: forwarded";
    }
}
