using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;

namespace MeshDns.Tests.Shared;

/// <summary>
/// The real program with the verb <c>run</c>, as its own process.
/// Every wait has a deadline, and a wait that fails shows the log.
/// </summary>
public sealed partial class NodeProcess : IAsyncDisposable
{
    private const int Sigterm = 15;
    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly Lock _gate = new();
    private readonly StringBuilder _log = new();
    private readonly List<(Regex Pattern, TaskCompletionSource<Match> Found)> _awaited = [];
    private readonly Task _readers;

    private NodeProcess(ProcessStartInfo start)
    {
        start.RedirectStandardOutput = start.RedirectStandardError = true;
        foreach (var name in start.Environment.Keys.Where(key => key.StartsWith("MESHDNS_", StringComparison.Ordinal)).ToList()) start.Environment.Remove(name);
        _process = Process.Start(start)!;
        _readers = Task.WhenAll(ReadAsync(_process.StandardOutput), ReadAsync(_process.StandardError));
    }

    /// <summary>The program, to be run by <c>dotnet</c>: the one that ./test has published, else the one that was built with the tests.</summary>
    public static string Program { get; } = Environment.GetEnvironmentVariable("MESHDNS_TEST_PROGRAM") ?? Path.Combine(AppContext.BaseDirectory, "meshdns.dll");

    /// <summary>Where it answers DNS; known when it is ready.</summary>
    public IPEndPoint Dns { get; private set; } = new(IPAddress.Loopback, 0);

    /// <summary>Where its HTTP API is; known when it is ready.</summary>
    public Uri Admin { get; private set; } = new("http://127.0.0.1");

    public int ProcessId => _process.Id;

    public bool HasExited => _process.HasExited;

    /// <summary>Everything it wrote so far.</summary>
    public string Log
    {
        get { lock (_gate) return _log.ToString(); }
    }

    /// <summary>Starts a node on ports that the system chooses, and waits until it is ready. Settings are <c>key=value</c> and win over those.</summary>
    public static async Task<NodeProcess> StartAsync(string dataDirectory, params IEnumerable<string> settings)
    {
        var node = Launch(dataDirectory, settings);
        try
        {
            await node.WaitUntilReadyAsync();
            return node;
        }
        catch
        {
            await node.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts a node and does not wait for anything.</summary>
    public static NodeProcess Launch(string dataDirectory, params IEnumerable<string> settings) => LaunchOf(Program, dataDirectory, settings);

    /// <summary>The same with another build of the program.</summary>
    public static NodeProcess LaunchOf(string program, string dataDirectory, params IEnumerable<string> settings)
    {
        string[] all = [$"node.data-dir={dataDirectory}", "node.name=node-1", "dns.listen=127.0.0.1:0", "admin.listen=127.0.0.1:0", .. settings];
        return new NodeProcess(new ProcessStartInfo("dotnet", [program, "run", .. all.SelectMany(setting => (string[])["--set", setting])]));
    }

    /// <summary>Starts the program by a command of the test's own.</summary>
    public static NodeProcess Launch(ProcessStartInfo start) => new(start);

    /// <summary>
    /// Starts a node on ports that were free a moment ago, for a node that is never ready and so never says where it listens; waits until it
    /// takes connections.
    /// </summary>
    public static async Task<NodeProcess> StartUnreadyAsync(string dataDirectory, params IEnumerable<string> settings)
    {
        var (dns, admin) = (FreePort.Next(), FreePort.Next());
        var node = Launch(dataDirectory, [$"dns.listen=127.0.0.1:{dns}", $"admin.listen=127.0.0.1:{admin}", .. settings]);
        node.Dns = new IPEndPoint(IPAddress.Loopback, dns);
        node.Admin = new Uri($"http://127.0.0.1:{admin}");
        await node.PollAsync(async () =>
        {
            // HTTP is opened after DNS.
            using var client = new TcpClient();
            try
            {
                await client.ConnectAsync(IPAddress.Loopback, admin);
                return true;
            }
            catch (SocketException) { return false; }
        }, "the node takes connections");
        return node;
    }

    public async Task WaitUntilReadyAsync()
    {
        var ready = await WaitForLogAsync(@"ready: dns (?<dns>[0-9.:\[\]]+) \(udp and tcp\), admin (?<admin>http://[0-9.:]+)");
        Dns = IPEndPoint.Parse(ready.Groups["dns"].Value);
        Admin = new Uri(ready.Groups["admin"].Value);
    }

    /// <summary>Waits until a line of the log, past or to come, matches.</summary>
    public async Task<Match> WaitForLogAsync(string pattern)
    {
        var regex = new Regex(pattern);
        var found = new TaskCompletionSource<Match>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            if (regex.Match(_log.ToString()) is { Success: true } match) return match;
            _awaited.Add((regex, found));
        }
        var ended = _process.WaitForExitAsync();
        if (await Task.WhenAny(found.Task, ended, Task.Delay(_deadline)) == found.Task) return await found.Task;
        throw Failure(_process.HasExited ? $"ended with {_process.ExitCode} before it logged '{pattern}'" : $"did not log '{pattern}' in {_deadline}");
    }

    /// <summary>Asks again and again until it holds; for what no signal tells.</summary>
    public async Task PollAsync(Func<Task<bool>> holds, string what)
    {
        var begin = Stopwatch.GetTimestamp();
        while (!await holds())
        {
            if (_process.HasExited) throw Failure($"ended with {_process.ExitCode} before: {what}");
            if (Stopwatch.GetElapsedTime(begin) > _deadline) throw Failure($"did not come to this in {_deadline}: {what}");
            await Task.Delay(50);
        }
    }

    /// <summary>SIGTERM; its exit code.</summary>
    public async Task<int> StopAsync()
    {
        if (!_process.HasExited && Kill(_process.Id, Sigterm) != 0) throw new InvalidOperationException($"kill failed with {Marshal.GetLastPInvokeError()}");
        await EndAsync("after SIGTERM");
        return _process.ExitCode;
    }

    /// <summary>SIGKILL: no chance to save anything.</summary>
    public async Task KillAsync()
    {
        _process.Kill(entireProcessTree: true);
        await EndAsync("after SIGKILL");
    }

    /// <summary>Waits for an end that was not asked for; its exit code.</summary>
    public async Task<int> WaitForExitAsync()
    {
        await EndAsync("by itself");
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited) await KillAsync();
        _process.Dispose();
    }
    private async Task EndAsync(string when)
    {
        try
        {
            await _process.WaitForExitAsync().WaitAsync(_deadline);
            await _readers.WaitAsync(_deadline);
        }
        catch (TimeoutException)
        {
            var failure = Failure($"did not end {when} in {_deadline}");
            _process.Kill(entireProcessTree: true);
            throw failure;
        }
    }

    private async Task ReadAsync(StreamReader reader)
    {
        while (await reader.ReadLineAsync() is { } line)
        {
            lock (_gate)
            {
                _log.AppendLine(line);
                _awaited.RemoveAll(awaited => awaited.Pattern.Match(line) is { Success: true } match && awaited.Found.TrySetResult(match));
            }
        }
    }

    private InvalidOperationException Failure(string what) => new($"the node {what}; its log:\n{Log}");

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int process, int signal);
}
