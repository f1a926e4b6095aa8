using Microsoft.Data.Sqlite;

namespace MeshDns.Actors.Journal;

/// <summary>The tables of the journal. PostgreSQL has the same ones.</summary>
internal static class SqliteSchema
{
    private const long Version = 1;

    private const string Tables = """
        CREATE TABLE cluster_setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
        CREATE TABLE ownership (
            stream TEXT PRIMARY KEY, owner TEXT NOT NULL, incarnation TEXT NOT NULL, term TEXT NOT NULL,
            epoch INTEGER NOT NULL, seq INTEGER NOT NULL) WITHOUT ROWID;
        CREATE TABLE event (
            stream TEXT NOT NULL, seq INTEGER NOT NULL, term TEXT NOT NULL, epoch INTEGER NOT NULL,
            kind TEXT NOT NULL, payload BLOB NOT NULL, PRIMARY KEY (stream, seq)) WITHOUT ROWID;
        CREATE TABLE snapshot (
            stream TEXT PRIMARY KEY, seq INTEGER NOT NULL, term TEXT NOT NULL, epoch INTEGER NOT NULL,
            payload BLOB NOT NULL) WITHOUT ROWID;
        CREATE TABLE vip_lease (idx INTEGER PRIMARY KEY, host TEXT NOT NULL, state TEXT NOT NULL CHECK (state IN ('leased', 'quarantined', 'reserved')));
        CREATE UNIQUE INDEX vip_lease_host ON vip_lease (host) WHERE state = 'leased';
        CREATE TABLE vip_claim (address TEXT NOT NULL, host TEXT NOT NULL, PRIMARY KEY (address, host)) WITHOUT ROWID;
        CREATE TABLE remembered_reply (key TEXT PRIMARY KEY, request_hash TEXT NOT NULL, reply BLOB NOT NULL, at INTEGER NOT NULL);
        CREATE INDEX remembered_reply_at ON remembered_reply (at);
        """;

    /// <summary>Opens the file for writing, makes the tables if they are missing, and sets durability.</summary>
    /// <exception cref="JournalUnavailableException">A newer version wrote the file.</exception>
    public static SqliteConnection OpenForWriting(string file)
    {
        var connection = Open(file, SqliteOpenMode.ReadWriteCreate);
        // A commit must survive a power cut, not only a crash of the process: FULL syncs the log at every commit.
        connection.Execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;");
        using var transaction = SqliteTransactionScope.Write(connection);
        var version = (long)connection.Scalar("PRAGMA user_version")!;
        if (version > Version) throw new JournalUnavailableException($"the journal has schema version {version}; this program knows {Version} and is older");
        if (version == 0) connection.Execute(Tables + $"PRAGMA user_version = {Version};");
        transaction.Commit();
        return connection;
    }

    /// <summary>Opens the file for reading only.</summary>
    public static SqliteConnection OpenForReading(string file) => Open(file, SqliteOpenMode.ReadOnly);

    public static void Execute(this SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    public static object? Scalar(this SqliteConnection connection, string sql, params ReadOnlySpan<object> arguments)
    {
        using var command = connection.Command(sql, arguments);
        return command.ExecuteScalar();
    }

    /// <summary>A prepared command with parameters $0, $1, ... set to the arguments.</summary>
    public static SqliteCommand Command(this SqliteConnection connection, string sql, params ReadOnlySpan<object> arguments)
    {
        var command = connection.CreateCommand();
        command.CommandText = sql;
        for (var i = 0; i < arguments.Length; i++) command.Parameters.AddWithValue("$" + i.ToString(System.Globalization.CultureInfo.InvariantCulture), arguments[i]);
        return command;
    }

    /// <summary>Runs a command again with other arguments; returns the number of rows it changed.</summary>
    public static int Run(this SqliteCommand command, params ReadOnlySpan<object> arguments)
    {
        for (var i = 0; i < arguments.Length; i++) command.Parameters[i].Value = arguments[i];
        return command.ExecuteNonQuery();
    }

    private static SqliteConnection Open(string file, SqliteOpenMode mode)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = file, Mode = mode, Pooling = false, DefaultTimeout = 5 }.ToString());
        connection.Open();
        return connection;
    }
}
