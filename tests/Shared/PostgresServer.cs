using System.Diagnostics;
using System.Globalization;
using System.Text;
using Npgsql;

namespace MeshDns.Tests.Shared;

/// <summary>
/// A PostgreSQL of the test's own: its files in a scratch folder, its port on loopback, no durability unless asked for. It ends with the test
/// process, however that ends.
/// </summary>
public sealed class PostgresServer : IAsyncDisposable
{
    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(60);
    private static readonly Lazy<Task<PostgresServer>> _shared = new(() => StartAsync());

    // The shell waits on the pipe from the test process beside the server: a pipe that ends without a word means that the test process is gone.
    private const string Launch = """
        exec 3<&0
        { read word <&3 || { kill -QUIT $$; sleep 2; kill -KILL $$; rm -rf "$0"; }; } >/dev/null 2>&1 &
        exec "$@" </dev/null 3<&-
        """;

    private readonly string _folder;
    private readonly string[] _settings;
    private readonly StringBuilder _log = new();
    private Process? _process;
    private int _databases;
    private int _standbys;
    private string _synchronous = "";

    private PostgresServer(string folder, string[] settings)
    {
        _folder = folder;
        _settings = settings;
    }

    /// <summary>One for all tests of the process that only need a database; it lives until the process ends. Never stop, pause or reconfigure it.</summary>
    public static Task<PostgresServer> Shared => _shared.Value;

    public string Host => "127.0.0.1";

    /// <summary>The same for its whole life, restarts too.</summary>
    public int Port { get; private set; }

    /// <summary>The postmaster's; 0 when it does not run.</summary>
    public int ProcessId => _process?.Id ?? 0;

    /// <summary>Where its files are.</summary>
    public string DataFolder => Path.Combine(_folder, "data");

    /// <summary>Everything it wrote so far.</summary>
    public string Log
    {
        get { lock (_log) return _log.ToString(); }
    }

    /// <summary>Makes and starts one. Settings are <c>name=value</c> of postgresql.conf and win over the ones here.</summary>
    public static async Task<PostgresServer> StartAsync(params string[] settings)
    {
        var server = new PostgresServer(await MakeFolderAsync(), settings);
        try
        {
            await server.RunToolAsync("initdb", "-D", server.DataFolder, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions");
            await File.AppendAllLinesAsync(Path.Combine(server.DataFolder, "pg_hba.conf"), ["host all all all trust", "host replication all all trust"]);
            await server.LaunchAsync();
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>For the superuser, without a password.</summary>
    public string ConnectionString(string database = "postgres") =>
        string.Create(CultureInfo.InvariantCulture, $"Host={Host};Port={Port};Username=postgres;Database={database}");

    /// <summary>Makes an empty database; its connection string.</summary>
    public async Task<string> CreateDatabaseAsync()
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"test{Interlocked.Increment(ref _databases)}");
        await ExecuteAsync($"CREATE DATABASE {name}");
        return ConnectionString(name);
    }

    /// <summary>Runs SQL on a connection of its own; the first value of the result.</summary>
    public async Task<object?> ExecuteAsync(string sql, string database = "postgres")
    {
        await using var connection = new NpgsqlConnection(ConnectionString(database) + ";Pooling=false;Timeout=60;Command Timeout=60");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync();
    }

    /// <summary>Changes a setting of the running server, for all sessions.</summary>
    public async Task SetAsync(string name, string value)
    {
        await ExecuteAsync($"ALTER SYSTEM SET {name} = '{value}'");
        await ExecuteAsync("SELECT pg_reload_conf()");
        await PollAsync(async () => (string?)await ExecuteAsync($"SELECT current_setting('{name}')") == value, $"{name} = {value}");
    }

    /// <summary>Starts it again after a stop or a kill, on the same port.</summary>
    public async Task RestartAsync()
    {
        await StopAsync();
        await LaunchAsync();
    }

    /// <summary>An orderly end: sessions are thrown out, transactions rolled back.</summary>
    public async Task StopAsync()
    {
        if (_process is null) return;
        await SignalAsync("CONT", Family());
        await SignalAsync("INT", [_process.Id]);
        await EndAsync();
    }

    /// <summary>kill -9 of all its processes at once, as a machine that goes away.</summary>
    public async Task KillAsync()
    {
        if (_process is null) return;
        _process.Kill(entireProcessTree: true);
        await EndAsync();
    }

    /// <summary>SIGSTOP of all its processes: connections stay, nothing answers.</summary>
    public Task PauseAsync() => SignalAsync("STOP", Family());

    /// <summary>Undoes a pause.</summary>
    public Task ResumeAsync() => SignalAsync("CONT", Family());

    /// <summary>
    /// Makes and starts a standby of this server. When it is to be synchronous, commits wait for it from now on (any one of several), as long as
    /// synchronous_standby_names is not set otherwise.
    /// </summary>
    public async Task<PostgresServer> AddStandbyAsync(bool synchronous)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"standby{++_standbys}");
        var standby = new PostgresServer(await MakeFolderAsync(), _settings);
        try
        {
            await standby.RunToolAsync("pg_basebackup", "-D", standby.DataFolder, "-R", "-X", "stream", "--checkpoint=fast", "--no-sync",
                "-d", string.Create(CultureInfo.InvariantCulture, $"host={Host} port={Port} user=postgres application_name={name}"));
            await standby.LaunchAsync();
            await PollAsync(async () => await ExecuteAsync($"SELECT 1 FROM pg_stat_replication WHERE application_name = '{name}' AND state = 'streaming'") is not null, $"{name} streams");
            if (!synchronous) return standby;
            _synchronous = _synchronous.Length == 0 ? name : _synchronous + ", " + name;
            await SetAsync("synchronous_standby_names", $"ANY 1 ({_synchronous})");
            await PollAsync(async () => await ExecuteAsync($"SELECT 1 FROM pg_stat_replication WHERE application_name = '{name}' AND sync_state = 'quorum'") is not null, $"{name} is synchronous");
            return standby;
        }
        catch
        {
            await standby.DisposeAsync();
            throw;
        }
    }

    /// <summary>Makes a standby a primary; returns when it takes writes.</summary>
    public Task PromoteAsync() => ExecuteAsync("SELECT pg_promote(true, 60)");

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        try { Directory.Delete(_folder, recursive: true); }
        catch (IOException)
        {
            // Something of it is just ending; the system cleans its temporary files.
        }
    }

    private static string BinFolder { get; } = Directory.Exists("/usr/lib/postgresql")
        ? Directory.GetDirectories("/usr/lib/postgresql").Select(d => Path.Combine(d, "bin")).Where(d => File.Exists(Path.Combine(d, "initdb"))).Order(StringComparer.Ordinal).LastOrDefault()
            ?? throw new InvalidOperationException("there is no initdb under /usr/lib/postgresql: install the package postgresql")
        : throw new InvalidOperationException("there is no /usr/lib/postgresql: install the package postgresql");

    // PostgreSQL refuses to run as root.
    private static string[] AsItsUser => Environment.UserName == "root" ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] : [];

    private static async Task<string> MakeFolderAsync()
    {
        var folder = Directory.CreateTempSubdirectory("meshdns-pg-").FullName;
        if (AsItsUser.Length > 0) await RunAsync(["chown", "postgres:postgres", folder], folder);
        return folder;
    }

    private Task RunToolAsync(string tool, params string[] arguments) => RunAsync([.. AsItsUser, Path.Combine(BinFolder, tool), .. arguments], _folder);

    private static async Task RunAsync(string[] command, string folder)
    {
        using var process = Process.Start(new ProcessStartInfo(command[0], command[1..]) { RedirectStandardError = true, RedirectStandardOutput = true, WorkingDirectory = folder })!;
        var output = Task.WhenAll(process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync().WaitAsync(_deadline);
        if (process.ExitCode != 0) throw new InvalidOperationException($"{string.Join(' ', command)} ended with {process.ExitCode}: {string.Join("", await output)}");
    }

    private async Task LaunchAsync()
    {
        for (var attempt = 1; ; attempt++)
        {
            // Below the ports that the system gives to clients: a restart finds its own port free.
            if (Port == 0 || attempt > 5) Port = FreePort.Next();
            string[] settings = [$"port={Port}", "listen_addresses=127.0.0.1", $"unix_socket_directories={_folder}", "max_connections=200", "shared_buffers=64MB", "fsync=off", "wal_level=replica", "max_wal_senders=8", "hot_standby=on", "logging_collector=off", "log_min_messages=warning", .. _settings];
            string[] command = [.. AsItsUser, "/bin/sh", "-c", Launch, _folder, Path.Combine(BinFolder, "postgres"), "-D", DataFolder, .. settings.SelectMany(s => (string[])["-c", s])];
            _process = Process.Start(new ProcessStartInfo(command[0], command[1..]) { RedirectStandardInput = true, RedirectStandardError = true, RedirectStandardOutput = true, WorkingDirectory = _folder })!;
            _process.OutputDataReceived += (_, line) => Note(line.Data);
            _process.ErrorDataReceived += (_, line) => Note(line.Data);
            _process.BeginOutputReadLine();
            _process.BeginErrorReadLine();
            if (await TryAwaitReadyAsync()) return;
            _process.Dispose();
            _process = null;
            if (attempt == 10) throw new InvalidOperationException($"PostgreSQL does not start: {Log}");
            await Task.Delay(200);
        }
    }

    private async Task<bool> TryAwaitReadyAsync()
    {
        var begin = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(begin) < _deadline)
        {
            if (_process!.HasExited) return false;
            try
            {
                // Another server may answer on the port when this one could not take it and is about to end.
                return (string?)await ExecuteAsync("SELECT current_setting('data_directory')") == DataFolder;
            }
            catch (NpgsqlException) { await Task.Delay(50); }
        }
        throw new TimeoutException($"PostgreSQL was not ready in {_deadline}: {Log}");
    }

    private static async Task PollAsync(Func<Task<bool>> holds, string what)
    {
        var begin = Stopwatch.GetTimestamp();
        while (!await holds())
        {
            if (Stopwatch.GetElapsedTime(begin) > _deadline) throw new TimeoutException($"did not come to this in {_deadline}: {what}");
            await Task.Delay(20);
        }
    }

    private async Task EndAsync()
    {
        using var deadline = new CancellationTokenSource(_deadline);
        // The watchdog holds the server's output open: it has to go first.
        try { await _process!.StandardInput.WriteLineAsync("stopped"); }
        catch (IOException)
        {
            // It was killed with the rest.
        }
        await _process!.WaitForExitAsync(deadline.Token);
        _process.Dispose();
        _process = null;
    }

    private int[] Family()
    {
        if (_process is null) return [];
        var postmaster = _process.Id;
        var children = Directory.GetDirectories("/proc").Select(d => int.TryParse(Path.GetFileName(d), out var id) ? id : 0).Where(id => id > 0 && ParentOf(id) == postmaster);
        return [postmaster, .. children];
    }

    private static int ParentOf(int id)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{id}/stat");
            return int.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[1], CultureInfo.InvariantCulture);
        }
        catch (IOException) { return 0; }
    }

    // A child may have ended since it was counted.
    private Task SignalAsync(string signal, int[] ids) =>
        ids.Length == 0 ? Task.CompletedTask : RunAsync(["/bin/sh", "-c", $"kill -{signal} {string.Join(' ', ids)} 2>/dev/null || true"], _folder);

    private void Note(string? line)
    {
        if (line is null) return;
        lock (_log) _log.AppendLine(line);
    }
}
