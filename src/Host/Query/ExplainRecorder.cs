using MeshDns.Actors.Directory;
using MeshDns.Host.Resolve;

namespace MeshDns.Host.Query;

/// <summary>Puts the steps of a decision into words, for <see cref="QueryExplainer"/>.</summary>
/// <param name="directory">Whose names are told.</param>
/// <param name="steps">Takes a sentence a step.</param>
internal readonly struct ExplainRecorder(MeshDirectory directory, List<string> steps) : IDecisionRecorder
{
    /// <inheritdoc/>
    public void Record(DecisionStep step, in Finding finding)
    {
        steps.Add(TextOf(step, finding));
        if (step == DecisionStep.NotOurs) steps.Add(finding.IsLocal ? "nothing is loaded yet, and the settings say not to forward" : "not ours: answered by the upstreams or their cache");
    }

    /// <inheritdoc/>
    public void RecordCandidate(ReadOnlySpan<byte> name, in DirectoryMatch match) { }

    private string TextOf(DecisionStep step, in Finding finding) => step switch
    {
        DecisionStep.NoCapture => "capture is off for this client: forwarded as if there were no mesh",
        DecisionStep.Special => "RFC 6761 gives the name a local answer",
        DecisionStep.SpecialDeclared when finding.Entry is null => $"but it lies in a mesh zone: {WordOf(finding)}",
        DecisionStep.SpecialDeclared => $"but it is declared: {Describe(finding)}",
        DecisionStep.Host => Describe(finding),
        DecisionStep.NoHost => "no declared name or wildcard that this client sees matches",
        DecisionStep.Zone => $"the name lies in a mesh zone: {WordOf(finding)}",
        _ => "the name lies in no mesh zone",
    };

    private static string WordOf(in Finding finding) => finding.Origin == Origin.Owner ? "AskOwner" : finding.Kind.ToString();

    private string Describe(in Finding finding)
    {
        var entry = finding.Entry!;
        var match = $"{(entry.IsWildcard ? "the wildcard" : "the host")} {entry.Host} matches, with {entry.Declarations.Length} declaration(s)";
        if (finding.Choice.Record is not { } record) return match;
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
