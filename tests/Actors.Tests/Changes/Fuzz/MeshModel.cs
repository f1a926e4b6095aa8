using System.Text.Json;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Services;
using MeshDns.Contracts.Vips;
using MeshDns.Tests.Shared.Judge;

namespace MeshDns.Actors.Tests.Changes.Fuzz;

/// <summary>
/// The whole mesh as a person would describe it: a dictionary of documents, and what follows from them. It knows nothing of streams,
/// events or leases; <see cref="Vips.PromiseWitness"/> watches those.
/// </summary>
internal sealed class MeshModel
{
    private readonly Dictionary<DocumentKey, (MeshDocument Document, string Source, long Version)> _documents = [];

    /// <summary>What all nodes share.</summary>
    public SharedSettings Settings { get; private init; } = new(ChangesRig.QuarantineMs, 30_000, [], ChangesRig.ClusterDomain.Text);

    public IReadOnlyDictionary<DocumentKey, (MeshDocument Document, string Source, long Version)> Documents => _documents;

    /// <summary>Every declared host with what declares it.</summary>
    public ILookup<HostName, MeshDocument> Hosts => _documents.Values.SelectMany(d => d.Document.ServiceEntry!.Hosts.Select(h => (Host: h, d.Document))).ToLookup(h => h.Host, h => h.Document);

    public HashSet<HostName> Eligible() => [.. Hosts.Where(h => h.Any(d => IsEligible(d, h.Key))).Select(h => h.Key)];

    /// <summary>Addresses that are declared, CIDRs among them.</summary>
    public HashSet<string> Addresses() => [.. _documents.Values.SelectMany(d => d.Document.ServiceEntry!.Addresses)];

    /// <summary>Why the request must be refused for what it says of its documents; null when it need not be.</summary>
    public RefusalReason? Refusal(ChangeRequest request)
    {
        if (request.Settings is { } settings && SettingsCheck.After(Settings, settings) is null) return settings.IfMatch is { } tag && tag != Settings.Tag ? RefusalReason.VersionMismatch : RefusalReason.Invalid;
        foreach (var change in request.Changes)
        {
            var there = _documents.TryGetValue(change.Key, out var stored);
            if (change.IfMatch is { } version && version != (there ? stored.Version : 0)) return RefusalReason.VersionMismatch;
            if (!there && change.Document is null && request.MustExist) return RefusalReason.NotFound;
            if (there && stored.Source != request.Source && !request.TakeOver) return RefusalReason.OtherSource;
        }
        return null;
    }

    public DocumentAction Action(ChangeRequest request, DocumentChange change)
    {
        var there = _documents.TryGetValue(change.Key, out var stored);
        if (change.Document is null) return there ? DocumentAction.Deleted : DocumentAction.Absent;
        if (!there) return DocumentAction.Created;
        return stored.Source == request.Source && Text(stored.Document) == Text(change.Document) ? DocumentAction.Unchanged : DocumentAction.Configured;
    }

    /// <summary>The model after a request; versions are filled in when they are seen.</summary>
    public MeshModel After(ChangeRequest request)
    {
        var next = new MeshModel { Settings = request.Settings is { } settings ? SettingsCheck.After(Settings, settings) ?? Settings : Settings };
        foreach (var (key, value) in _documents) next._documents.Add(key, value);
        foreach (var change in request.Changes)
        {
            if (change.Document is null) next._documents.Remove(change.Key);
            else if (Action(request, change) != DocumentAction.Unchanged) next._documents[change.Key] = (change.Document, request.Source, -1);
        }
        return next;
    }

    /// <summary>Takes over a version that the mesh gave.</summary>
    public void Learn(DocumentKey key, long version) => _documents[key] = _documents[key] with { Version = version };

    /// <summary>Where the stored documents differ, among these keys or everywhere; null when they do not.</summary>
    public string? Difference(IReadOnlyDictionary<DocumentKey, StoredDocument> stored, IEnumerable<DocumentKey>? among = null)
    {
        foreach (var key in among ?? _documents.Keys.Union(stored.Keys))
        {
            var wanted = _documents.TryGetValue(key, out var mine) ? $"{mine.Source} {Text(mine.Document)}" : "nothing";
            var found = stored.TryGetValue(key, out var theirs) ? $"{theirs.Source} {Text(theirs.Document)}" : "nothing";
            if (wanted != found) return $"{key}: expected {wanted}, found {found}";
        }
        return null;
    }

    public static bool IsEligible(MeshDocument document, HostName host)
    {
        var entry = document.ServiceEntry!;
        return entry.Addresses.Count == 0 && entry.Resolution != Resolution.None && document.Labels is null && (!host.IsWildcard || entry.Resolution == Resolution.DynamicDns);
    }

    public static bool HasAddress(MeshDocument document) => document.ServiceEntry!.Addresses.Any(a => !Cidr.TryParse(a, out _));

    private static string Text(MeshDocument document) => JsonSerializer.Serialize(document);
}
