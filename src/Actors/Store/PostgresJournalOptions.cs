using System.Globalization;
using Npgsql;

namespace MeshDns.Actors.Store;

/// <summary>How a node uses the cluster's database.</summary>
/// <param name="ConnectionString">Npgsql's; several hosts (<c>Host=a,b;Port=1,2</c>) mean that one of them is the primary and another may become it.</param>
/// <param name="Lease">The cluster's lease; what a session may hold up ends well before it. At least 100 ms.</param>
/// <param name="AllowDataLoss">Work with several hosts although no synchronous standby is configured.</param>
public sealed record PostgresJournalOptions(string ConnectionString, TimeSpan Lease, bool AllowDataLoss)
{
    /// <summary>A statement that changes something ends by then, so that a hung one never outlasts the lease of whoever waits for its locks.</summary>
    internal TimeSpan StatementTimeout => Lease * 0.6;

    /// <summary>Nobody waits longer for a lock of another session.</summary>
    internal TimeSpan LockTimeout => Lease * 0.4;

    /// <summary>
    /// Large appends and reads may take so long on the server. Reads hold nothing that others wait for. An append holds its streams' rows, so that a
    /// claim of them meets its lock timeout and is tried again; and however late it ends, it ends under the fence that it began with.
    /// </summary>
    internal static TimeSpan LongTimeout { get; } = TimeSpan.FromSeconds(120);

    /// <summary>
    /// A session waits so long for its commit, though its caller has given up long before. Only then is the wait cancelled; a cancelled wait for a
    /// synchronous standby makes a commit visible that no standby has.
    /// </summary>
    internal static TimeSpan CommitTimeout { get; } = TimeSpan.FromSeconds(60);

    /// <summary>True when another host may become the primary.</summary>
    internal bool HasSeveralHosts => Parsed().Host?.Contains(',') == true;

    /// <summary>For reads, and for writes that wait for no disk and no standby: these never wait behind a commit.</summary>
    internal NpgsqlConnectionStringBuilder Reads() => Build(LongTimeout, StatementTimeout + TimeSpan.FromSeconds(1), 8);

    /// <summary>For what is committed for good.</summary>
    internal NpgsqlConnectionStringBuilder Writes() => Build(StatementTimeout, CommitTimeout, 6);

    /// <summary>For images and long reads.</summary>
    internal NpgsqlConnectionStringBuilder Bulk() => Build(LongTimeout, LongTimeout + CommitTimeout, 2);

    /// <summary>
    /// For the journal's plugin: its own time limit is the shorter one, so that the driver never cancels a commit that waits for a standby, which the server would call a success.
    /// </summary>
    internal string Plugin()
    {
        var settings = Build(LongTimeout, TimeSpan.Zero, 4);
        settings.CommandTimeout = 0;
        // The plugin opens its connections by this string alone, and the first host that answers may be a standby.
        if (HasSeveralHosts) settings.TargetSessionAttributes = "primary";
        return settings.ConnectionString;
    }

    /// <summary>The connection string's settings.</summary>
    /// <exception cref="StoreRefusedException">It is not valid.</exception>
    internal NpgsqlConnectionStringBuilder Parsed()
    {
        try { return new NpgsqlConnectionStringBuilder(ConnectionString); }
        catch (Exception e) when (e is ArgumentException or FormatException or NotSupportedException or OverflowException or InvalidCastException)
        {
            // Not the driver's message: it may quote the string, which has a password.
            throw new StoreRefusedException("the connection string of the journal is not valid");
        }
    }

    // The server ends a statement by statementTimeout; where nothing comes for commandTimeout, the connection is given up.
    private NpgsqlConnectionStringBuilder Build(TimeSpan statementTimeout, TimeSpan commandTimeout, int connections)
    {
        var settings = Parsed();
        settings.Pooling = true;
        settings.MinPoolSize = 0;
        settings.MaxPoolSize = connections;
        settings.Timeout = Seconds(StatementTimeout);
        settings.CommandTimeout = Seconds(commandTimeout);
        settings.CancellationTimeout = 1000;
        settings.TcpKeepAlive = true;
        settings.TcpKeepAliveTime = Seconds(Lease);
        settings.TcpKeepAliveInterval = 1;
        settings.HostRecheckSeconds = 1;
        settings.NoResetOnClose = true;
        settings.MaxAutoPrepare = 32;
        settings.AutoPrepareMinUsages = 2;
        settings.Enlist = false;
        settings.IncludeErrorDetail = false;
        settings.ApplicationName ??= "meshdns";
        settings.Options = string.Join(' ', [settings.Options ?? "", .. SessionSettings(statementTimeout)]).Trim();
        return settings;
    }

    private IEnumerable<string> SessionSettings(TimeSpan statementTimeout)
    {
        yield return Setting("statement_timeout", Milliseconds(statementTimeout));
        yield return Setting("lock_timeout", Milliseconds(LockTimeout));
        yield return Setting("idle_in_transaction_session_timeout", Milliseconds(StatementTimeout));
        // Acknowledged means on disk here, and on a synchronous standby's disk where there is one.
        yield return Setting("synchronous_commit", "on");
        yield return Setting("default_transaction_isolation", @"read\ committed");
        // Every statement goes by keys. Plans are kept, and one made while the tables were small must still serve when they are large.
        yield return Setting("enable_seqscan", "off");
        yield return Setting("enable_hashjoin", "off");
        yield return Setting("enable_mergejoin", "off");
        yield return Setting("jit", "off");
        // A plan for the values at hand has arrays as constants, whose elements are found by counting from the first: 30 s for 65,024 events.
        yield return Setting("plan_cache_mode", "force_generic_plan");
    }

    private static string Setting(string name, string value) => $"-c {name}={value}";

    private static string Milliseconds(TimeSpan time) => Math.Max(1, (long)time.TotalMilliseconds).ToString(CultureInfo.InvariantCulture);

    private static int Seconds(TimeSpan time) => Math.Max(1, (int)Math.Ceiling(time.TotalSeconds));
}
