using MeshDns.Actors.Log;
using Npgsql;

namespace MeshDns.Actors.Store;

/// <summary>The log that the owners of a cluster share.</summary>
internal sealed class PostgresLogStore : ILogStore
{
    private const string NowMs = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint";

    private const string Row = "SELECT sequence_number, manifest, tags, message FROM meshdns.journal";

    private const string EndSql = $"""
        SELECT coalesce(e.sequence_number, 0), coalesce(substr(e.manifest, 1, 16), '{LogPosition.NoTerm}'), {NowMs} FROM (SELECT) one
        LEFT JOIN (SELECT sequence_number, manifest FROM meshdns.journal WHERE persistence_id = 'mesh' ORDER BY sequence_number DESC LIMIT 1) e ON true
        """;

    private PostgresLogStore(PostgresSessions sessions, string clusterId, bool hasStandby) => (Sessions, ClusterId, HasStandby) = (sessions, clusterId, hasStandby);

    /// <inheritdoc/>
    public string ClusterId { get; }

    /// <summary>True when a standby has to confirm what counts.</summary>
    public bool HasStandby { get; }

    /// <summary>The connections, for what else of the database a node uses: its row among the nodes, the lease.</summary>
    public PostgresSessions Sessions { get; }

    /// <summary>Connects, makes the tables if they are missing, and checks them.</summary>
    public static async Task<PostgresLogStore> OpenAsync(PostgresJournalOptions options, ActorLog log, CancellationToken cancel)
    {
        var sessions = new PostgresSessions(options, log);
        try
        {
            var id = await sessions.RunAsync(sessions.Reads, async (connection, token) => (string)(await connection.ScalarAsync("SELECT id FROM meshdns.cluster", token))!, cancel);
            return new PostgresLogStore(sessions, id, options.HasSeveralHosts && !options.AllowDataLoss);
        }
        catch
        {
            await sessions.DisposeAsync();
            throw;
        }
    }

    /// <inheritdoc/>
    public Task<LogEnd> LookAsync(CancellationToken cancel) => LookingAsync(isConfirmed: true, async (connection, token) =>
    {
        await using var command = connection.Command(EndSql);
        return (await command.ReadAllAsync(r => new LogEnd(new LogPosition(r.GetInt64(0), r.GetString(1)), r.GetInt64(2)), token))[0];
    }, cancel);

    /// <inheritdoc/>
    public Task<LogSlice> ReadAsync(LogPosition after, bool isConfirmed, CancellationToken cancel) => LookingAsync(isConfirmed, async (connection, token) =>
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.Then("SELECT " + NowMs).Then(Row + " WHERE persistence_id = 'mesh' AND sequence_number >= $1 ORDER BY sequence_number LIMIT $2", after.Number, LogSlice.MostRows + 2);
        await using var reader = await batch.ExecuteReaderAsync(token);
        await reader.ReadAsync(token);
        var now = reader.GetInt64(0);
        await reader.NextResultAsync(token);
        return await LogTable.SliceAsync(reader, after, now, token);
    }, cancel);

    /// <inheritdoc/>
    public Task<IReadOnlyList<LogRow>?> ReadTaggedAsync(string tag, long after, LogPosition upTo, CancellationToken cancel) => Sessions.RunAsync(Sessions.Reads, async (connection, token) =>
    {
        // The row that is looked for and those of the tag, in one statement; the first column of each is its number, so that they are told apart.
        const string sql = $"""
            (SELECT -1::bigint, '', '', ''::bytea FROM meshdns.journal WHERE persistence_id = 'mesh' AND sequence_number = $3 AND substr(manifest, 1, 16) = $4)
            UNION ALL ({Row} WHERE tags = $1 AND sequence_number > $2 AND sequence_number <= $3 ORDER BY sequence_number)
            """;
        await using var command = connection.Command(sql, LogTable.TagColumn(tag), after, upTo.Number, upTo.Term);
        await using var reader = await command.ExecuteReaderAsync(token);
        var (rows, has) = (new List<LogRow>(), upTo == LogPosition.Start);
        while (await reader.ReadAsync(token))
            if (reader.GetInt64(0) < 0) has = true;
            else rows.Add(LogTable.Read(reader));
        rows.Sort((a, b) => a.Number.CompareTo(b.Number));
        return has ? (IReadOnlyList<LogRow>?)rows : null;
    }, cancel);

    /// <inheritdoc/>
    public Task SaveImageAsync(MeshImage image, CancellationToken cancel) => Sessions.RunAsync(Sessions.Bulk, async (connection, token) =>
    {
        await using var transaction = await connection.BeginTransactionAsync(token);
        await connection.ExecuteAsync("SET LOCAL synchronous_commit = off", token);
        await connection.ExecuteAsync("INSERT INTO meshdns.image VALUES ($1, $2, $3, NULL) ON CONFLICT (number, term) DO UPDATE SET digest = excluded.digest, \"row\" = NULL", token, image.Position.Number, image.Position.Term, image.Digest);
        foreach (var (name, part) in image.Parts)
            await connection.ExecuteAsync("INSERT INTO meshdns.image_part VALUES ($1, $2, $3, $4) ON CONFLICT (number, term, name) DO UPDATE SET bytes = excluded.bytes", token, image.Position.Number, image.Position.Term, name, part.Stored);
        await transaction.CommitAsync(token);
        return true;
    }, cancel);

    /// <inheritdoc/>
    public Task VouchAsync(LogPosition image, long row, CancellationToken cancel) => Sessions.RunAsync(Sessions.Bulk, async (connection, token) =>
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.Then(PostgresCalls.NotDurable)
            .Then("UPDATE meshdns.image SET \"row\" = $3 WHERE number = $1 AND term = $2", image.Number, image.Term, row)
            .Then("DELETE FROM meshdns.image WHERE number < (SELECT min(number) FROM (SELECT number FROM meshdns.image WHERE \"row\" IS NOT NULL ORDER BY number DESC LIMIT 2) kept)")
            // A young table's statistics make plans that read it whole; replay is three times slower with them.
            .Then("ANALYZE meshdns.journal");
        await batch.ExecuteNonQueryAsync(token);
        return true;
    }, cancel);

    /// <inheritdoc/>
    public Task<MeshImage?> FindImageAsync(long atMost, IReadOnlyCollection<string>? parts, CancellationToken cancel) => Sessions.RunAsync(Sessions.Reads, async (connection, token) =>
    {
        await using var candidates = connection.Command("""
            SELECT j.sequence_number, j.manifest, j.tags, j.message, i.number, i.term, i.digest
            FROM meshdns.image i JOIN meshdns.journal j ON j.persistence_id = 'mesh' AND j.sequence_number = i."row" WHERE i.number <= $1 ORDER BY i.number DESC
            """, atMost);
        var found = await candidates.ReadAllAsync(r => (Row: LogTable.Read(r), Image: new LogPosition(r.GetInt64(4), r.GetString(5)), Digest: r.GetString(6)), token);
        foreach (var (row, image, digest) in found)
        {
            if (!MeshImage.IsVouchedForBy(row, image, digest)) continue;
            await using var command = connection.Command("SELECT name, bytes FROM meshdns.image_part WHERE number = $1 AND term = $2 AND ($3 OR name = ANY ($4))", image.Number, image.Term, parts is null, parts?.ToArray() ?? []);
            return new MeshImage(image, (await command.ReadAllAsync(r => (r.GetString(0), r.GetFieldValue<byte[]>(1)), token)).ToDictionary(p => p.Item1, p => PackedBytes.OfStored(p.Item2)));
        }
        return null;
    }, cancel);

    /// <inheritdoc/>
    public async Task CutAsync(long below, CancellationToken cancel)
    {
        while (await Sessions.RunAsync(Sessions.Bulk, (connection, token) => connection.ExecuteAsync("""
            DELETE FROM meshdns.journal WHERE ordering = ANY (ARRAY(SELECT ordering FROM meshdns.journal WHERE persistence_id = 'mesh' AND sequence_number < $1 ORDER BY sequence_number LIMIT 2000))
            """, token, below), cancel) > 0)
        {
            // The next piece.
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => Sessions.DisposeAsync();

    // Where a standby has to confirm commits, a look that counts is one: an old primary that is cut off cannot commit.
    private Task<T> LookingAsync<T>(bool isConfirmed, Func<NpgsqlConnection, CancellationToken, Task<T>> read, CancellationToken cancel) => !isConfirmed || !HasStandby
        ? Sessions.RunAsync(Sessions.Reads, read, cancel)
        : Sessions.RunAsync(Sessions.Writes, async (connection, token) =>
        {
            await using var transaction = await connection.BeginTransactionAsync(token);
            using var warning = new PostgresWarning(connection);
            await connection.ExecuteAsync("UPDATE meshdns.look SET looks = looks + 1", token);
            var seen = await read(connection, token);
            await transaction.CommitAsync(token);
            // A wait for the standby that was cut short is told as a warning of a success.
            return warning.Text is { } text ? throw new StoreUnavailableException("the database warned of a look: " + text) : seen;
        }, cancel);
}

/// <summary>
/// Hears the warnings of a session. A wait for a synchronous standby that is cancelled ends in a commit that only this server has, and the one sign of
/// it is a warning, in the server's language: so any warning counts.
/// </summary>
internal sealed class PostgresWarning : IDisposable
{
    private readonly NpgsqlConnection _connection;

    public PostgresWarning(NpgsqlConnection connection)
    {
        _connection = connection;
        connection.Notice += Hear;
    }

    /// <summary>What the server warned of; null for nothing.</summary>
    public string? Text { get; private set; }

    public void Dispose() => _connection.Notice -= Hear;

    private void Hear(object sender, NpgsqlNoticeEventArgs heard)
    {
        if (heard.Notice.InvariantSeverity == "WARNING") Text = heard.Notice.MessageText;
    }
}
