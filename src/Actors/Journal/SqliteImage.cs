using MeshDns.Actors.Vips;
using Microsoft.Data.Sqlite;

namespace MeshDns.Actors.Journal;

/// <summary>Reads a whole journal file without writing to it; a running node is not disturbed.</summary>
public static class SqliteImage
{
    /// <summary>Reads the journal in a data directory.</summary>
    /// <exception cref="JournalUnavailableException">There is none, or it cannot be read.</exception>
    public static JournalImage Read(string dataDirectory)
    {
        var file = SqliteJournal.FileIn(dataDirectory);
        if (!File.Exists(file)) throw new JournalUnavailableException($"there is no journal at {file}");
        SQLitePCL.Batteries_V2.Init();
        try
        {
            using var connection = SqliteSchema.OpenForReading(file);
            using var transaction = SqliteTransactionScope.Read(connection);
            return Read(connection);
        }
        catch (SqliteException e) { throw new JournalUnavailableException($"the journal at {file} cannot be read: {e.Message}", e); }
    }

    private static JournalImage Read(SqliteConnection connection)
    {
        var owners = SqliteJournal.ReadOwnership(connection);
        var streams = owners.Select(owner =>
        {
            var (payload, position) = SqliteReads.Snapshot(connection, owner.Stream);
            return new StreamImage(owner, payload, position.Seq, SqliteReads.Rows(connection, owner.Stream, 0));
        });
        return new JournalImage(
            SqliteJournal.ReadSettings(connection),
            [.. streams],
            ReadAll(connection, "SELECT DISTINCT stream FROM event WHERE stream NOT IN (SELECT stream FROM ownership)", r => r.GetString(0)),
            ReadAll(connection, "SELECT idx, host, state FROM vip_lease ORDER BY idx", r => new VipLeaseRow(r.GetInt32(0), r.GetString(1), r.GetString(2))),
            ReadAll(connection, "SELECT address, host FROM vip_claim ORDER BY address, host", r => new VipClaimRow(r.GetString(0), r.GetString(1))));
    }

    private static List<T> ReadAll<T>(SqliteConnection connection, string sql, Func<SqliteDataReader, T> make)
    {
        using var command = connection.Command(sql);
        using var reader = command.ExecuteReader();
        var rows = new List<T>();
        while (reader.Read()) rows.Add(make(reader));
        return rows;
    }
}
