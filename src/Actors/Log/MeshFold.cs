using System.Collections.Immutable;
using MeshDns.Actors.Shards;
using MeshDns.Actors.Vips;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Vips;

namespace MeshDns.Actors.Log;

/// <summary>Folds transactions into the state that they give. Pure; the one fold that the allocator, every reader, images and the audit use.</summary>
/// <param name="range">The cluster's VIP ranges.</param>
/// <param name="buckets">The cluster's buckets.</param>
internal sealed class MeshFold(VipRange range, Buckets buckets)
{
    private readonly VipLedgerCore _vips = new(range);

    /// <summary>The cluster's buckets.</summary>
    public Buckets Buckets => buckets;

    /// <summary>The cluster's VIP ranges.</summary>
    public VipRange Range => range;

    /// <summary>The state of an empty log.</summary>
    public MeshState Empty => new()
    {
        Position = LogPosition.Start,
        Ledger = _vips.Empty,
        Tables = BucketTables.Empty(buckets.Count),
        LastOf = [.. Enumerable.Repeat(LogPosition.Start, buckets.Count)],
    };

    /// <summary>The state after a transaction.</summary>
    /// <exception cref="BrokenLogException">It does not follow on the state, or contradicts it: the log is damaged.</exception>
    public MeshState Apply(MeshState state, Transaction transaction) => Apply(state, transaction, () => Remember(Fold(state, transaction.Facts), transaction));

    /// <summary>The same for an incarnation that begins: what tables that rest would say to it is seen when they are asked for.</summary>
    /// <exception cref="BrokenLogException">It does not follow on the state, or contradicts it: the log is damaged.</exception>
    public MeshState Replay(MeshState state, Transaction transaction) => Apply(state, transaction, () =>
    {
        var tables = state.Tables;
        foreach (var bucket in transaction.Facts.Where(f => f is not (VipEvent or LogFact)).GroupBy(BucketOf)) tables = tables.WithUnread(bucket.Key, [.. bucket]);
        return Remember(Fold(state, [.. transaction.Facts.Where(f => f is VipEvent or LogFact)]) with { Tables = tables }, transaction);
    });

    /// <summary>Facts alone, in order; the place stays.</summary>
    /// <exception cref="InvalidOperationException">A fact contradicts the state.</exception>
    public MeshState Fold(MeshState state, IReadOnlyList<MeshEvent> facts)
    {
        var ledger = state.Ledger;
        var tables = new SortedDictionary<int, ShardTable>();
        foreach (var fact in facts)
        {
            if (fact is VipEvent vip) ledger = VipLedgerCore.Apply(ledger, vip);
            else if (fact is LogFact own) state = Fold(state, own);
            else
            {
                var bucket = BucketOf(fact);
                if (!tables.TryGetValue(bucket, out var table)) table = state.Tables[bucket];
                tables[bucket] = table.Apply(fact);
            }
        }
        var after = state.Tables;
        foreach (var (bucket, table) in tables) after = after.With(bucket, table);
        return state with { Ledger = ledger, Tables = after };
    }

    /// <summary>The same for a reader that keeps no tables: what documents and hosts say is passed over.</summary>
    /// <exception cref="BrokenLogException">It does not follow on the state, or contradicts it: the log is damaged.</exception>
    public MeshState ApplyWithoutTables(MeshState state, Transaction transaction) => Apply(state, transaction, () =>
        Fold(state, [.. transaction.Facts.Where(f => f is VipEvent or LogFact)]) with { Position = transaction.Position, At = transaction.At, LastOf = LastOf(state, transaction) });

    private int BucketOf(MeshEvent fact) => buckets.Of(fact) ?? throw new InvalidOperationException($"{fact.GetType().Name} belongs nowhere");

    private static MeshState Apply(MeshState state, Transaction transaction, Func<MeshState> fold)
    {
        if (transaction.Before != state.Position) throw new BrokenLogException($"a transaction that follows on {transaction.Before} was applied at {state.Position}");
        try { return fold(); }
        catch (InvalidOperationException e) { throw new BrokenLogException($"the transaction at {transaction.Position} cannot be replayed: {e.Message}"); }
    }

    private MeshState Fold(MeshState state, LogFact fact) => fact switch
    {
        AllocatorStarted started when started.Epoch == state.Epoch + 1 => state with { Epoch = started.Epoch, Format = Math.Max(state.Format, started.Format) },
        ClusterFounded founded when state.Cluster is null => founded.Ipv4 == range.V4.ToString() && founded.Ipv6 == range.V6.ToString() && founded.Shards == buckets.Count
            ? state with { Cluster = founded }
            : throw new InvalidOperationException($"the log is of {founded.Ipv4}, {founded.Ipv6} and {founded.Shards} shards"),
        SettingsChanged settings => state with { Settings = settings },
        ImageSaved image => state with { Image = image },
        SourceStarted source when source.Run > state.SourceRuns.GetValueOrDefault(source.Source) => state with { SourceRuns = state.SourceRuns.SetItem(source.Source, source.Run) },
        _ => throw new InvalidOperationException($"{fact} cannot be here"),
    };

    /// <summary>A state that has a transaction's facts already, with what else the transaction says.</summary>
    public static MeshState Remember(MeshState state, Transaction transaction)
    {
        return state with
        {
            Position = transaction.Position,
            At = transaction.At,
            LastOf = LastOf(state, transaction),
            Replies = state.Replies.After(transaction.Position.Number, transaction.At, transaction.Keys.Where(k => !ReplyMemory.IsNodes(k.Key))),
            NodeReplies = state.NodeReplies.After(transaction.Position.Number, transaction.At, transaction.Keys.Where(k => ReplyMemory.IsNodes(k.Key))),
        };
    }

    private static ImmutableArray<LogPosition> LastOf(MeshState state, Transaction transaction)
    {
        if (transaction.Buckets.Count == 0) return state.LastOf;
        var lastOf = state.LastOf.ToBuilder();
        foreach (var (bucket, position) in transaction.Buckets) lastOf[bucket] = position;
        return lastOf.MoveToImmutable();
    }
}
