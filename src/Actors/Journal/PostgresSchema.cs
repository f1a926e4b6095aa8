using System.Globalization;
using Npgsql;

namespace MeshDns.Actors.Journal;

/// <summary>Makes the tables and functions and brings older ones up to date; one node at a time does it, the others wait.</summary>
internal static class PostgresSchema
{
    // Each brings the schema from the version of its index to the next one. What has been released is never changed here.
    private static readonly string[] _migrations =
    [
        string.Concat(PostgresTables.Version1, PostgresFunctions.Remember, PostgresFunctions.Guard, PostgresFunctions.Append, PostgresFunctions.ClaimStreams, PostgresFunctions.Join),
    ];

    // What an older program of the same version works on beside, and may be gone back to. In place it changes nothing.
    private static readonly string _addition = PostgresTables.Addition + PostgresFunctions.AppendForwarded;

    /// <summary>What this program knows.</summary>
    public static int Version => _migrations.Length;

    /// <summary>Brings the schema to this program's version.</summary>
    /// <exception cref="JournalRefusedException">A newer program has made it.</exception>
    public static async Task SettleAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        // A node that finds everything in place needs no right to make anything.
        if (await ReadVersionAsync(connection, cancel) == Version && await HasTableAsync(connection, PostgresTables.Forwarded, cancel)) return;
        await using var transaction = await connection.BeginTransactionAsync(cancel);
        await ExecuteAsync(connection, "SELECT pg_advisory_xact_lock(5210853, 1)", cancel);
        var version = await ReadVersionAsync(connection, cancel);
        if (version == 0)
            await ExecuteAsync(connection, "CREATE SCHEMA IF NOT EXISTS meshdns; CREATE TABLE IF NOT EXISTS meshdns.schema_version (version int NOT NULL)", cancel);
        foreach (var migration in _migrations.Skip(version)) await ExecuteAsync(connection, migration, cancel);
        await ExecuteAsync(connection, _addition, cancel);
        await ExecuteAsync(connection, string.Create(CultureInfo.InvariantCulture, $"DELETE FROM meshdns.schema_version; INSERT INTO meshdns.schema_version VALUES ({Version})"), cancel);
        await transaction.CommitAsync(cancel);
    }

    /// <summary>The version of the schema; 0 for none.</summary>
    /// <exception cref="JournalRefusedException">A newer program has made it.</exception>
    public static async Task<int> ReadVersionAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        if (!await HasTableAsync(connection, "schema_version", cancel)) return 0;
        var version = await ScalarAsync(connection, "SELECT max(version) FROM meshdns.schema_version", cancel) as int? ?? 0;
        if (version > Version) throw new JournalRefusedException(string.Create(CultureInfo.InvariantCulture, $"the journal has schema version {version}; this program knows {Version} and is older"));
        return version;
    }

    /// <summary>Throws when a failover could lose what was acknowledged.</summary>
    /// <exception cref="JournalRefusedException">Commits wait for no standby.</exception>
    public static async Task RequireStandbyAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        if (string.IsNullOrWhiteSpace(await ScalarAsync(connection, "SELECT current_setting('synchronous_standby_names')", cancel) as string))
            throw new JournalRefusedException(
                "several database hosts are configured, but the primary has no synchronous standby (synchronous_standby_names is empty): a failover could lose changes that were acknowledged. Set it, or accept the loss with journal.allow-data-loss = true");
    }

    // Not to_regclass: what it remembers of a name that was missing outlives the wait for the lock.
    private static async Task<bool> HasTableAsync(NpgsqlConnection connection, string table, CancellationToken cancel) =>
        await ScalarAsync(connection, $"SELECT EXISTS (SELECT FROM pg_catalog.pg_tables WHERE schemaname = 'meshdns' AND tablename = '{table}')", cancel) is true;

    private static async Task<object?> ScalarAsync(NpgsqlConnection connection, string sql, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync(cancel);
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(cancel);
    }
}
