using Npgsql;

namespace MeshDns.Actors.Store;

/// <summary>
/// The connections to the database, bounded in number and in time, and the one place where the driver's failures become the store's.
/// </summary>
internal sealed class PostgresSessions : IAsyncDisposable
{
    // Each of them waits for a connection for as long as connecting may take, then is refused.
    private const int MaxInFlight = 256;

    private readonly PostgresJournalOptions _options;
    private readonly ActorLog _log;
    private readonly NpgsqlDataSource[] _sources;
    private readonly Lock _gate = new();
    private Task? _settling;
    private int _inFlight;
    private int _away;
    private bool _closed;

    public PostgresSessions(PostgresJournalOptions options, ActorLog log)
    {
        _options = options;
        _log = log;
        Reads = Source(options.Reads(), options.HasSeveralHosts);
        Writes = Source(options.Writes(), options.HasSeveralHosts);
        Bulk = Source(options.Bulk(), options.HasSeveralHosts);
        _sources = [Reads, Writes, Bulk];
    }

    /// <summary>For reads, and for writes that need no durability.</summary>
    public NpgsqlDataSource Reads { get; }

    /// <summary>For what is committed for good.</summary>
    public NpgsqlDataSource Writes { get; }

    /// <summary>For images and long reads.</summary>
    public NpgsqlDataSource Bulk { get; }

    /// <summary>
    /// Runs on a connection. Whatever fails comes out as <see cref="StoreUnavailableException"/>.
    /// </summary>
    public async Task<T> RunAsync<T>(NpgsqlDataSource source, Func<NpgsqlConnection, CancellationToken, Task<T>> body, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        if (Interlocked.Increment(ref _inFlight) > MaxInFlight)
        {
            Interlocked.Decrement(ref _inFlight);
            throw new StoreUnavailableException("the journal has too much waiting");
        }
        try
        {
            await SettledAsync();
            var result = await OnConnectionAsync(source, body, cancel);
            if (Interlocked.Exchange(ref _away, 0) == 1) _log(ActorLogLevel.Information, "journal", "the database answers again", null);
            return result;
        }
        finally { Interlocked.Decrement(ref _inFlight); }
    }

    /// <summary>Brings the tables up to date, once; every call waits for it.</summary>
    /// <exception cref="StoreUnavailableException">The database cannot be reached; the next call tries again.</exception>
    public Task SettledAsync()
    {
        lock (_gate)
        {
            if (_settling is null or { IsFaulted: true } or { IsCanceled: true }) _settling = SettleAsync();
            return _settling;
        }
    }

    public async ValueTask DisposeAsync()
    {
        _closed = true;
        foreach (var source in _sources) await source.DisposeAsync();
    }

    private async Task SettleAsync() => await OnConnectionAsync(Reads, async (connection, cancel) =>
    {
        await PostgresLogSchema.SettleAsync(connection, cancel);
        if (_options.HasSeveralHosts && !_options.AllowDataLoss) await PostgresLogSchema.RequireStandbyAsync(connection, cancel);
        return true;
    }, CancellationToken.None);

    private async Task<T> OnConnectionAsync<T>(NpgsqlDataSource source, Func<NpgsqlConnection, CancellationToken, Task<T>> body, CancellationToken cancel)
    {
        try
        {
            await using var connection = await source.OpenConnectionAsync(cancel);
            return await body(connection, cancel);
        }
        catch (Exception e) when (e is not StoreUnavailableException && !(e is OperationCanceledException && cancel.IsCancellationRequested))
        {
            throw Unavailable(e);
        }
    }

    private StoreUnavailableException Unavailable(Exception e)
    {
        if (_closed) return new StoreUnavailableException("the journal is closed", e);
        Note(e);
        return new StoreUnavailableException((IsAnswer(e) ? "the database refused: " : "the database cannot be reached: ") + e.Message, e);
    }

    // Sessions that a lost server leaves behind would fail one call each; and a server that has become read-only is not the one to go on with.
    private void Note(Exception? e)
    {
        if (e is null || (IsAnswer(e) && ((PostgresException)e).SqlState != PostgresErrorCodes.ReadOnlySqlTransaction)) return;
        foreach (var source in _sources) source.Clear();
        if (!_closed && Interlocked.Exchange(ref _away, 1) == 0) _log(ActorLogLevel.Warning, "journal", "the database is away: " + e.Message, null);
    }

    // The server said no and stays; any other failure is one of the connection.
    private static bool IsAnswer(Exception e) => e is PostgresException { InvariantSeverity: "ERROR" };

    /// <summary>Connections to the host, or to whichever of several is the primary.</summary>
    /// <exception cref="StoreRefusedException">The connection string is not valid.</exception>
    public static NpgsqlDataSource Source(NpgsqlConnectionStringBuilder settings, bool hasSeveralHosts)
    {
        try
        {
            var builder = new NpgsqlDataSourceBuilder(settings.ConnectionString);
            return hasSeveralHosts ? builder.BuildMultiHost().WithTargetSession(TargetSessionAttributes.Primary) : builder.Build();
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException or InvalidOperationException)
        {
            throw new StoreRefusedException("the connection string of the journal is not valid");
        }
    }
}
