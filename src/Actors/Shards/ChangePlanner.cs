using MeshDns.Contracts.Events;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Services;
using MeshDns.Contracts.Vips;

namespace MeshDns.Actors.Shards;

/// <summary>What one document change comes to.</summary>
/// <param name="Change">What was asked.</param>
/// <param name="Action">What will be done.</param>
/// <param name="Before">The document as it is; null when it is not there.</param>
/// <param name="After">What it declares afterwards, in its order.</param>
public sealed record PlannedDocument(DocumentChange Change, DocumentAction Action, StoredDocument? Before, IReadOnlyList<(HostName Host, HostDeclaration Declaration)> After)
{
    /// <summary>The document as it is kept, and what it says of VIPs; null for a deletion.</summary>
    public DeclaredDocument? Declared { get; init; }
}

/// <summary>A change laid out over the streams that it touches. <see cref="Commands"/> is empty when there is nothing to do.</summary>
/// <param name="Documents">Per document, in the request's order.</param>
/// <param name="Commands">Per shard stream.</param>
/// <param name="Refused">Why it is refused as a whole; null when it is not.</param>
public sealed record ChangePlan(IReadOnlyList<PlannedDocument> Documents, IReadOnlyDictionary<string, ShardCommand> Commands, ChangeReply? Refused);

/// <summary>
/// Turns a request and the documents as they are into commands for the tables of buckets. Pure; what it read is checked again where the commands are
/// decided, so that a stale read would be refused and never written.
/// </summary>
public sealed class ChangePlanner(int shards, VipRange range)
{
    private const int MaxDocuments = 100_000;
    private const int MaxRests = 100_000;

    /// <summary>Checks what a request says of itself; null when it is in order.</summary>
    public static ChangeReply? Check(ChangeRequest request)
    {
        if (request.Rests is { Count: > MaxRests } rests) return ChangeReply.Refused(RefusalReason.Invalid, $"a change has at most {MaxRests} resting VIPs, this one has {rests.Count}");
        if (request.Settings is not null && (request.Changes.Count > 0 || request.Rests is not null)) return ChangeReply.Refused(RefusalReason.Invalid, "a change has settings or documents, not both");
        if (request.Changes.Count > MaxDocuments || request.Changes.Count == 0 && request.Rests is not { Count: > 0 } && request.Settings is null) return ChangeReply.Refused(RefusalReason.Invalid, $"a change has 1 to {MaxDocuments} documents, this one has {request.Changes.Count}");
        if (request.IdempotencyKey is { } key && (key.Length is 0 or > 128 || key.Any(c => c is < '!' or > '~'))) return ChangeReply.Refused(RefusalReason.Invalid, "an Idempotency-Key has 1 to 128 printable ASCII characters");
        var seen = new HashSet<DocumentKey>();
        foreach (var change in request.Changes)
        {
            if (!seen.Add(change.Key)) return ChangeReply.Refused(RefusalReason.Invalid, $"{change.Key} is in the change twice", change.Key);
            if (change.Document is { } document && document.Key != change.Key) return ChangeReply.Refused(RefusalReason.Invalid, $"{document.Key} was sent as {change.Key}", change.Key);
        }
        return null;
    }

    /// <summary>Lays the change out.</summary>
    /// <param name="request">A request that <see cref="Check"/> let pass.</param>
    /// <param name="current">The documents that it names, as far as they are there.</param>
    /// <param name="at">Now, milliseconds since the Unix epoch.</param>
    /// <param name="domain">The domain of Services, as the log has it.</param>
    public ChangePlan Plan(ChangeRequest request, IReadOnlyDictionary<DocumentKey, StoredDocument> current, long at, HostName domain)
    {
        var documents = new List<PlannedDocument>(request.Changes.Count);
        var steps = new Dictionary<string, List<ShardStep>>();
        foreach (var change in request.Changes)
        {
            var before = current.GetValueOrDefault(change.Key);
            if (Refuse(request, change, before) is { } refused) return new ChangePlan([], new Dictionary<string, ShardCommand>(), refused);
            documents.Add(PlanDocument(request, change, before, at, domain, steps));
        }
        return new ChangePlan(documents, steps.ToDictionary(s => s.Key, s => new ShardCommand(s.Value, at)), null);
    }

    private static ChangeReply? Refuse(ChangeRequest request, DocumentChange change, StoredDocument? before)
    {
        var version = before?.Version ?? 0;
        if (change.IfMatch is { } wanted && wanted != version)
            return ChangeReply.Refused(RefusalReason.VersionMismatch, before is null ? $"{change.Key} is not there" : $"{change.Key} is at version {version}, not {wanted}", change.Key);
        if (before is null && change.Document is null && request.MustExist)
            return ChangeReply.Refused(RefusalReason.NotFound, $"{change.Key} is not there", change.Key);
        if (before is not null && before.Source != request.Source && !request.TakeOver)
            return ChangeReply.Refused(RefusalReason.OtherSource, $"{change.Key} belongs to the source '{before.Source}'; '{request.Source}' may change it only by taking it over", change.Key);
        return null;
    }

    private PlannedDocument PlanDocument(ChangeRequest request, DocumentChange change, StoredDocument? before, long at, HostName domain, Dictionary<string, List<ShardStep>> steps)
    {
        if (change.Document is null && before is null) return new PlannedDocument(change, DocumentAction.Absent, null, []);
        var created = before?.Created ?? at;
        var declared = change.Document is { } document ? DeclaredDocument.Of(document, change.Wishes, request.Source, before?.Document, range, domain) : null;
        var after = declared is not null ? HostDeclaration.Of(declared.Document, created, domain) : [];
        if (before is not null && declared is not null && before.Source == request.Source && ShardTableSnapshot.SameDocument(before.Document, declared.Document))
            return new PlannedDocument(change, DocumentAction.Unchanged, before, after) { Declared = declared };
        Add(Streams.ShardOf(change.Key, shards), declared is not null
            ? new PutDocument(declared.Document, request.Source, before?.Version ?? 0)
            : new DeleteDocument(change.Key, before!.Version));
        var kept = after.Select(h => h.Host).ToHashSet();
        if (before is not null)
            foreach (var (host, _) in HostDeclaration.Of(before.Document, created, domain))
                if (!kept.Contains(host)) Add(Streams.ShardOf(host, shards), new WithdrawHost(host, change.Key));
        foreach (var (host, declaration) in after) Add(Streams.ShardOf(host, shards), new DeclareHost(host, declaration));
        var action = change.Document is null ? DocumentAction.Deleted : before is null ? DocumentAction.Created : DocumentAction.Configured;
        return new PlannedDocument(change, action, before, after) { Declared = declared };

        void Add(int shard, ShardStep step)
        {
            var stream = Streams.Shard(shard, shards);
            if (!steps.TryGetValue(stream, out var list)) steps.Add(stream, list = []);
            list.Add(step);
        }
    }
}
