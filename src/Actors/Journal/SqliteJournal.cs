using MeshDns.Actors.Directory;
using Microsoft.Data.Sqlite;

namespace MeshDns.Actors.Journal;

/// <summary>The journal of a single node: one SQLite file in its data directory, locked for as long as the node runs.</summary>
public sealed class SqliteJournal : IJournal
{
    private readonly TimeProvider _time;
    private readonly FileStream _lock;
    private readonly SqliteWorker _writer;
    private readonly SqliteWorker _reader;
    private SqliteAppend? _append;
    private Standing _standing = new();
    private bool _feedVerified;

    private SqliteJournal(string file, TimeProvider time, FileStream fileLock)
    {
        _time = time;
        _lock = fileLock;
        _writer = new SqliteWorker("journal-write", () => SqliteSchema.OpenForWriting(file));
        _reader = new SqliteWorker("journal-read", () => SqliteSchema.OpenForReading(file));
    }

    /// <inheritdoc/>
    /// <remarks>The lock on the data directory sees to it.</remarks>
    public bool IsExclusive => true;

    /// <inheritdoc/>
    /// <remarks>Raised after an append that failed too: it may have been written.</remarks>
    public event Action? Appended;

    /// <inheritdoc/>
    /// <remarks>Never raised: nobody else uses the file.</remarks>
    public event Action? MembersChanged
    {
        add { }
        remove { }
    }

    /// <summary>The journal's file inside a data directory.</summary>
    public static string FileIn(string dataDirectory) => Path.Combine(dataDirectory, "journal.db");

    /// <summary>Takes a data directory for this process, until the lock is disposed; it is made if it is missing.</summary>
    /// <exception cref="JournalUnavailableException">Another process holds it, or it cannot be used.</exception>
    public static FileStream Lock(string dataDirectory)
    {
        try
        {
            System.IO.Directory.CreateDirectory(dataDirectory);
            return new FileStream(Path.Combine(dataDirectory, "journal.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new JournalUnavailableException($"the data directory {dataDirectory} is in use by another node or cannot be written: {e.Message}", e);
        }
    }

    /// <summary>Takes the data directory and opens its journal.</summary>
    /// <exception cref="JournalUnavailableException">Another process holds it, or it cannot be used.</exception>
    public static async Task<SqliteJournal> OpenAsync(string dataDirectory, TimeProvider time)
    {
        var held = Lock(dataDirectory);
        try { return await OpenAsync(dataDirectory, held, time); }
        catch
        {
            await held.DisposeAsync();
            throw;
        }
    }

    /// <summary>Opens the journal in a data directory that this process holds; the journal owns the lock from now on.</summary>
    /// <exception cref="JournalUnavailableException">The file cannot be opened; the lock is still the caller's.</exception>
    public static async Task<SqliteJournal> OpenAsync(string dataDirectory, FileStream held, TimeProvider time)
    {
        SQLitePCL.Batteries_V2.Init();
        var journal = new SqliteJournal(FileIn(dataDirectory), time, held);
        try { await journal._writer.RunAsync(connection => connection.Scalar("SELECT count(*) FROM ownership"), CancellationToken.None); }
        catch
        {
            await journal.CloseWorkersAsync();
            throw;
        }
        return journal;
    }

    /// <inheritdoc/>
    public Task<IReadOnlyDictionary<string, string>> SettleSettingsAsync(
        IReadOnlyDictionary<string, string> settings, IReadOnlyCollection<string> adjustable, CancellationToken cancel) =>
        _writer.RunAsync<IReadOnlyDictionary<string, string>>(connection =>
        {
            using var transaction = SqliteTransactionScope.Write(connection);
            var isNew = (long)connection.Scalar("SELECT count(*) FROM cluster_setting")! == 0;
            // The lock makes this node the only user of the file, so there is nobody to disagree with about what may be adjusted.
            using var write = connection.Command("INSERT OR REPLACE INTO cluster_setting (name, value) VALUES ($0, $1)", "", "");
            foreach (var (name, value) in settings) if (isNew || adjustable.Contains(name)) write.Run(name, value);
            var stored = ReadSettings(connection);
            transaction.Commit();
            return stored;
        }, cancel);

    /// <inheritdoc/>
    public Task<IReadOnlyList<StreamClaim>> ClaimAsync(NodeIdentity node, IReadOnlyList<StreamWish> wishes, string term, CancellationToken cancel) =>
        _writer.RunAsync<IReadOnlyList<StreamClaim>>(connection =>
        {
            using var transaction = SqliteTransactionScope.Write(connection);
            // The lock on the file makes this process the only one alive, so that no other owner can be.
            using var raise = connection.Command("UPDATE ownership SET owner = $1, incarnation = $2, term = $3, epoch = epoch + 1 WHERE stream = $0 AND term = $4 AND epoch = $5", "", "", "", "", "", 0L);
            using var create = connection.Command("INSERT OR IGNORE INTO ownership (stream, owner, incarnation, term, epoch, seq) SELECT $0, $1, $2, $3, 1, 0 WHERE $4 = '' AND $5 = 0", "", "", "", "", "", 0L);
            var granted = new HashSet<string>();
            foreach (var wish in wishes)
                if ((wish.SeenEpoch == 0 ? create : raise).Run(wish.Stream, node.Node, node.Incarnation, term, wish.SeenTerm, wish.SeenEpoch) == 1) granted.Add(wish.Stream);
            var rows = ReadOwnership(connection).Where(r => granted.Contains(r.Stream)).ToArray();
            transaction.Commit();
            var now = Now;
            return [.. rows.Select(r => new StreamClaim(new Fence(r.Stream, r.Node, r.Incarnation, r.Term, r.Epoch, r.Seq), now))];
        }, cancel);

    /// <inheritdoc/>
    public Task ReleaseAsync(IReadOnlyList<Fence> streams, CancellationToken cancel) => _writer.RunAsync(connection =>
    {
        using var transaction = SqliteTransactionScope.Write(connection);
        using var release = connection.Command("UPDATE ownership SET owner = '', incarnation = '' WHERE stream = $0 AND owner = $1 AND incarnation = $2 AND term = $3 AND epoch = $4", "", "", "", "", 0L);
        foreach (var fence in streams) release.Run(fence.Stream, fence.Node, fence.Incarnation, fence.Term, fence.Epoch);
        transaction.Commit();
        return true;
    }, cancel);

    /// <inheritdoc/>
    public Task<StreamHistory> ReadAsync(string stream, bool fromStart, CancellationToken cancel) => _reader.RunAsync(connection =>
    {
        using var transaction = SqliteTransactionScope.Read(connection);
        return SqliteReads.History(connection, stream, fromStart);
    }, cancel);

    /// <inheritdoc/>
    public async Task<AppendResult> AppendAsync(AppendRequest request, CancellationToken cancel)
    {
        var mayBeNew = true;
        try
        {
            var result = await _writer.RunAsync(connection => Append(connection, request), cancel);
            mayBeNew = result.Outcome == AppendOutcome.Committed;
            return result;
        }
        finally
        {
            if (mayBeNew) Appended?.Invoke();
        }
    }

    /// <inheritdoc/>
    public Task<bool> SaveSnapshotAsync(Fence fence, byte[] snapshot, CancellationToken cancel) => _writer.RunAsync(connection =>
    {
        using var insert = connection.Command("""
            INSERT OR REPLACE INTO snapshot (stream, seq, term, epoch, payload)
            SELECT stream, $0, COALESCE((SELECT e.term FROM event e WHERE e.stream = $1 AND e.seq = $0), ''), COALESCE((SELECT e.epoch FROM event e WHERE e.stream = $1 AND e.seq = $0), 0), $2
            FROM ownership WHERE stream = $1 AND owner = $3 AND incarnation = $4 AND term = $5 AND epoch = $6 AND seq >= $0
            """, fence.Seq, fence.Stream, snapshot, fence.Node, fence.Incarnation, fence.Term, fence.Epoch);
        return insert.ExecuteNonQuery() == 1;
    }, cancel);

    /// <inheritdoc/>
    public Task<IReadOnlyList<RememberedReply>> FindRepliesAsync(IReadOnlyList<string> keys, CancellationToken cancel) => _reader.RunAsync<IReadOnlyList<RememberedReply>>(connection =>
    {
        using var command = connection.Command("SELECT key, request_hash, reply FROM remembered_reply WHERE key = $0 AND at >= $1", "", Now - ReplyStore.LifetimeMs);
        var found = new List<RememberedReply>();
        foreach (var key in keys)
        {
            command.Parameters[0].Value = key;
            using var reader = command.ExecuteReader();
            if (reader.Read()) found.Add(new RememberedReply(reader.GetString(0), reader.GetString(1), reader.GetFieldValue<byte[]>(2)));
        }
        return found;
    }, cancel);

    /// <inheritdoc/>
    public Task<FeedRead> ReadFeedAsync(IReadOnlyDictionary<string, StreamPosition> from, CancellationToken cancel) => _reader.RunAsync(connection =>
    {
        // Taken before the read, and an append ends it before it writes: so one under way makes what is read here old from its beginning on.
        var standing = Volatile.Read(ref _standing);
        // One transaction is one database snapshot: no change is ever read half.
        using var transaction = SqliteTransactionScope.Read(connection);
        var now = Now;
        var streams = ReadOwnership(connection).Select(head => SqliteReads.Feed(connection, head, from.GetValueOrDefault(head.Stream), !_feedVerified)).OfType<StreamFeed>().ToArray();
        _feedVerified = true;
        return new FeedRead(streams, now, standing);
    }, cancel);

    /// <inheritdoc/>
    public Task<IReadOnlyList<OwnershipRow>> ReadOwnershipAsync(CancellationToken cancel) => _reader.RunAsync<IReadOnlyList<OwnershipRow>>(ReadOwnership, cancel);

    /// <inheritdoc/>
    public Task<bool> ContainsAsync(string stream, StreamPosition position, CancellationToken cancel) => _reader.RunAsync(connection =>
        (long)connection.Scalar("SELECT count(*) FROM event WHERE stream = $0 AND seq = $1 AND term = $2 AND epoch = $3", stream, position.Seq, position.Term, position.Epoch)! == 1, cancel);

    /// <inheritdoc/>
    public Task<JoinReply> JoinAsync(MemberBeat me, CancellationToken cancel) => Task.FromResult(new JoinReply(JoinOutcome.Joined));

    /// <inheritdoc/>
    /// <remarks>The lock on the file makes this node the only member there can be, so that nothing has to be written.</remarks>
    public Task<ClusterRead> HeartbeatAsync(MemberBeat me, CancellationToken cancel) => _reader.RunAsync(connection =>
    {
        var now = Now;
        var alone = new MemberRow(me.Node, me.Address, me.Roles, me.Version, me.Protocol, me.Report, now + (long)me.Lease.TotalMilliseconds);
        return new ClusterRead(true, [alone], ReadOwnership(connection), now);
    }, cancel);

    /// <inheritdoc/>
    public Task LeaveAsync(NodeIdentity node, CancellationToken cancel) => Task.CompletedTask;

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await CloseWorkersAsync();
        await _lock.DisposeAsync();
    }

    private async Task CloseWorkersAsync()
    {
        await _writer.DisposeAsync();
        await _reader.DisposeAsync();
        Volatile.Read(ref _standing).End(_time.GetTimestamp());
    }

    // On the writer's thread: what was read before stands no more, unless nothing was written.
    private AppendResult Append(SqliteConnection connection, AppendRequest request)
    {
        var before = Volatile.Read(ref _standing);
        before.End(_time.GetTimestamp());
        var mayBeNew = true;
        try
        {
            var result = (_append ??= new SqliteAppend(connection)).Run(request, Now);
            mayBeNew = result.Outcome == AppendOutcome.Committed;
            return result;
        }
        finally
        {
            if (mayBeNew) Volatile.Write(ref _standing, new Standing());
            else before.Resume();
        }
    }

    internal static OwnershipRow[] ReadOwnership(SqliteConnection connection)
    {
        using var command = connection.Command("SELECT stream, owner, incarnation, term, epoch, seq FROM ownership ORDER BY stream");
        using var reader = command.ExecuteReader();
        var rows = new List<OwnershipRow>();
        while (reader.Read()) rows.Add(new OwnershipRow(reader.GetString(0), reader.GetString(1), reader.GetString(2), reader.GetString(3), reader.GetInt64(4), reader.GetInt64(5)));
        return [.. rows];
    }

    internal static Dictionary<string, string> ReadSettings(SqliteConnection connection)
    {
        using var command = connection.Command("SELECT name, value FROM cluster_setting");
        using var reader = command.ExecuteReader();
        var settings = new Dictionary<string, string>();
        while (reader.Read()) settings[reader.GetString(0)] = reader.GetString(1);
        return settings;
    }

    private long Now => _time.GetUtcNow().ToUnixTimeMilliseconds();
}
