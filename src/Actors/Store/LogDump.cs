using System.Data;
using System.Data.Common;
using System.Text.Json;
using System.Text.Json.Serialization;
using MeshDns.Actors.Log;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace MeshDns.Actors.Store;

/// <summary>
/// A store, read whole and read-only, as it is at one moment; nodes that run on it are not disturbed. What can never change in a log (ranges, buckets) stands in its rows.
/// </summary>
/// <param name="ClusterId">Drawn when the tables were made.</param>
/// <param name="Rows">All that are there, in order; the first has another number than 1 where rows were cut away.</param>
/// <param name="Images">All that are kept, also those that nobody vouches for yet.</param>
internal sealed record LogDump(string ClusterId, IReadOnlyList<LogRow> Rows, IReadOnlyList<KeptImage> Images)
{
    private const string RowsSql = "SELECT sequence_number, manifest, tags, message FROM {0}journal WHERE persistence_id = 'mesh' ORDER BY sequence_number";
    private const string ImagesSql = "SELECT i.number, i.term, i.digest, i.\"row\", p.name, p.bytes FROM {0}image i JOIN {0}{1} p ON p.number = i.number AND p.term = i.term ORDER BY i.number, i.term, p.name";

    // This is no node, and nothing waits for it; it bounds how long a database may keep silent.
    private const int SilenceSeconds = 120;

    /// <summary>Reads the log of a node that is alone.</summary>
    /// <param name="journalFile">Its file; images are in the one of the same name with <c>.images</c>, if it is there.</param>
    /// <param name="cancel">Ends it.</param>
    /// <exception cref="StoreRefusedException">It is another program's or another version's.</exception>
    /// <exception cref="StoreUnavailableException">It is not there, or cannot be read.</exception>
    public static async Task<LogDump> ReadSqliteAsync(string journalFile, CancellationToken cancel)
    {
        if (!File.Exists(journalFile)) throw new StoreUnavailableException($"there is no log at {journalFile}");
        SQLitePCL.Batteries_V2.Init();
        try
        {
            // Images first: the rows that vouch for them, and that they stand for, are there then.
            var images = await ReadImagesAsync(journalFile + ".images", cancel);
            await using var connection = await OpenAsync(journalFile, cancel);
            await using var transaction = connection.BeginTransaction(deferred: true);
            await CheckAsync(connection, journalFile, "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = '{0}'", "", cancel);
            return new LogDump(await ClusterAsync(connection, "", cancel), await ReadAllAsync(connection, Sql(RowsSql, ""), LogTable.Read, cancel), images);
        }
        catch (SqliteException e) { throw new StoreUnavailableException($"the log at {journalFile} cannot be read: {e.Message}", e); }
    }

    /// <summary>Reads the log that the owners of a cluster share.</summary>
    /// <param name="connectionString">Npgsql's; of several hosts the primary is read.</param>
    /// <param name="cancel">Ends it.</param>
    /// <exception cref="StoreRefusedException">It is another program's or another version's.</exception>
    /// <exception cref="StoreUnavailableException">It is not there, or cannot be read.</exception>
    public static async Task<LogDump> ReadPostgresAsync(string connectionString, CancellationToken cancel)
    {
        await using var source = Source(connectionString);
        try
        {
            await using var connection = await source.OpenConnectionAsync(cancel);
            await using var transaction = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancel);
            await ScalarAsync(connection, "SET TRANSACTION READ ONLY", cancel);
            var what = $"the database {connection.Database}";
            await CheckAsync(connection, what, "SELECT 1 FROM pg_catalog.pg_tables WHERE schemaname = 'meshdns' AND tablename = '{0}'", "meshdns.", cancel);
            var rows = await ReadAllAsync(connection, Sql(RowsSql, "meshdns."), LogTable.Read, cancel);
            return new LogDump(await ClusterAsync(connection, "meshdns.", cancel), rows, await ImagesAsync(connection, Sql(ImagesSql, "meshdns.", "image_part"), cancel));
        }
        catch (Exception e) when (e is DbException or TimeoutException or IOException or InvalidOperationException)
        {
            throw new StoreUnavailableException("the log cannot be read: " + e.Message, e);
        }
    }

    /// <summary>Writes it as JSON, so that it can be looked at again when the store is gone.</summary>
    public void WriteTo(Stream file) => JsonSerializer.Serialize(file, DumpShape.Of(this), DumpJson.Default.DumpShape);

    /// <summary>Reads what <see cref="WriteTo"/> wrote.</summary>
    /// <exception cref="FormatException">It is not such a file.</exception>
    public static LogDump ReadFrom(Stream file)
    {
        try { return (JsonSerializer.Deserialize(file, DumpJson.Default.DumpShape) ?? throw new JsonException("it is null")).Read(); }
        catch (JsonException e) { throw new FormatException($"the dump of a log cannot be read: {e.Message}", e); }
    }

    private static async Task<IReadOnlyList<KeptImage>> ReadImagesAsync(string file, CancellationToken cancel)
    {
        if (!File.Exists(file)) return [];
        await using var connection = await OpenAsync(file, cancel);
        await using var transaction = connection.BeginTransaction(deferred: true);
        // A node that has just begun has made the file and not yet its tables.
        return await ScalarAsync(connection, "SELECT 1 FROM sqlite_master WHERE name = 'part'", cancel) is null ? [] : await ImagesAsync(connection, Sql(ImagesSql, "", "part"), cancel);
    }

    private static async Task<SqliteConnection> OpenAsync(string file, CancellationToken cancel)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = file, Mode = SqliteOpenMode.ReadOnly, Pooling = false, DefaultTimeout = 5 }.ToString());
        await connection.OpenAsync(cancel);
        return connection;
    }

    private static NpgsqlDataSource Source(string connectionString)
    {
        var options = new PostgresJournalOptions(connectionString, TimeSpan.Zero, AllowDataLoss: true);
        var settings = options.Parsed();
        (settings.Pooling, settings.CommandTimeout) = (false, SilenceSeconds);
        return PostgresSessions.Source(settings, options.HasSeveralHosts);
    }

    private static async Task CheckAsync(DbConnection connection, string what, string hasTable, string schema, CancellationToken cancel)
    {
        if (await ScalarAsync(connection, Sql(hasTable, "journal"), cancel) is null)
            throw await ScalarAsync(connection, Sql(hasTable, "ownership"), cancel) is null ? new StoreUnavailableException($"there is no log in {what}") : new StoreRefusedException(OlderEngine.Text(what));
        var version = Convert.ToInt64(await ScalarAsync(connection, Sql("SELECT version FROM {0}cluster", schema), cancel) ?? 0, System.Globalization.CultureInfo.InvariantCulture);
        if (version != LogTable.Version) throw new StoreRefusedException($"the log's tables have version {version}; this program knows {LogTable.Version}");
    }

    private static async Task<string> ClusterAsync(DbConnection connection, string schema, CancellationToken cancel) => await ScalarAsync(connection, Sql("SELECT id FROM {0}cluster", schema), cancel) as string ?? "";

    private static async Task<IReadOnlyList<KeptImage>> ImagesAsync(DbConnection connection, string sql, CancellationToken cancel)
    {
        var parts = await ReadAllAsync(connection, sql, r => (
            Key: (Position: new LogPosition(r.GetInt64(0), r.GetString(1)), Digest: r.GetString(2), Row: r.IsDBNull(3) ? (long?)null : r.GetInt64(3)), Name: r.GetString(4), Bytes: r.GetFieldValue<byte[]>(5)), cancel);
        return [.. parts.GroupBy(p => p.Key).Select(g => new KeptImage(new MeshImage(g.Key.Position, g.ToDictionary(p => p.Name, p => PackedBytes.OfStored(p.Bytes))), g.Key.Digest, g.Key.Row))];
    }

    private static async Task<List<T>> ReadAllAsync<T>(DbConnection connection, string sql, Func<DbDataReader, T> make, CancellationToken cancel)
    {
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        await using var reader = await command.ExecuteReaderAsync(cancel);
        var all = new List<T>();
        while (await reader.ReadAsync(cancel)) all.Add(make(reader));
        return all;
    }

    private static async Task<object?> ScalarAsync(DbConnection connection, string sql, CancellationToken cancel)
    {
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        return await command.ExecuteScalarAsync(cancel);
    }

    private static string Sql(string format, params object[] names) => string.Format(System.Globalization.CultureInfo.InvariantCulture, format, names);
}

/// <summary>A dump as JSON.</summary>
internal sealed record DumpShape(string ClusterId, IReadOnlyList<DumpedRow> Rows, IReadOnlyList<DumpedImage> Images)
{
    public static DumpShape Of(LogDump dump) => new(
        dump.ClusterId,
        [.. dump.Rows.Select(r => new DumpedRow(r.Number, r.Manifest, r.Tag, r.Payload))],
        [.. dump.Images.Select(i => new DumpedImage(i.Image.Position.Number, i.Image.Position.Term, i.Digest, i.Row, i.Image.Parts.ToDictionary(p => p.Key, p => p.Value.Stored)))]);

    public LogDump Read() => new(
        ClusterId,
        [.. Rows.Select(r => LogRow.Of(r.Number, r.Manifest, r.Tag, r.Payload))],
        [.. Images.Select(i => new KeptImage(new MeshImage(new LogPosition(i.Number, i.Term), i.Parts.ToDictionary(p => p.Key, p => PackedBytes.OfStored(p.Value))), i.Digest, i.Row))]);
}

/// <summary>A row of a dump.</summary>
internal sealed record DumpedRow(long Number, string Manifest, string Tag, byte[] Payload);

/// <summary>An image of a dump.</summary>
internal sealed record DumpedImage(long Number, string Term, string Digest, long? Row, IReadOnlyDictionary<string, byte[]> Parts);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(DumpShape))]
internal sealed partial class DumpJson : JsonSerializerContext;
