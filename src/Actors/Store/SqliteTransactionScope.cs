using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace MeshDns.Actors.Store;

/// <summary>
/// A transaction that is rolled back unless it was committed. A commit that fails on a full disk makes SQLite roll back by itself. The driver's own
/// transaction does not notice that: it fails to roll back once more, hides the first error behind that, and keeps its connection unusable for ever. This
/// one asks SQLite first.
/// </summary>
internal sealed class SqliteTransactionScope : IDisposable
{
    private readonly SqliteConnection _connection;

    private SqliteTransactionScope(SqliteConnection connection, string begin)
    {
        _connection = connection;
        connection.Execute(begin);
    }

    /// <summary>Takes the write lock at once, so that the transaction cannot fail for it later.</summary>
    public static SqliteTransactionScope Write(SqliteConnection connection) => new(connection, "BEGIN IMMEDIATE");

    /// <summary>One snapshot of the database from the first read on.</summary>
    public static SqliteTransactionScope Read(SqliteConnection connection) => new(connection, "BEGIN");

    /// <exception cref="SqliteException">Nothing is known to be written.</exception>
    public void Commit() => _connection.Execute("COMMIT");

    public void Dispose()
    {
        if (raw.sqlite3_get_autocommit(_connection.Handle) == 0) _connection.Execute("ROLLBACK");
    }
}
