using System.Collections.Immutable;
using MeshDns.Actors.Directory;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Services;

namespace MeshDns.Actors.Shards;

/// <summary>
/// What a shard owns: documents, and for each host what documents (of any shard) declare about it. Immutable.
/// </summary>
public sealed class ShardTable
{
    /// <summary>The table of an empty stream.</summary>
    public static ShardTable Empty { get; } = new(ImmutableDictionary<DocumentKey, StoredDocument>.Empty, ImmutableDictionary<HostName, ImmutableArray<HostDeclaration>>.Empty, 0);

    private ShardTable(ImmutableDictionary<DocumentKey, StoredDocument> documents, ImmutableDictionary<HostName, ImmutableArray<HostDeclaration>> hosts, long changes)
    {
        Documents = documents;
        Hosts = hosts;
        Changes = changes;
    }

    /// <summary>Documents by key.</summary>
    public ImmutableDictionary<DocumentKey, StoredDocument> Documents { get; }

    /// <summary>Declarations of each host, oldest document first; never empty.</summary>
    public ImmutableDictionary<HostName, ImmutableArray<HostDeclaration>> Hosts { get; }

    /// <summary>How many document changes the shard has seen; the source of versions.</summary>
    public long Changes { get; }

    /// <summary>The memory that it takes, in bytes by estimate.</summary>
    internal long Weight => 1000L * (Documents.Count + Hosts.Count);

    /// <summary>The declarations of a host; empty when there are none.</summary>
    public ImmutableArray<HostDeclaration> DeclarationsOf(HostName host) => Hosts.TryGetValue(host, out var found) ? found : [];

    /// <summary>The facts that a directory needs of this table.</summary>
    public IEnumerable<MeshEvent> DirectoryFacts()
    {
        foreach (var (host, declarations) in Hosts)
            foreach (var declaration in declarations)
                yield return new HostDeclared(host, declaration);
    }

    /// <summary>Applies a journalled event.</summary>
    /// <exception cref="InvalidOperationException">The event contradicts the table: the journal is damaged.</exception>
    public ShardTable Apply(MeshEvent fact) => fact switch
    {
        DocumentPut put => Put(put),
        DocumentDeleted deleted => Delete(deleted),
        HostDeclared declared => With(declared.Host, Insert(DeclarationsOf(declared.Host), declared.Declaration)),
        HostWithdrawn withdrawn => With(withdrawn.Host, Remove(withdrawn)),
        _ => throw new InvalidOperationException($"a {fact.GetType().Name} does not belong into a shard's stream"),
    };

    internal static ShardTable Of(IEnumerable<StoredDocument> documents, IEnumerable<(HostName Host, ImmutableArray<HostDeclaration> Declarations)> hosts, long changes) => new(
        documents.ToImmutableDictionary(d => d.Document.Key),
        hosts.ToImmutableDictionary(h => h.Host, h => h.Declarations),
        changes);

    private ShardTable Put(DocumentPut put)
    {
        if (put.Version <= Changes) throw new InvalidOperationException($"{put.Document.Key} got version {put.Version}, but the shard is at {Changes}");
        var stored = new StoredDocument(put.Document, put.Version, put.Source, put.Created, put.At);
        return new ShardTable(Documents.SetItem(put.Document.Key, stored), Hosts, put.Version);
    }

    private ShardTable Delete(DocumentDeleted deleted)
    {
        if (!Documents.ContainsKey(deleted.Key)) throw new InvalidOperationException($"{deleted.Key} was deleted, but is not there");
        if (deleted.Version <= Changes) throw new InvalidOperationException($"{deleted.Key} got version {deleted.Version}, but the shard is at {Changes}");
        return new ShardTable(Documents.Remove(deleted.Key), Hosts, deleted.Version);
    }

    private ShardTable With(HostName host, ImmutableArray<HostDeclaration> declarations) =>
        new(Documents, declarations.IsEmpty ? Hosts.Remove(host) : Hosts.SetItem(host, declarations), Changes);

    // Oldest first; documents of one change are created at the same time, so a hash decides between them: the one that directories keep
    // in place of the document's name, so that owners and edges agree which record is the older.
    private static ImmutableArray<HostDeclaration> Insert(ImmutableArray<HostDeclaration> declarations, HostDeclaration added)
    {
        var others = declarations.RemoveAll(d => d.Document == added.Document);
        var at = 0;
        while (at < others.Length && IsOlder(others[at], added)) at++;
        return others.Insert(at, added);
    }

    private static bool IsOlder(HostDeclaration left, HostDeclaration right) =>
        left.Created != right.Created ? left.Created < right.Created : Declaration.HashOf(left.Document) < Declaration.HashOf(right.Document);

    private ImmutableArray<HostDeclaration> Remove(HostWithdrawn withdrawn)
    {
        var before = DeclarationsOf(withdrawn.Host);
        var after = before.RemoveAll(d => d.Document == withdrawn.Document);
        return after.Length < before.Length ? after : throw new InvalidOperationException($"{withdrawn.Document} withdrew {withdrawn.Host}, which it does not declare");
    }
}
