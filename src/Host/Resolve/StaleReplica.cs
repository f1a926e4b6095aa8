using MeshDns.Actors.Directory;
using MeshDns.Contracts.Dns;
using MeshDns.Contracts.Names;

namespace MeshDns.Host.Resolve;

/// <summary>
/// Answers a name in a mesh zone that this node does not know while its knowledge is old: the owner is asked before the name is denied. Without an
/// answer it is SERVFAIL, since a denial would be cached by whoever asked.
/// </summary>
/// <param name="resolver">This node's own knowledge.</param>
/// <param name="replies">Writes the replies.</param>
/// <param name="owners">Who is asked.</param>
public sealed class StaleReplica(MeshResolver resolver, LocalReply replies, IOwnerInquiry owners)
{
    /// <summary>Answers a query; returns the reply's length.</summary>
    public async ValueTask<int> AnswerAsync(ReadOnlyMemory<byte> packet, ClientView view, ReadOnlyMemory<byte> cookie, Memory<byte> reply, int limit)
    {
        var facts = await owners.FindAsync(NamesOf(packet.Span));
        return Write(packet.Span, view, cookie.Span, facts, reply.Span, limit);
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

    private int Write(ReadOnlySpan<byte> packet, in ClientView view, ReadOnlySpan<byte> cookie, IReadOnlyList<FeedFact>? facts, Span<byte> reply, int limit)
    {
        DnsQuery.TryParse(packet, out var query);
        Span<byte> buffer = stackalloc byte[DnsLimits.MaxNameSize];
        var name = buffer[..query.QuestionName.Length];
        DnsName.Fold(query.QuestionName, name);
        if (facts is not null && replies.TryWrite(query, FindingOf(name, query.Type, view, facts), view, cookie, 0, reply, limit, out var length, out _)) return length;
        LocalReply.WriteFailure(query, facts is null ? EdeCode.NoReachableAuthority : EdeCode.Other, cookie, reply, limit, out var failed);
        return failed;
    }

    private Finding FindingOf(ReadOnlySpan<byte> name, DnsType type, in ClientView view, IReadOnlyList<FeedFact> facts)
    {
        if (facts.Count > 0 && KnowledgeOf(facts).TryFindHost(name, type, view, out var found) && found.IsLocal) return found;
        return resolver.Deny(name, type);
    }

    // A directory of what the owners said, read like any other.
    private MeshResolver KnowledgeOf(IReadOnlyList<FeedFact> facts)
    {
        var directory = new MeshDirectory(resolver.Directory.Range, resolver.Directory.Zones, resolver.Directory.Shards, resolver.Time);
        directory.Apply(new FeedBatch([], facts, new Dictionary<string, StreamPosition>(), 0));
        return new MeshResolver(directory, resolver.Options, resolver.Time);
    }
}
