using MeshDns.Actors.Directory;
using Npgsql;

namespace MeshDns.Actors.Journal;

/// <summary>Reads of streams. Each is one statement, so that all it reads is of one database snapshot.</summary>
internal static class PostgresReads
{
    // The kinds of rows that the statements below give.
    private const int Clock = 0, Head = 1;

    // Streams are looked up one by one by their keys: with nothing new it is as many look-ups as there are streams, and one row comes back.
    // A position that is not in the event table begins anew, wherever the stream's end is.
    private const string FeedSql = """
        WITH news AS MATERIALIZED (
            SELECT p.stream, p.seq, e.seq IS NOT NULL AS known
            FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[]) AS p (stream, term, epoch, seq)
            LEFT JOIN meshdns.ownership o ON o.stream = p.stream
            LEFT JOIN LATERAL (
                SELECT x.seq FROM meshdns.event x WHERE x.stream = p.stream AND x.seq = p.seq AND x.term = p.term AND x.epoch = p.epoch LIMIT 1) e ON true
            WHERE e.seq IS NULL OR o.seq > p.seq
            UNION ALL
            SELECT o.stream, 0, false FROM meshdns.ownership o WHERE o.seq > 0 AND o.stream <> ALL ($1)),
        head AS MATERIALIZED (
            SELECT n.stream, n.known, CASE WHEN n.known THEN n.seq ELSE coalesce(s.seq, 0) END AS seq, s.term, s.epoch, s.payload
            FROM news n LEFT JOIN meshdns.snapshot s ON NOT n.known AND s.stream = n.stream)
        SELECT 0, NULL, NULL, meshdns.now_ms(), NULL, NULL, NULL, NULL
        UNION ALL
        SELECT 1, stream, known, seq, term, epoch, NULL, payload FROM head
        UNION ALL
        SELECT 2, x.stream, NULL, x.seq, x.term, x.epoch, x.kind, x.payload FROM head h
        CROSS JOIN LATERAL (SELECT * FROM meshdns.event e WHERE e.stream = h.stream AND e.seq > h.seq ORDER BY e.seq) x
        """;

    private const string HistorySql = """
        WITH head AS MATERIALIZED (SELECT stream, seq, term, epoch, payload FROM meshdns.snapshot WHERE stream = $1 AND NOT $2)
        SELECT 1, stream, false, seq, term, epoch, NULL, payload FROM head
        UNION ALL
        SELECT 2, stream, NULL, seq, term, epoch, kind, payload FROM meshdns.event WHERE stream = $1 AND seq > coalesce((SELECT seq FROM head), 0)
        """;

    /// <summary>The ownership table.</summary>
    public static async Task<List<OwnershipRow>> OwnershipAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        await using var command = connection.Command("SELECT stream, owner, incarnation, term, epoch, seq FROM meshdns.ownership ORDER BY stream");
        return await command.ReadAllAsync(r => new OwnershipRow(r.GetString(0), r.GetString(1), r.GetString(2), r.GetString(3), r.GetInt64(4), r.GetInt64(5)), cancel);
    }

    /// <summary>The snapshot of a stream and the rows after it.</summary>
    public static async Task<StreamHistory> HistoryAsync(NpgsqlConnection connection, string stream, bool fromStart, CancellationToken cancel)
    {
        await using var command = connection.Command(HistorySql, stream, fromStart);
        var (_, found) = await ReadAsync(command, cancel);
        var (head, rows) = found.GetValueOrDefault(stream);
        return new StreamHistory(head?.Snapshot, head?.SnapshotPosition.Seq ?? 0, rows ?? []);
    }

    /// <summary>What is new for a reader.</summary>
    public static async Task<FeedRead> FeedAsync(NpgsqlConnection connection, IReadOnlyDictionary<string, StreamPosition> from, CancellationToken cancel)
    {
        var read = from.Where(p => p.Value.Seq > 0).ToArray();
        await using var command = connection.Command(FeedSql,
            read.Select(p => p.Key).ToArray(), read.Select(p => p.Value.Term).ToArray(), read.Select(p => p.Value.Epoch).ToArray(), read.Select(p => p.Value.Seq).ToArray());
        var (now, found) = await ReadAsync(command, cancel);
        // A head without a row: the stream moved, or its past is gone, or it has nothing but a snapshot.
        return new FeedRead([.. found.Values.Select(f => f.Head! with { Rows = f.Rows })], now);
    }

    private static async Task<(long Now, SortedDictionary<string, (StreamFeed? Head, List<JournalRow> Rows)> Found)> ReadAsync(NpgsqlCommand command, CancellationToken cancel)
    {
        var now = 0L;
        var found = new SortedDictionary<string, (StreamFeed? Head, List<JournalRow> Rows)>(StringComparer.Ordinal);
        await using var reader = await command.ExecuteReaderAsync(cancel);
        while (await reader.ReadAsync(cancel))
        {
            var what = reader.GetInt32(0);
            if (what == Clock) { now = reader.GetInt64(3); continue; }
            var stream = reader.GetString(1);
            if (!found.TryGetValue(stream, out var entry)) entry = (null, []);
            if (what == Head) entry.Head = HeadOf(reader, stream);
            else entry.Rows.Add(new JournalRow(reader.GetInt64(3), reader.GetString(4), reader.GetInt64(5), reader.GetString(6), reader.GetFieldValue<byte[]>(7)));
            found[stream] = entry;
        }
        // They come in order; but nothing in SQL promises it for the parts of a union.
        foreach (var (_, rows) in found.Values) rows.Sort((x, y) => x.Seq.CompareTo(y.Seq));
        return (now, found);
    }

    private static StreamFeed HeadOf(NpgsqlDataReader reader, string stream) => reader.IsDBNull(7)
        ? new StreamFeed(stream, !reader.GetBoolean(2), null, default, [])
        : new StreamFeed(stream, true, reader.GetFieldValue<byte[]>(7), new StreamPosition(reader.GetString(4), reader.GetInt64(5), reader.GetInt64(3)), []);
}
