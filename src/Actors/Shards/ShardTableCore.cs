using System.Collections.Immutable;
using MeshDns.Actors.Vips;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Services;
using MeshDns.Contracts.Vips;

namespace MeshDns.Actors.Shards;

/// <summary>Decides what changes do to a shard. Pure.</summary>
public sealed class ShardTableCore(VipRange range)
{
    // More documents than this for one host is a mistake, and every one of them costs each reader of the host.
    private const int MaxDeclarationsPerHost = 256;

    /// <summary>Decides a change, whole or not at all.</summary>
    public Decision<ShardTable, ShardReply> Decide(ShardTable state, ShardCommand command)
    {
        var table = state;
        var facts = new List<MeshEvent>();
        var versions = new Dictionary<DocumentKey, long>();
        var touched = new List<HostName>();
        var seen = new HashSet<HostName>();
        foreach (var step in command.Steps)
        {
            if (Refuse(table, step) is { } refusal) return new Decision<ShardTable, ShardReply>(state, [], null, refusal);
            if (FactOf(table, step, command.At) is not { } fact) continue;
            facts.Add(fact);
            table = table.Apply(fact);
            if (fact is DocumentPut put) versions[put.Document.Key] = put.Version;
            if (fact is DocumentDeleted deleted) versions[deleted.Key] = deleted.Version;
            if (HostOf(fact) is { } host && seen.Add(host)) touched.Add(host);
        }
        var demands = touched.Select(h => (Before: DemandOf(state, h), After: DemandOf(table, h))).Where(d => !Same(d.Before, d.After)).Select(d => d.After).ToArray();
        var warnings = touched.SelectMany(h => PortConflicts(h, table.DeclarationsOf(h))).ToArray();
        return new Decision<ShardTable, ShardReply>(table, facts, new ShardReply(demands, versions, warnings), null);
    }

    /// <summary>What a host wants of the VIP pool, by all its declarations.</summary>
    public VipDemand DemandOf(ShardTable table, HostName host)
    {
        var declarations = table.DeclarationsOf(host);
        // Most hosts have no address of their own, and 65,024 of them may come in one change.
        if (declarations.All(d => d.Addresses.Count == 0)) return new VipDemand(host, declarations.Any(d => d.Eligible), [], []);
        var claims = new SortedSet<string>(StringComparer.Ordinal);
        var exclusions = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var address in declarations.SelectMany(d => d.Addresses))
        {
            if (Cidr.TryParse(address, out var cidr)) { if (range.TryCovered(cidr, out _, out _, out _)) exclusions.Add(address); }
            else if (Cidr.TryParseAddress(address, out var ip) && range.Contains(ip)) claims.Add(address);
        }
        return new VipDemand(host, declarations.Any(d => d.Eligible), [.. claims], [.. exclusions]);
    }

    private static Refusal? Refuse(ShardTable table, ShardStep step)
    {
        (DocumentKey Key, long Version)? read = step switch
        {
            PutDocument put => (put.Document.Key, put.ReadVersion),
            DeleteDocument delete => (delete.Key, delete.ReadVersion),
            _ => null,
        };
        if (read is { } document && (table.Documents.TryGetValue(document.Key, out var stored) ? stored.Version : 0) is var version && version != document.Version)
            return new Refusal(RefusalReason.Contention, $"{document.Key} changed from version {document.Version} to {version} meanwhile");
        if (step is DeclareHost declare && table.DeclarationsOf(declare.Host) is { Length: >= MaxDeclarationsPerHost } full && full.All(d => d.Document != declare.Declaration.Document))
            return new Refusal(RefusalReason.Invalid, $"{declare.Host} is declared by {MaxDeclarationsPerHost} documents already, which is the most");
        return null;
    }

    private static MeshEvent? FactOf(ShardTable table, ShardStep step, long at) => step switch
    {
        PutDocument put => new DocumentPut(put.Document, table.Changes + 1, put.Source, table.Documents.TryGetValue(put.Document.Key, out var old) ? old.Created : at, at),
        DeleteDocument delete => table.Documents.ContainsKey(delete.Key) ? new DocumentDeleted(delete.Key, table.Changes + 1, at) : null,
        DeclareHost declare => IsDeclared(table, declare) ? null : new HostDeclared(declare.Host, declare.Declaration),
        WithdrawHost withdraw => table.DeclarationsOf(withdraw.Host).Any(d => d.Document == withdraw.Document) ? new HostWithdrawn(withdraw.Host, withdraw.Document) : null,
        _ => throw new InvalidOperationException($"a shard does not know the step {step.GetType().Name}"),
    };

    private static bool IsDeclared(ShardTable table, DeclareHost declare)
    {
        var same = table.DeclarationsOf(declare.Host).FirstOrDefault(d => d.Document == declare.Declaration.Document);
        return same is not null && ShardTableSnapshot.SameDeclaration(same, declare.Declaration);
    }

    private static HostName? HostOf(MeshEvent fact) => fact switch { HostDeclared d => d.Host, HostWithdrawn w => w.Host, _ => null };

    private static bool Same(VipDemand left, VipDemand right) =>
        left.Lease == right.Lease && left.Claims.SequenceEqual(right.Claims) && left.Exclusions.SequenceEqual(right.Exclusions);

    // Within a namespace ports are united and the older document wins a conflicting number (behaviour.md, "One host, one VIP").
    private static IEnumerable<VipWarning> PortConflicts(HostName host, ImmutableArray<HostDeclaration> declarations)
    {
        var taken = new Dictionary<(string Namespace, int Number, bool IsUdp), (ServicePort Port, DocumentKey Document)>();
        foreach (var declaration in declarations)
            foreach (var port in declaration.Ports)
            {
                // TCP and UDP have ports of their own (kube-dns has 53 twice), and a document does not conflict with itself.
                var key = (declaration.Document.Namespace, port.Number, port.Protocol == "UDP");
                if (!taken.TryGetValue(key, out var first)) { taken.Add(key, (port, declaration.Document)); continue; }
                if (first.Port != port && first.Document != declaration.Document) yield return new VipWarning(host, $"port {port.Number} of {host} is declared differently by {first.Document} and {declaration.Document}; the older, {first.Document}, wins");
            }
    }
}
