using MeshDns.Contracts.Events;

namespace MeshDns.Actors.Log;

/// <summary>What is to be appended: facts in the order in which they were decided, and what is to be remembered.</summary>
internal sealed record TransactionDraft(long At, string By, IReadOnlyList<MeshEvent> Facts, IReadOnlyList<RememberedKey> Keys);

/// <summary>A transaction as rows, and as a reader will put them together again.</summary>
internal sealed record WrittenTransaction(IReadOnlyList<LogRow> Rows, Transaction Whole);

/// <summary>Lays a transaction out in rows: those of buckets first, each at most <see cref="LogRow.MaxBytes"/>, then large replies, then the closing row.</summary>
internal sealed class TransactionWriter(Buckets buckets)
{
    // Deflate makes nothing larger by more than a few bytes in 16 kB, so that what is below this fits a row whatever it is.
    private const int PartBytes = 240 * 1024;

    /// <summary>A reply of at most so many packed bytes stands in the closing row.</summary>
    public const int MaxInlineReply = 4096;

    private const int ReplyPartBytes = 160 * 1024;

    /// <summary>Lays a draft out after a place in the log. Null when a fact is too large for a row.</summary>
    /// <param name="draft">What is to be appended.</param>
    /// <param name="after">The end of the log.</param>
    /// <param name="term">The writer's term.</param>
    /// <param name="lastOf">The last row of a bucket; <see cref="LogPosition.Start"/> for none.</param>
    public WrittenTransaction? Write(TransactionDraft draft, LogPosition after, string term, Func<int, LogPosition> lastOf)
    {
        var parts = new SortedDictionary<int, List<List<PlacedFact>>>();
        var loose = new List<PlacedFact>();
        Sort(draft.Facts, parts, loose);
        var large = draft.Keys.Where(k => k.Reply.Length > MaxInlineReply).ToArray();
        var count = parts.Values.Sum(p => p.Count) + large.Sum(k => Chunks(k.Reply).Count());
        var closing = after.Number + count + 1;
        var rows = new List<LogRow>(count + 1);
        foreach (var (bucket, lists) in parts)
        {
            var before = lastOf(bucket);
            foreach (var facts in lists)
            {
                Add(RowKind.Facts, buckets.TagOf(bucket), new BucketFacts(closing, before, facts));
                before = rows[^1].Position;
            }
        }
        foreach (var key in large)
            foreach (var chunk in Chunks(key.Reply)) Add(RowKind.Reply, LogRow.MeshTag, new ReplyPart(closing, key.Key, chunk));
        Add(RowKind.Closing, LogRow.MeshTag, new Closing
        {
            First = after.Number + 1,
            Count = draft.Facts.Count,
            At = draft.At,
            By = draft.By,
            Facts = loose,
            Keys = [.. draft.Keys.Select(k => new ClosingKey(k.Key, k.Digest, k.Reply.Length > MaxInlineReply ? null : k.Reply))],
            Buckets = [.. parts.Keys],
        });
        return rows.All(r => r.Payload.Length <= LogRow.MaxBytes) ? new WrittenTransaction(rows, Whole()) : null;

        Transaction Whole() => new()
        {
            Position = rows[^1].Position,
            Before = after,
            At = draft.At,
            By = draft.By,
            Facts = draft.Facts,
            Keys = draft.Keys,
            Buckets = parts.Keys.ToDictionary(bucket => bucket, bucket => rows.Last(r => r.Tag == buckets.TagOf(bucket)).Position),
        };

        void Add(RowKind kind, string tag, RowContent content) =>
            rows.Add(new LogRow(after.Number + rows.Count + 1, kind, term, rows.Count == 0 ? after.Term : term, tag, RowCodec.Encode(content)));
    }

    // A fact about no host (a reservation) follows from the one before it and stands with it.
    private void Sort(IReadOnlyList<MeshEvent> facts, SortedDictionary<int, List<List<PlacedFact>>> parts, List<PlacedFact> loose)
    {
        int? last = null;
        var sizes = new Dictionary<int, int>();
        for (var i = 0; i < facts.Count; i++)
        {
            var bucket = facts[i] is LogFact ? null : last = buckets.Of(facts[i]) ?? last;
            if (bucket is not { } at)
            {
                loose.Add(new PlacedFact(i, facts[i]));
                continue;
            }
            var size = RowCodec.SizeOf(EventCodec.Encode(facts[i]));
            if (!parts.TryGetValue(at, out var lists)) parts.Add(at, lists = [[]]);
            sizes.TryGetValue(at, out var filled);
            if (filled > 0 && filled + size > PartBytes)
            {
                lists.Add([]);
                filled = 0;
            }
            lists[^1].Add(new PlacedFact(i, facts[i]));
            sizes[at] = filled + size;
        }
    }

    private static IEnumerable<byte[]> Chunks(byte[] reply) => reply.Chunk(ReplyPartBytes);
}
