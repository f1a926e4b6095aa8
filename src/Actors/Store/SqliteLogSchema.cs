using System.Globalization;
using Microsoft.Data.Sqlite;

namespace MeshDns.Actors.Store;

/// <summary>The log's tables in SQLite, and the guards that make it a log: a unique number, and a row that follows on the one before it.</summary>
internal static class SqliteLogSchema
{
    private const string Tables = $"""
        CREATE TABLE journal (
            ordering INTEGER PRIMARY KEY AUTOINCREMENT, created INTEGER NOT NULL, deleted INTEGER NOT NULL, persistence_id TEXT NOT NULL, sequence_number INTEGER NOT NULL,
            message BLOB NOT NULL, tags TEXT, manifest TEXT NOT NULL, identifier INTEGER, writer_uuid TEXT,
            CONSTRAINT journal_uq UNIQUE (persistence_id, sequence_number));
        CREATE INDEX journal_tag ON journal (tags, sequence_number);
        CREATE TRIGGER journal_chain BEFORE INSERT ON journal BEGIN
            SELECT RAISE(ABORT, '{LogTable.BrokenChain}') WHERE NEW.persistence_id <> '{LogTable.PersistenceId}' OR NOT CASE
                WHEN NEW.sequence_number = 1 THEN substr(NEW.manifest, 17, 16) = '0000000000000000' AND NOT EXISTS (SELECT 1 FROM journal)
                ELSE EXISTS (SELECT 1 FROM journal WHERE persistence_id = NEW.persistence_id AND sequence_number = NEW.sequence_number - 1 AND substr(manifest, 1, 16) = substr(NEW.manifest, 17, 16)) END;
        END;
        CREATE TABLE cluster (id TEXT NOT NULL, version INTEGER NOT NULL);
        """;

    /// <summary>Opens the file for writing, makes the tables in an empty one, and looks for the guards.</summary>
    /// <exception cref="StoreRefusedException">The file is another program's, an older engine's, a newer version's, or its guards are missing.</exception>
    public static SqliteConnection OpenForWriting(string file)
    {
        var connection = Open(file);
        try
        {
            // A commit must survive a power cut, not only a crash of the process: FULL syncs the log at every commit.
            connection.Execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 5000;");
            using var transaction = SqliteTransactionScope.Write(connection);
            if (!Has(connection, "table", "journal"))
            {
                if (Has(connection, "table", "ownership")) throw new StoreRefusedException(OlderEngine.Text(file));
                connection.Execute(Tables);
                connection.Execute(string.Create(CultureInfo.InvariantCulture, $"INSERT INTO cluster VALUES (lower(hex(randomblob(8))), {LogTable.Version})"));
            }
            Check(connection);
            transaction.Commit();
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>Throws unless this program may own the log.</summary>
    /// <exception cref="StoreRefusedException">It may not.</exception>
    public static void Check(SqliteConnection connection)
    {
        var version = connection.Scalar("SELECT version FROM cluster") as long? ?? 0;
        if (version != LogTable.Version) throw new StoreRefusedException($"the log's tables have version {version}; this program knows {LogTable.Version}");
        if (!Has(connection, "trigger", "journal_chain") || connection.Scalar("SELECT count(*) FROM pragma_index_list('journal') WHERE \"unique\" = 1") is not > 0L || !Has(connection, "index", "journal_tag"))
            throw new StoreRefusedException("the log's table lacks its unique key, its index or its trigger: without them two writers could both succeed. Restore them, or put the file back from a backup");
    }

    private static bool Has(SqliteConnection connection, string kind, string name) => connection.Scalar("SELECT 1 FROM sqlite_master WHERE type = $0 AND name = $1", kind, name) is not null;

    private static SqliteConnection Open(string file)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = file, Mode = SqliteOpenMode.ReadWriteCreate, Pooling = false, DefaultTimeout = 5 }.ToString());
        connection.Open();
        return connection;
    }
}
