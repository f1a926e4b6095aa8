using System.Globalization;
using MeshDns.Actors.Cluster;
using Npgsql;

namespace MeshDns.Actors.Journal;

/// <summary>Who is alive and who owns what, by the database's clock. Each call is one round trip.</summary>
internal static class PostgresMembers
{
    private const int Joined = 0, NameTaken = 1;
    private const int PruneAfterLeases = 10;

    /// <summary>
    /// Begins a batch whose commit waits for no disk and no standby. What a member says of itself is true for one lease; a crash of the server that
    /// loses it costs a beat.
    /// </summary>
    public const string NotDurable = "SELECT set_config('synchronous_commit', 'off', true)";

    private const string ClaimSql = """
        SELECT c_stream, c_epoch, c_seq, meshdns.now_ms(), substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) FROM meshdns.claim($1, $2, $3, $4, $5, $6)
        """;

    private const string ReleaseSql = """
        UPDATE meshdns.ownership SET owner = '', incarnation = '' WHERE stream = ANY (ARRAY(
            SELECT o.stream FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[]) AS f (stream, owner, incarnation, term, epoch)
            JOIN meshdns.ownership o ON o.stream = f.stream AND o.owner = f.owner AND o.incarnation = f.incarnation AND o.term = f.term AND o.epoch = f.epoch
            ORDER BY o.stream FOR UPDATE OF o))
        """;

    private const string BeatSql = """
        WITH beat AS (
            UPDATE meshdns.member SET address = $3, roles = $4, version = $5, protocol = $6, report = $7, expires_at = meshdns.now_ms() + $8
            WHERE node = $1 AND incarnation = $2 RETURNING 1),
        pruned AS (DELETE FROM meshdns.member WHERE node <> $1 AND expires_at < meshdns.now_ms() - $8 * $9)
        SELECT count(*) FROM beat
        """;

    private const string ClusterSql = """
        SELECT 0, meshdns.now_ms(), NULL, NULL, NULL, NULL, NULL, NULL, NULL
        UNION ALL
        SELECT 1, expires_at, protocol, node, incarnation, address, roles, version, report FROM meshdns.member
        UNION ALL
        SELECT 2, seq, epoch, stream, owner, incarnation, term, NULL, NULL FROM meshdns.ownership
        """;

    /// <summary>Claims streams; those granted, in order.</summary>
    public static async Task<IReadOnlyList<StreamClaim>> ClaimAsync(NpgsqlConnection connection, NodeIdentity node, IReadOnlyList<StreamWish> wishes, string term, CancellationToken cancel)
    {
        var ordered = wishes.OrderBy(w => w.Stream, StringComparer.Ordinal).ToArray();
        using var warning = new PostgresWarning(connection);
        await using var command = connection.Command(ClaimSql, node.Node, node.Incarnation, term,
            ordered.Select(w => w.Stream).ToArray(), ordered.Select(w => w.SeenTerm).ToArray(), ordered.Select(w => w.SeenEpoch).ToArray());
        var granted = await command.ReadAllAsync(r => new StreamClaim(new Fence(r.GetString(0), node.Node, node.Incarnation, term, r.GetInt64(1), r.GetInt64(2)), r.GetInt64(3), r.GetString(4)), cancel);
        // A claim that only this server has could be forgotten by a failover, and what was appended under it with it.
        return warning.Text is { } text ? throw new JournalUnavailableException("the database warned of a claim: " + text) : granted;
    }

    /// <summary>Gives streams up.</summary>
    public static async Task<bool> ReleaseAsync(NpgsqlConnection connection, IReadOnlyList<Fence> streams, CancellationToken cancel)
    {
        await using var command = connection.Command(ReleaseSql, streams.Select(f => f.Stream).ToArray(), streams.Select(f => f.Node).ToArray(),
            streams.Select(f => f.Incarnation).ToArray(), streams.Select(f => f.Term).ToArray(), streams.Select(f => f.Epoch).ToArray());
        return await command.ExecuteNonQueryAsync(cancel) > 0;
    }

    /// <summary>Makes a node a member, or says why not.</summary>
    public static async Task<JoinReply> JoinAsync(NpgsqlConnection connection, MemberBeat me, CancellationToken cancel)
    {
        // Numbers far apart never fit: only those near this node's own can.
        var fitting = Enumerable.Range(me.Protocol - 16, 33).Where(other => MeshProtocol.Fits(me.Protocol, other)).ToArray();
        await using var batch = new NpgsqlBatch(connection);
        batch.Then(NotDurable).Then("SELECT * FROM meshdns.join_member($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            me.Node.Node, me.Node.Incarnation, me.Previous, me.Address, me.Roles, me.Version, me.Protocol, me.Report, (long)me.Lease.TotalMilliseconds, fitting);
        await using var reader = await batch.ExecuteReaderAsync(cancel);
        await reader.NextResultAsync(cancel);
        await reader.ReadAsync(cancel);
        return ReplyOf(reader, me);
    }

    /// <summary>Prolongs a member's life and reads the cluster.</summary>
    public static async Task<ClusterRead> HeartbeatAsync(NpgsqlConnection connection, MemberBeat me, CancellationToken cancel)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.Then(NotDurable)
            .Then(BeatSql, me.Node.Node, me.Node.Incarnation, me.Address, me.Roles, me.Version, me.Protocol, me.Report, (long)me.Lease.TotalMilliseconds, PruneAfterLeases)
            .Then(ClusterSql);
        await using var reader = await batch.ExecuteReaderAsync(cancel);
        await reader.NextResultAsync(cancel);
        await reader.ReadAsync(cancel);
        var isMember = reader.GetInt64(0) == 1;
        await reader.NextResultAsync(cancel);
        return await ReadClusterAsync(reader, isMember, cancel);
    }

    private static async Task<ClusterRead> ReadClusterAsync(NpgsqlDataReader r, bool isMember, CancellationToken cancel)
    {
        var now = 0L;
        var members = new List<MemberRow>();
        var ownership = new List<OwnershipRow>();
        while (await r.ReadAsync(cancel))
        {
            var what = r.GetInt32(0);
            if (what == 0) now = r.GetInt64(1);
            else if (what == 1) members.Add(new MemberRow(new NodeIdentity(r.GetString(3), r.GetString(4)), r.GetString(5), r.GetString(6), r.GetString(7), (int)r.GetInt64(2), r.GetString(8), r.GetInt64(1)));
            else ownership.Add(new OwnershipRow(r.GetString(3), r.GetString(4), r.GetString(5), r.GetString(6), r.GetInt64(2), r.GetInt64(1)));
        }
        return new ClusterRead(isMember, [.. members.OrderBy(m => m.Node.Node, StringComparer.Ordinal)], [.. ownership.OrderBy(o => o.Stream, StringComparer.Ordinal)], now);
    }

    private static JoinReply ReplyOf(NpgsqlDataReader row, MemberBeat me) => row.GetInt32(0) switch
    {
        Joined => new JoinReply(JoinOutcome.Joined),
        NameTaken => new JoinReply(JoinOutcome.NameTaken, string.Create(CultureInfo.InvariantCulture, $"{row.GetString(1)} is a live member at '{row.GetString(2)}'; its lease ends in {row.GetInt64(4)} ms")),
        _ => new JoinReply(JoinOutcome.ProtocolMismatch, string.Create(CultureInfo.InvariantCulture, $"{row.GetString(1)} speaks protocol {row.GetInt32(3)}, this node {me.Protocol}")),
    };
}
