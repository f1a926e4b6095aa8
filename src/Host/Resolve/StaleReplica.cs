using MeshDns.Actors.Directory;
using MeshDns.Contracts.Dns;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Names;

namespace MeshDns.Host.Resolve;

/// <summary>
/// Finds a name of a mesh zone that this node does not know while its knowledge is old: the owner is asked before the name is denied.
/// </summary>
/// <param name="resolver">This node's own knowledge.</param>
/// <param name="owners">Who is asked.</param>
public sealed class StaleReplica(MeshResolver resolver, IOwnerInquiry owners)
{
    private const int MaxNames = 256; // an owner is asked for no more at once

    /// <summary>What a query's name gets; null when nobody who knows has answered.</summary>
    public async ValueTask<Finding?> FindAsync(ReadOnlyMemory<byte> packet, ClientView view)
    {
        var facts = await owners.FindAsync(NamesOf(packet.Span, view));
        return facts is null ? null : FindingOf(packet.Span, view, facts);
    }

    // The name, the host of which it is a service, and what the client may mean by either (rules 1, 2 and 4).
    private List<HostName> NamesOf(ReadOnlySpan<byte> packet, in ClientView view)
    {
        DnsQuery.TryParse(packet, out var query);
        Span<byte> buffer = stackalloc byte[DnsLimits.MaxNameSize];
        var name = buffer[..query.QuestionName.Length];
        DnsName.Fold(query.QuestionName, name);
        var names = new List<HostName>();
        AddWithCandidates(name, view, names);
        if (ServiceName.TryParse(name, out var service)) AddWithCandidates(service.Host, view, names);
        return names;
    }

    private void AddWithCandidates(ReadOnlySpan<byte> name, in ClientView view, List<HostName> names)
    {
        Add(name, withWildcards: true, names);
        Span<byte> buffer = stackalloc byte[DnsLimits.MaxNameSize];
        var candidates = new SearchCandidates(name, resolver.Directory.Zones.ClusterDomain, view.Namespace, buffer);
        while (candidates.MoveNext()) Add(candidates.Name, candidates.IsStripped, names);
    }

    // Of a mesh zone's name the wildcards within the zone; of another's all.
    private void Add(ReadOnlySpan<byte> name, bool withWildcards, List<HostName> names)
    {
        AddOne(WireText.Of(name), names);
        var isInZone = resolver.Directory.Zones.TryMatch(name, out var apex);
        while (withWildcards && DnsName.CountLabels(name) > 1 && (!isInZone || (resolver.Directory.Zones.TryMatch(name, out apex) && apex != 0)))
        {
            name = DnsName.Parent(name);
            AddOne("*." + WireText.Of(name), names);
        }
    }

    private static void AddOne(string text, List<HostName> names)
    {
        if (names.Count < MaxNames && HostName.TryParse(text, out var name, out _) && !names.Contains(name)) names.Add(name);
    }

    private Finding FindingOf(ReadOnlySpan<byte> packet, in ClientView view, IReadOnlyList<MeshEvent> facts)
    {
        DnsQuery.TryParse(packet, out var query);
        Span<byte> buffer = stackalloc byte[DnsLimits.MaxNameSize];
        var name = buffer[..query.QuestionName.Length];
        DnsName.Fold(query.QuestionName, name);
        if (facts.Count > 0)
        {
            var told = KnowledgeOf(facts);
            if (told.TryFindDeclared(name, query.Type, view, out var found) && found.IsLocal) return found;
        }
        return resolver.Deny(name, query.Type, view);
    }

    // A directory of what the owners said, read like any other.
    private MeshResolver KnowledgeOf(IReadOnlyList<MeshEvent> facts)
    {
        var directory = new MeshDirectory(resolver.Directory.Range, resolver.Directory.Zones, resolver.Directory.Shards, resolver.Time);
        directory.Apply(new FeedBatch([], facts, DirectoryPosition.None, 0));
        return new MeshResolver(directory, resolver.Options, resolver.Time);
    }
}
