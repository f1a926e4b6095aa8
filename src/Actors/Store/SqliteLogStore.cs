using MeshDns.Actors.Log;
using Microsoft.Data.Sqlite;

namespace MeshDns.Actors.Store;

/// <summary>
/// The log of a node that is alone: a file that nobody else writes. Reads have a connection and a thread of their own; images lie in a file beside it, so that megabytes never hold up an append.
/// </summary>
internal sealed class SqliteLogStore : ILogStore
{
    private readonly SqliteWorker _log;
    private readonly SqliteWorker _images;
    private readonly TimeProvider _time;

    private SqliteLogStore(SqliteWorker log, SqliteWorker images, string clusterId, TimeProvider time)
    {
        (_log, _images, ClusterId, _time) = (log, images, clusterId, time);
    }

    /// <inheritdoc/>
    public string ClusterId { get; }

    /// <summary>Opens the file, or makes it.</summary>
    /// <param name="file">The log's file; images go to the same name with <c>.images</c>.</param>
    /// <param name="time">Whose wall clock is the journal's.</param>
    /// <param name="cancel">Ends it.</param>
    public static async Task<SqliteLogStore> OpenAsync(string file, TimeProvider time, CancellationToken cancel)
    {
        var log = new SqliteWorker("log", () => SqliteLogSchema.OpenForWriting(file));
        var images = new SqliteWorker("images", () => OpenImages(file + ".images"));
        try
        {
            var id = await RunAsync(log, connection => (string)connection.Scalar("SELECT id FROM cluster")!, cancel);
            return new SqliteLogStore(log, images, id, time);
        }
        catch
        {
            await log.DisposeAsync();
            await images.DisposeAsync();
            throw;
        }
    }

    /// <inheritdoc/>
    public Task<LogEnd> LookAsync(CancellationToken cancel) => RunAsync(_log, connection => new LogEnd(EndOf(connection), NowMs()), cancel);

    /// <inheritdoc/>
    public Task<LogSlice> ReadAsync(LogPosition after, bool isConfirmed, CancellationToken cancel) => RunAsync(_log, connection =>
    {
        using var command = connection.Command("SELECT sequence_number, manifest, tags, message FROM journal WHERE persistence_id = 'mesh' AND sequence_number >= $0 ORDER BY sequence_number LIMIT $1", after.Number, LogSlice.MostRows + 2);
        using var reader = command.ExecuteReader();
        // Nothing of SQLite's driver is asynchronous.
        return LogTable.SliceAsync(reader, after, NowMs(), CancellationToken.None).GetAwaiter().GetResult();
    }, cancel);

    /// <inheritdoc/>
    public Task<IReadOnlyList<LogRow>?> ReadTaggedAsync(string tag, long after, LogPosition upTo, CancellationToken cancel) => RunAsync<IReadOnlyList<LogRow>?>(_log, connection =>
    {
        using var transaction = SqliteTransactionScope.Read(connection);
        return Has(connection, upTo) ? ReadTagged(connection, tag, after, upTo.Number) : null;
    }, cancel);

    /// <inheritdoc/>
    public Task SaveImageAsync(MeshImage image, CancellationToken cancel) => RunAsync(_images, connection =>
    {
        using var transaction = SqliteTransactionScope.Write(connection);
        connection.Execute("INSERT OR REPLACE INTO image VALUES ($0, $1, $2, NULL)", image.Position.Number, image.Position.Term, image.Digest);
        foreach (var (name, bytes) in image.Parts) connection.Execute("INSERT OR REPLACE INTO part VALUES ($0, $1, $2, $3)", image.Position.Number, image.Position.Term, name, bytes);
        transaction.Commit();
        return true;
    }, cancel);

    /// <inheritdoc/>
    public Task VouchAsync(LogPosition image, long row, CancellationToken cancel) => RunAsync(_images, connection =>
    {
        using var transaction = SqliteTransactionScope.Write(connection);
        connection.Execute("UPDATE image SET row = $2 WHERE number = $0 AND term = $1", image.Number, image.Term, row);
        connection.Execute("DELETE FROM image WHERE number < (SELECT min(number) FROM (SELECT number FROM image WHERE row IS NOT NULL ORDER BY number DESC LIMIT 2))");
        connection.Execute("DELETE FROM part WHERE NOT EXISTS (SELECT 1 FROM image WHERE image.number = part.number AND image.term = part.term)");
        transaction.Commit();
        return true;
    }, cancel);

    /// <inheritdoc/>
    public async Task<MeshImage?> FindImageAsync(long atMost, IReadOnlyCollection<string>? parts, CancellationToken cancel)
    {
        var candidates = await RunAsync(_images, connection => Candidates(connection, atMost), cancel);
        foreach (var (position, digest, row) in candidates)
        {
            if (!await RunAsync(_log, connection => Vouches(connection, row, position, digest), cancel)) continue;
            return await RunAsync(_images, connection => Load(connection, position, parts), cancel);
        }
        return null;
    }

    /// <inheritdoc/>
    public async Task CutAsync(long below, CancellationToken cancel)
    {
        while (await RunAsync(_log, connection => connection.Execute("DELETE FROM journal WHERE ordering IN (SELECT ordering FROM journal WHERE persistence_id = 'mesh' AND sequence_number < $0 ORDER BY sequence_number LIMIT 500)", below), cancel) > 0)
        {
            // The next piece: an append goes between two.
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _log.DisposeAsync();
        await _images.DisposeAsync();
    }

    private static Task<T> RunAsync<T>(SqliteWorker worker, Func<SqliteConnection, T> body, CancellationToken cancel) => worker.RunAsync(body, cancel);

    private static SqliteConnection OpenImages(string file)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = file, Pooling = false, DefaultTimeout = 5 }.ToString());
        connection.Open();
        // Rows that an image stands for may be cut away: it must be on the disk before they go.
        connection.Execute("""
            PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA auto_vacuum = INCREMENTAL;
            CREATE TABLE IF NOT EXISTS image (number INTEGER NOT NULL, term TEXT NOT NULL, digest TEXT NOT NULL, row INTEGER, PRIMARY KEY (number, term));
            CREATE TABLE IF NOT EXISTS part (number INTEGER NOT NULL, term TEXT NOT NULL, name TEXT NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (number, term, name));
            """);
        return connection;
    }

    private static LogPosition EndOf(SqliteConnection connection)
    {
        using var command = connection.Command("SELECT sequence_number, substr(manifest, 1, 16) FROM journal WHERE persistence_id = 'mesh' ORDER BY sequence_number DESC LIMIT 1");
        using var reader = command.ExecuteReader();
        return reader.Read() ? new LogPosition(reader.GetInt64(0), reader.GetString(1)) : LogPosition.Start;
    }

    private static bool Has(SqliteConnection connection, LogPosition position) => position == LogPosition.Start
        || connection.Scalar("SELECT 1 FROM journal WHERE persistence_id = 'mesh' AND sequence_number = $0 AND substr(manifest, 1, 16) = $1", position.Number, position.Term) is not null;

    private static List<LogRow> ReadTagged(SqliteConnection connection, string tag, long after, long upTo)
    {
        using var command = connection.Command("SELECT sequence_number, manifest, tags, message FROM journal WHERE tags = $0 AND sequence_number > $1 AND sequence_number <= $2 ORDER BY sequence_number", LogTable.TagColumn(tag), after, upTo);
        using var reader = command.ExecuteReader();
        var rows = new List<LogRow>();
        while (reader.Read()) rows.Add(LogTable.Read(reader));
        return rows;
    }

    private static List<(LogPosition Position, string Digest, long Row)> Candidates(SqliteConnection connection, long atMost)
    {
        using var command = connection.Command("SELECT number, term, digest, row FROM image WHERE row IS NOT NULL AND number <= $0 ORDER BY number DESC", atMost);
        using var reader = command.ExecuteReader();
        var found = new List<(LogPosition, string, long)>();
        while (reader.Read()) found.Add((new LogPosition(reader.GetInt64(0), reader.GetString(1)), reader.GetString(2), reader.GetInt64(3)));
        return found;
    }

    private static bool Vouches(SqliteConnection connection, long number, LogPosition image, string digest)
    {
        using var command = connection.Command("SELECT sequence_number, manifest, tags, message FROM journal WHERE persistence_id = 'mesh' AND sequence_number = $0", number);
        using var reader = command.ExecuteReader();
        return reader.Read() && MeshImage.IsVouchedForBy(LogTable.Read(reader), image, digest);
    }

    private static MeshImage Load(SqliteConnection connection, LogPosition position, IReadOnlyCollection<string>? names)
    {
        using var command = connection.Command("SELECT name, bytes FROM part WHERE number = $0 AND term = $1", position.Number, position.Term);
        using var reader = command.ExecuteReader();
        var parts = new Dictionary<string, byte[]>();
        while (reader.Read())
            if (names is null || names.Contains(reader.GetString(0))) parts.Add(reader.GetString(0), reader.GetFieldValue<byte[]>(1));
        return new MeshImage(position, parts);
    }

    private long NowMs() => _time.GetUtcNow().ToUnixTimeMilliseconds();
}
