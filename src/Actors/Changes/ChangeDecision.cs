using MeshDns.Actors.Log;
using MeshDns.Actors.Shards;
using MeshDns.Actors.Vips;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Services;

namespace MeshDns.Actors.Changes;

/// <summary>What a change comes to.</summary>
/// <param name="After">The state with its facts; one that says the same as before when it is refused or changes nothing.</param>
/// <param name="Facts">In the order in which they were decided.</param>
/// <param name="Reply">What its caller is told, once that holds.</param>
internal sealed record DecidedChange(MeshState After, IReadOnlyList<MeshEvent> Facts, ChangeReply Reply);

/// <summary>Decides one change on a state: documents and host records by the shard core, then what hosts want of the pool by the ledger. Whole or not at all. Pure.</summary>
internal sealed class ChangeDecision(MeshFold fold, ChangePlanner planner)
{
    private readonly ShardTableCore _shards = new(fold.Range);
    private readonly VipLedgerCore _vips = new(fold.Range);

    /// <summary>Decides.</summary>
    /// <param name="state">What it is decided on.</param>
    /// <param name="request">What is asked.</param>
    /// <param name="at">Now, by the journal's clock; not below the state's own time.</param>
    public DecidedChange Decide(MeshState state, ChangeRequest request, long at)
    {
        if (ChangePlanner.Check(request) is { } invalid) return new(state, [], invalid);
        if (request.Settings is { } settings) return SettingsDecision.Decide(fold, state, settings, at);
        var tables = new WorkingTables(state.Tables, fold.Buckets);
        var plan = planner.Plan(request, tables.Find(request.Changes.Select(c => c.Key)), at, state.ClusterDomain);
        if (plan.Refused is { } refused) return new(state with { Tables = tables.Warm() }, [], refused);
        var facts = new List<MeshEvent>();
        var effects = new ChangeEffects(plan, fold.Range);
        foreach (var (stream, command) in plan.Commands.OrderBy(c => c.Key, StringComparer.Ordinal))
        {
            var bucket = fold.Buckets.Of(stream);
            var decided = _shards.Decide(tables[bucket], command);
            if (decided.Refused is { } refusal) return new(state, [], ChangeReply.Refused(refusal.Reason, refusal.Detail));
            tables[bucket] = decided.State;
            facts.AddRange(decided.Events);
            effects.Take(decided.Reply!);
        }
        var demands = effects.Demands();
        var (ledger, granted) = (state.Ledger, (VipReply?)null);
        if (demands.Count > 0 || request.Rests is { Count: > 0 })
        {
            var vips = _vips.Decide(ledger, new VipCommand(demands, at, request.Rests));
            if (vips.Refused is { } exhausted) return new(state, [], ChangeReply.Refused(exhausted.Reason, exhausted.Detail));
            (ledger, granted) = (vips.State, vips.Reply);
            facts.AddRange(vips.Events);
        }
        return new(state with { Ledger = ledger, Tables = tables.Warm() }, facts, effects.Reply(ledger, granted, facts));
    }

    /// <summary>The tables that a change reads and writes; one that rests is made once.</summary>
    private sealed class WorkingTables(BucketTables tables, Buckets buckets)
    {
        private readonly Dictionary<int, ShardTable> _read = [];

        public ShardTable this[int bucket]
        {
            get
            {
                if (!_read.TryGetValue(bucket, out var table)) _read.Add(bucket, table = tables[bucket]);
                return table;
            }
            set => _read[bucket] = value;
        }

        public Dictionary<DocumentKey, StoredDocument> Find(IEnumerable<DocumentKey> keys)
        {
            var found = new Dictionary<DocumentKey, StoredDocument>();
            foreach (var key in keys)
                if (this[Streams.ShardOf(key, buckets.Count)].Documents.TryGetValue(key, out var stored)) found[key] = stored;
            return found;
        }

        // With those that were only read: a source that applies what is there already, document by document, must not unpack a table for each.
        public BucketTables Warm()
        {
            var after = tables;
            foreach (var (bucket, table) in _read) if (after.Rests(bucket) || !ReferenceEquals(after[bucket], table)) after = after.With(bucket, table);
            return after;
        }
    }
}
