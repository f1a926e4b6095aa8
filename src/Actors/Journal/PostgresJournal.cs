using System.Security.Cryptography;
using MeshDns.Actors.Directory;
using MeshDns.Actors.Runtime;
using Npgsql;

namespace MeshDns.Actors.Journal;

/// <summary>
/// The journal of a cluster, in PostgreSQL. It can be made while the database is away: every call then says so, and works once the database is
/// there. Leases, claims and ages go by the database's clock.
/// </summary>
public sealed class PostgresJournal : IJournal
{
    private readonly PostgresSessions _sessions;
    private readonly PostgresNotifier _notifier;
    private readonly PostgresListener _listener;

    private PostgresJournal(PostgresJournalOptions options, TimeProvider time, ActorLog log)
    {
        var id = RandomNumberGenerator.GetHexString(16, lowercase: true);
        _sessions = new PostgresSessions(options, time, log);
        _notifier = new PostgresNotifier(_sessions, id, time);
        _listener = new PostgresListener(_sessions, id, time, Hear);
    }

    /// <inheritdoc/>
    public event Action? Appended;

    /// <inheritdoc/>
    public event Action? MembersChanged;

    /// <summary>Makes the journal and does not wait for the database.</summary>
    /// <exception cref="JournalRefusedException">The connection string is not valid.</exception>
    public static PostgresJournal Create(PostgresJournalOptions options, TimeProvider time, ActorLog log) => new(options, time, log);

    /// <summary>Makes the journal, brings the tables up to date and begins to listen.</summary>
    /// <exception cref="JournalRefusedException">It will not work like this: the options are refused, or a newer program made the tables.</exception>
    /// <exception cref="JournalUnavailableException">The database cannot be reached.</exception>
    public static async Task<PostgresJournal> OpenAsync(PostgresJournalOptions options, TimeProvider time, ActorLog log)
    {
        var journal = Create(options, time, log);
        try
        {
            await journal.SettleAsync();
            return journal;
        }
        catch
        {
            await journal.DisposeAsync();
            throw;
        }
    }

    /// <summary>Brings the tables up to date, which any other call would do as well, and waits until it listens or has failed to once.</summary>
    /// <exception cref="JournalRefusedException">It will not work like this: the options are refused, or a newer program made the tables.</exception>
    /// <exception cref="JournalUnavailableException">The database cannot be reached.</exception>
    public async Task SettleAsync()
    {
        await _sessions.SettledAsync();
        await _listener.FirstTry;
    }

    /// <inheritdoc/>
    /// <remarks>The store is shared, so nothing is adjustable: the first settings stay.</remarks>
    public Task<IReadOnlyDictionary<string, string>> SettleSettingsAsync(IReadOnlyDictionary<string, string> settings, IReadOnlyCollection<string> adjustable, CancellationToken cancel) =>
        _sessions.RunAsync<IReadOnlyDictionary<string, string>>(_sessions.Reads, async (connection, stop) =>
        {
            await using var batch = new NpgsqlBatch(connection);
            // All or none are of one node: two that create a cluster at once must not mix theirs.
            batch.Then("SELECT pg_advisory_xact_lock(5210853, 3)")
                .Then("INSERT INTO meshdns.cluster_setting (name, value) SELECT * FROM unnest($1::text[], $2::text[]) WHERE NOT EXISTS (SELECT FROM meshdns.cluster_setting)", settings.Keys.ToArray(), settings.Values.ToArray())
                .Then("SELECT name, value FROM meshdns.cluster_setting");
            await using var reader = await batch.ExecuteReaderAsync(stop);
            await reader.NextResultAsync(stop);
            var stored = new Dictionary<string, string>();
            while (await reader.ReadAsync(stop)) stored[reader.GetString(0)] = reader.GetString(1);
            return stored;
        }, cancel);

    /// <inheritdoc/>
    public async Task<IReadOnlyList<StreamClaim>> ClaimAsync(NodeIdentity node, IReadOnlyList<StreamWish> wishes, string term, CancellationToken cancel)
    {
        var granted = await _sessions.WriteAsync(_sessions.Writes, (connection, stop) => PostgresMembers.ClaimAsync(connection, node, wishes, term, stop), Unavailable, cancel);
        if (granted.Count > 0) _notifier.Tell(PostgresNotifier.MembersChannel);
        return granted;
    }

    /// <inheritdoc/>
    public async Task ReleaseAsync(IReadOnlyList<Fence> streams, CancellationToken cancel)
    {
        if (await _sessions.WriteAsync(_sessions.Writes, (connection, stop) => PostgresMembers.ReleaseAsync(connection, streams, stop), Unavailable, cancel)) _notifier.Tell(PostgresNotifier.MembersChannel);
    }

    /// <inheritdoc/>
    public Task<StreamHistory> ReadAsync(string stream, bool fromStart, CancellationToken cancel) =>
        _sessions.RunAsync(_sessions.Reads, (connection, stop) => PostgresReads.HistoryAsync(connection, stream, fromStart, stop), cancel);

    /// <inheritdoc/>
    public async Task<AppendResult> AppendAsync(AppendRequest request, CancellationToken cancel)
    {
        var append = new PostgresAppend(request);
        var result = await _sessions.WriteAsync(append.IsLarge ? _sessions.Bulk : _sessions.Writes, (connection, _) => append.RunAsync(connection), late => new JournalInDoubtException(late), cancel);
        if (result.Outcome != AppendOutcome.Committed) return result;
        _notifier.Tell(PostgresNotifier.FeedChannel);
        Appended?.Invoke();
        return result;
    }

    /// <inheritdoc/>
    public Task<bool> SaveSnapshotAsync(Fence fence, byte[] snapshot, CancellationToken cancel) =>
        _sessions.WriteAsync(_sessions.Bulk, async (connection, stop) =>
        {
            await using var command = connection.Command("""
                INSERT INTO meshdns.snapshot AS s (stream, seq, term, epoch, payload)
                SELECT o.stream, $1, coalesce(e.term, ''), coalesce(e.epoch, 0), $2
                FROM meshdns.ownership o LEFT JOIN meshdns.event e ON e.stream = o.stream AND e.seq = $1
                WHERE o.stream = $3 AND o.owner = $4 AND o.incarnation = $5 AND o.term = $6 AND o.epoch = $7 AND o.seq >= $1
                ON CONFLICT (stream) DO UPDATE SET seq = excluded.seq, term = excluded.term, epoch = excluded.epoch, payload = excluded.payload
                """, fence.Seq, snapshot, fence.Stream, fence.Node, fence.Incarnation, fence.Term, fence.Epoch);
            return await command.ExecuteNonQueryAsync(stop) == 1;
        }, Unavailable, cancel);

    /// <inheritdoc/>
    public Task<IReadOnlyList<RememberedReply>> FindRepliesAsync(IReadOnlyList<string> keys, CancellationToken cancel) =>
        _sessions.RunAsync<IReadOnlyList<RememberedReply>>(_sessions.Reads, async (connection, stop) =>
        {
            await using var command = connection.Command("""
                SELECT key, request_hash, reply FROM meshdns.remembered_reply WHERE key = ANY ($1) AND at >= meshdns.now_ms() - $2
                UNION ALL
                SELECT key, '', reply FROM meshdns.forwarded_reply WHERE key = ANY ($1)
                """, keys.ToArray(), ReplyStore.LifetimeMs);
            return await command.ReadAllAsync(r => new RememberedReply(r.GetString(0), r.GetString(1), r.GetFieldValue<byte[]>(2)), stop);
        }, cancel);

    /// <inheritdoc/>
    public Task<FeedRead> ReadFeedAsync(IReadOnlyDictionary<string, StreamPosition> from, CancellationToken cancel) =>
        _sessions.RunAsync(_sessions.Reads, (connection, stop) => PostgresReads.FeedAsync(connection, from, stop), cancel);

    /// <inheritdoc/>
    public Task<IReadOnlyList<OwnershipRow>> ReadOwnershipAsync(CancellationToken cancel) =>
        _sessions.RunAsync<IReadOnlyList<OwnershipRow>>(_sessions.Reads, async (connection, stop) => await PostgresReads.OwnershipAsync(connection, stop), cancel);

    /// <inheritdoc/>
    public Task<bool> ContainsAsync(string stream, StreamPosition position, CancellationToken cancel) =>
        _sessions.RunAsync(_sessions.Reads, async (connection, stop) =>
        {
            await using var command = connection.Command("SELECT 1 FROM meshdns.event WHERE stream = $1 AND seq = $2 AND term = $3 AND epoch = $4", stream, position.Seq, position.Term, position.Epoch);
            return await command.ExecuteScalarAsync(stop) is not null;
        }, cancel);

    /// <inheritdoc/>
    public async Task<JoinReply> JoinAsync(MemberBeat me, CancellationToken cancel)
    {
        var reply = await _sessions.RunAsync(_sessions.Reads, (connection, stop) => PostgresMembers.JoinAsync(connection, me, stop), cancel);
        if (reply.Outcome == JoinOutcome.Joined) _notifier.Tell(PostgresNotifier.MembersChannel);
        return reply;
    }

    /// <inheritdoc/>
    public Task<ClusterRead> HeartbeatAsync(MemberBeat me, CancellationToken cancel) =>
        _sessions.RunAsync(_sessions.Reads, (connection, stop) => PostgresMembers.HeartbeatAsync(connection, me, stop), cancel);

    /// <inheritdoc/>
    public async Task LeaveAsync(NodeIdentity node, CancellationToken cancel)
    {
        var left = await _sessions.RunAsync(_sessions.Reads, async (connection, stop) =>
        {
            await using var batch = new NpgsqlBatch(connection);
            return await batch.Then(PostgresMembers.NotDurable).Then("DELETE FROM meshdns.member WHERE node = $1 AND incarnation = $2", node.Node, node.Incarnation).ExecuteNonQueryAsync(stop);
        }, cancel);
        if (left > 0) _notifier.Tell(PostgresNotifier.MembersChannel);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _notifier.CloseAsync();
        await _listener.DisposeAsync();
        await _sessions.DisposeAsync();
    }

    private static JournalUnavailableException Unavailable(string why) => new(why);

    private void Hear(string channel)
    {
        if (channel == PostgresNotifier.FeedChannel) Appended?.Invoke();
        else MembersChanged?.Invoke();
    }
}
