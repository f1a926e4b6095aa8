using MeshDns.Actors.Log;
using Microsoft.Data.Sqlite;

namespace MeshDns.Actors.Store;

/// <summary>
/// The log of a node that is alone: a file that nobody else writes. Reads have a connection and a thread of their own; images lie in a file beside it, so that megabytes never hold up an append.
/// </summary>
internal sealed class SqliteLogStore : ILogStore
{
    private const string Row = "SELECT sequence_number, manifest, tags, message FROM journal";
    private readonly SqliteWorker _log;
    private readonly SqliteWorker _images;
    private readonly TimeProvider _time;

    private SqliteLogStore(SqliteWorker log, SqliteWorker images, string clusterId, TimeProvider time) => (_log, _images, ClusterId, _time) = (log, images, clusterId, time);

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
            var id = await log.RunAsync(connection => (string)connection.Scalar("SELECT id FROM cluster")!, cancel);
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
    public Task<LogEnd> LookAsync(CancellationToken cancel) => _log.RunAsync(connection => new LogEnd(EndOf(connection), NowMs()), cancel);

    /// <inheritdoc/>
    public Task<LogSlice> ReadAsync(LogPosition after, bool isConfirmed, CancellationToken cancel) => _log.RunAsync(connection =>
    {
        using var command = connection.Command(Row + " WHERE persistence_id = 'mesh' AND sequence_number >= $0 ORDER BY sequence_number LIMIT $1", after.Number, LogSlice.MostRows + 2);
        using var reader = command.ExecuteReader();
        // Nothing of SQLite's driver is asynchronous.
        return LogTable.SliceAsync(reader, after, NowMs(), CancellationToken.None).GetAwaiter().GetResult();
    }, cancel);

    /// <inheritdoc/>
    public Task<IReadOnlyList<LogRow>?> ReadTaggedAsync(string tag, long after, LogPosition upTo, CancellationToken cancel) => _log.RunAsync<IReadOnlyList<LogRow>?>(connection =>
    {
        using var transaction = SqliteTransactionScope.Read(connection);
        return Has(connection, upTo) ? connection.ReadAll(LogTable.Read, Row + " WHERE tags = $0 AND sequence_number > $1 AND sequence_number <= $2 ORDER BY sequence_number", LogTable.TagColumn(tag), after, upTo.Number) : null;
    }, cancel);

    /// <inheritdoc/>
    public Task SaveImageAsync(MeshImage image, CancellationToken cancel) => _images.RunAsync(connection =>
    {
        using var transaction = SqliteTransactionScope.Write(connection);
        connection.Execute("INSERT OR REPLACE INTO image VALUES ($0, $1, $2, NULL)", image.Position.Number, image.Position.Term, image.Digest);
        foreach (var (name, part) in image.Parts) connection.Execute("INSERT OR REPLACE INTO part VALUES ($0, $1, $2, $3)", image.Position.Number, image.Position.Term, name, part.Stored);
        transaction.Commit();
        return true;
    }, cancel);

    /// <inheritdoc/>
    public Task VouchAsync(LogPosition image, long row, CancellationToken cancel) => _images.RunAsync(connection =>
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
        var candidates = await _images.RunAsync(connection => connection.ReadAll(r => (new LogPosition(r.GetInt64(0), r.GetString(1)), r.GetString(2), r.GetInt64(3)),
            "SELECT number, term, digest, row FROM image WHERE row IS NOT NULL AND number <= $0 ORDER BY number DESC", atMost), cancel);
        foreach (var (position, digest, row) in candidates)
        {
            if (!await _log.RunAsync(connection => Vouches(connection, row, position, digest), cancel)) continue;
            return await _images.RunAsync(connection => Load(connection, position, parts), cancel);
        }
        return null;
    }

    /// <inheritdoc/>
    public async Task CutAsync(long below, CancellationToken cancel)
    {
        while (await _log.RunAsync(connection => connection.Execute("DELETE FROM journal WHERE ordering IN (SELECT ordering FROM journal WHERE persistence_id = 'mesh' AND sequence_number < $0 ORDER BY sequence_number LIMIT 500)", below), cancel) > 0)
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

    private static LogPosition EndOf(SqliteConnection connection) =>
        connection.ReadAll(r => new LogPosition(r.GetInt64(0), r.GetString(1)), "SELECT sequence_number, substr(manifest, 1, 16) FROM journal WHERE persistence_id = 'mesh' ORDER BY sequence_number DESC LIMIT 1") is [var end] ? end : LogPosition.Start;

    private static bool Has(SqliteConnection connection, LogPosition position) => position == LogPosition.Start
        || connection.Scalar("SELECT 1 FROM journal WHERE persistence_id = 'mesh' AND sequence_number = $0 AND substr(manifest, 1, 16) = $1", position.Number, position.Term) is not null;

    private static bool Vouches(SqliteConnection connection, long number, LogPosition image, string digest) =>
        connection.ReadAll(LogTable.Read, Row + " WHERE persistence_id = 'mesh' AND sequence_number = $0", number) is [var row] && MeshImage.IsVouchedForBy(row, image, digest);

    private static MeshImage Load(SqliteConnection connection, LogPosition position, IReadOnlyCollection<string>? names)
    {
        using var command = connection.Command("SELECT name, bytes FROM part WHERE number = $0 AND term = $1", position.Number, position.Term);
        using var reader = command.ExecuteReader();
        var parts = new Dictionary<string, PackedBytes>();
        while (reader.Read())
            if (names is null || names.Contains(reader.GetString(0))) parts.Add(reader.GetString(0), PackedBytes.OfStored(reader.GetFieldValue<byte[]>(1)));
        return new MeshImage(position, parts);
    }

    private long NowMs() => _time.GetUtcNow().ToUnixTimeMilliseconds();
}
