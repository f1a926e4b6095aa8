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
    /// <summary>What a query's name gets; null when nobody who knows has answered.</summary>
    public async ValueTask<Finding?> FindAsync(ReadOnlyMemory<byte> packet, ClientView view)
    {
        var facts = await owners.FindAsync(NamesOf(packet.Span));
        return facts is null ? null : FindingOf(packet.Span, view, facts);
    }

    private List<HostName> NamesOf(ReadOnlySpan<byte> packet)
    {
        DnsQuery.TryParse(packet, out var query);
        Span<byte> buffer = stackalloc byte[DnsLimits.MaxNameSize];
        var name = buffer[..query.QuestionName.Length];
        DnsName.Fold(query.QuestionName, name);
        var names = new List<HostName>();
        if (HostName.TryParse(WireText.Of(name), out var exact, out _)) names.Add(exact);
        ReadOnlySpan<byte> suffix = name;
        while (DnsName.CountLabels(suffix) > 1 && resolver.Directory.Zones.TryMatch(suffix, out var apex) && apex != 0)
        {
            suffix = DnsName.Parent(suffix);
            if (HostName.TryParse("*." + WireText.Of(suffix), out var wildcard, out _)) names.Add(wildcard);
        }
        return names;
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
            if (told.TryFindHost(name, told.Directory.HashOf(name), query.Type, view, out var found) && found.IsLocal) return found;
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
