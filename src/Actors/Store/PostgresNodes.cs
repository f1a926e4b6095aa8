using Npgsql;

namespace MeshDns.Actors.Store;

/// <summary>What the table says of a node.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Incarnation">Its actor system; empty while it has none.</param>
/// <param name="Address">Where its actor system listens; empty before it has one.</param>
/// <param name="Formation">The cluster that it is in, by the name that was drawn when that was formed; empty while it is in none.</param>
/// <param name="FormedAt">When that was, by the database's clock.</param>
/// <param name="IsAlive">True when it said so within a lease.</param>
/// <param name="IsRecent">True when it said so within the last hour.</param>
/// <param name="Report">What a node that is drained says of itself; empty of all others.</param>
/// <param name="Versions">What it works with.</param>
internal sealed record NodeRow(string Name, string Incarnation, string Address, string Formation, long FormedAt, bool IsAlive, bool IsRecent, string Report, OwnerVersions Versions);

/// <summary>The table of the cluster's nodes, and the row by which the split-brain resolver decides. They decide who meets and who goes, never who may write.</summary>
/// <param name="sessions">The database.</param>
/// <param name="name">The node's name.</param>
/// <param name="dataId">Of its data directory: tells the same node from another with its name.</param>
/// <param name="lease">A row that nobody has touched for so long is of a dead node.</param>
/// <param name="versions">What the node works with.</param>
internal sealed class PostgresNodes(PostgresSessions sessions, string name, string dataId, TimeSpan lease, OwnerVersions versions)
{
    private const string NowMs = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint";

    private const string ReadSql = $"""
        SELECT name, incarnation, address, formed_by, formed_at, seen_at > now_ms - $1, seen_at > now_ms - 3600000, report, speaks, understands, writes, reads FROM meshdns.node, (SELECT {NowMs} AS now_ms) clock
        """;

    private const string WriteSql = $"""
        INSERT INTO meshdns.node AS n VALUES ($1, $2, $3, $4, $7, $5, $6, {NowMs}, $8, $9, $10, $11)
        ON CONFLICT (name) DO UPDATE SET data_id = $2, incarnation = $3, address = $4, report = $7, formed_by = $5, formed_at = $6, seen_at = excluded.seen_at, speaks = $8, understands = $9, writes = $10, reads = $11
        """;

    // Who takes it takes the rows of those away that it decides over. Whoever was paused meanwhile, and takes the others for dead when it comes back, has none, so that it can't decide over them.
    private const string AcquireSql = """
        WITH taken AS (
            INSERT INTO meshdns.lease SELECT $1, $2, clock_timestamp() + $3 * interval '1 millisecond' WHERE EXISTS (SELECT FROM meshdns.node WHERE incarnation = $2)
            ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until WHERE lease.holder = excluded.holder OR lease.until < clock_timestamp()
            RETURNING name),
        gone AS (DELETE FROM meshdns.node WHERE incarnation = ANY($4) AND EXISTS (SELECT FROM taken))
        SELECT count(*) FROM taken
        """;

    /// <summary>All rows.</summary>
    public Task<List<NodeRow>> ReadAsync(CancellationToken cancel) => RunAsync(ReadAsync, cancel);

    /// <summary>Takes away the row that this very node left.</summary>
    public Task<int> LeaveAsync(CancellationToken cancel) => RunAsync((connection, token) => connection.ExecuteAsync("DELETE FROM meshdns.node WHERE name = $1 AND data_id = $2", token, name, dataId), cancel);

    /// <summary>Says where this node is and in which cluster; it is alive.</summary>
    public Task<int> WriteAsync(string incarnation, string address, string formation, long formedAt, CancellationToken cancel) => WriteAsync(incarnation, address, formation, formedAt, "", cancel);

    /// <summary>Says that this node is alive; false when its row is gone, because others have decided that this incarnation is over.</summary>
    public Task<bool> KeepAsync(string incarnation, CancellationToken cancel) => RunAsync(async (connection, token) =>
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.Then(PostgresCalls.NotDurable).Then($"UPDATE meshdns.node SET seen_at = {NowMs} WHERE incarnation = $1", incarnation);
        return await batch.ExecuteNonQueryAsync(token) > 0;
    }, cancel);

    /// <summary>Says how this node is, that is in no cluster because it was drained; it is alive.</summary>
    public Task<int> StayAsync(string report, CancellationToken cancel) => WriteAsync("", "", "", 0, report, cancel);

    private Task<int> WriteAsync(string incarnation, string address, string formation, long formedAt, string report, CancellationToken cancel) => RunAsync(async (connection, token) =>
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.Then(PostgresCalls.NotDurable).Then(WriteSql, [.. Values(incarnation, address, formation, formedAt, report)]);
        return await batch.ExecuteNonQueryAsync(token);
    }, cancel);

    /// <summary>Enters this node as the one that forms a cluster, under a lock; when that was, or null when somebody else is alive in one.</summary>
    public Task<long?> TryFormAsync(string incarnation, string address, string formation, CancellationToken cancel) => RunAsync<long?>(async (connection, token) =>
    {
        await using var transaction = await connection.BeginTransactionAsync(token);
        await connection.ExecuteAsync("SELECT pg_advisory_xact_lock(5210853, 3)", token);
        if ((await ReadAsync(connection, token)).Any(r => r.Name != name && r.IsAlive && r.Formation.Length > 0)) return null;
        var formedAt = (long)(await connection.ScalarAsync($"SELECT {NowMs}", token))!;
        await connection.ExecuteAsync(WriteSql, token, [.. Values(incarnation, address, formation, formedAt, "")]);
        await transaction.CommitAsync(token);
        return formedAt;
    }, cancel);

    /// <summary>Takes or keeps a lease, to decide over others; false when somebody else holds it, or has decided over the holder.</summary>
    /// <param name="sessions">The database.</param>
    /// <param name="lease">Its name.</param>
    /// <param name="holder">Which incarnation takes it.</param>
    /// <param name="forTime">How long nobody else can.</param>
    /// <param name="over">The incarnations that are over when it is taken.</param>
    public static Task<bool> AcquireAsync(PostgresSessions sessions, string lease, string holder, TimeSpan forTime, string[] over) => sessions.RunAsync(sessions.Writes, async (connection, cancel) =>
        await connection.ScalarAsync(AcquireSql, cancel, lease, holder, forTime.TotalMilliseconds, over) is > 0L, CancellationToken.None);

    /// <summary>Gives a lease up; false when it was not held.</summary>
    public static async Task<bool> ReleaseAsync(PostgresSessions sessions, string lease, string holder) =>
        await sessions.RunAsync(sessions.Writes, (connection, cancel) => connection.ExecuteAsync("DELETE FROM meshdns.lease WHERE name = $1 AND holder = $2", cancel, lease, holder), CancellationToken.None) > 0;

    private async Task<List<NodeRow>> ReadAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        await using var command = connection.Command(ReadSql, (long)lease.TotalMilliseconds);
        return await command.ReadAllAsync(r => new NodeRow(r.GetString(0), r.GetString(1), r.GetString(2), r.GetString(3), r.GetInt64(4), r.GetBoolean(5), r.GetBoolean(6), r.GetString(7),
            new OwnerVersions(r.GetInt32(8), r.GetInt32(9), r.GetInt32(10), r.GetInt32(11))), cancel);
    }

    private object[] Values(string incarnation, string address, string formation, long formedAt, string report) =>
        [name, dataId, incarnation, address, formation, formedAt, report, versions.Speaks, versions.Understands, versions.Writes, versions.Reads];

    private Task<T> RunAsync<T>(Func<NpgsqlConnection, CancellationToken, Task<T>> body, CancellationToken cancel) => sessions.RunAsync(sessions.Reads, body, cancel);
}
