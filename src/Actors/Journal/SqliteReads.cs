using MeshDns.Actors.Directory;
using Microsoft.Data.Sqlite;

namespace MeshDns.Actors.Journal;

/// <summary>Reads of streams; each caller holds a transaction, so that what it reads belongs together.</summary>
internal static class SqliteReads
{
    /// <summary>The snapshot of a stream and the rows after it.</summary>
    public static StreamHistory History(SqliteConnection connection, string stream, bool fromStart)
    {
        var (payload, position) = fromStart ? default : Snapshot(connection, stream);
        return new StreamHistory(payload, position.Seq, Rows(connection, stream, position.Seq));
    }

    /// <summary>
    /// What is new in a stream for a reader at a position; null when nothing is. A file never rewinds under a running process, so only
    /// the first read of a process (<paramref name="verify"/>) checks positions of streams that have not moved.
    /// </summary>
    public static StreamFeed? Feed(SqliteConnection connection, OwnershipRow head, StreamPosition from, bool verify)
    {
        if (head.Seq == from.Seq && (head.Seq == 0 || !verify)) return null;
        if (from.Seq > 0 && from.Seq <= head.Seq)
        {
            // The reader's own last row comes along: it shows that the journal still has that past.
            var rows = Rows(connection, head.Stream, from.Seq - 1);
            if (rows.Count > 0 && rows[0].Seq == from.Seq && rows[0].Term == from.Term && rows[0].Epoch == from.Epoch)
                return rows.Count == 1 ? null : new StreamFeed(head.Stream, false, null, default, rows[1..]);
        }
        var (payload, position) = Snapshot(connection, head.Stream);
        return new StreamFeed(head.Stream, true, payload, position, Rows(connection, head.Stream, position.Seq));
    }

    /// <summary>The rows of a stream after a seq.</summary>
    public static List<JournalRow> Rows(SqliteConnection connection, string stream, long after)
    {
        using var command = connection.Command("SELECT seq, term, epoch, kind, payload FROM event WHERE stream = $0 AND seq > $1 ORDER BY seq", stream, after);
        using var reader = command.ExecuteReader();
        var rows = new List<JournalRow>();
        while (reader.Read()) rows.Add(new JournalRow(reader.GetInt64(0), reader.GetString(1), reader.GetInt64(2), reader.GetString(3), reader.GetFieldValue<byte[]>(4)));
        return rows;
    }

    /// <summary>The stored snapshot of a stream and the position it stands for.</summary>
    public static (byte[]? Payload, StreamPosition Position) Snapshot(SqliteConnection connection, string stream)
    {
        using var command = connection.Command("SELECT payload, seq, term, epoch FROM snapshot WHERE stream = $0", stream);
        using var reader = command.ExecuteReader();
        return reader.Read()
            ? (reader.GetFieldValue<byte[]>(0), new StreamPosition(reader.GetString(2), reader.GetInt64(3), reader.GetInt64(1)))
            : (null, default);
    }
}
