using System.Diagnostics;
using MeshDns.Tests.Shared;

namespace MeshDns.Compose;

/// <summary>
/// The Docker that the tests use: the one that runs, else a daemon of their own for as long as they last. Their own keeps its images in a folder of
/// its own, so that what is made here never hides an official image, and leaves the machine's firewall alone: its rules would drop the traffic of
/// every other bridge.
/// </summary>
internal static class Docker
{
    private const string DataRoot = "/var/cache/meshdns/docker";
    private const string RunFolder = "/run/meshdns-docker";
    private const string Socket = $"unix://{RunFolder}/docker.sock";
    private const string Log = $"{RunFolder}/dockerd.log";

    private static readonly TimeSpan _startLimit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan _lockLimit = TimeSpan.FromMinutes(10);
    private static readonly Lazy<string?> _whyNot = new(() => ConnectAsync().GetAwaiter().GetResult());

    private static FileStream? _lock;

    /// <summary>Why Docker cannot be used here; null when it can. The first to ask starts the daemon.</summary>
    public static string? WhyNot => _whyNot.Value;

    /// <summary>Whether the daemon is the tests' own.</summary>
    public static bool IsOwn => _lock is not null;

    /// <summary>The words that run compose: version 1 or 2, whichever is installed.</summary>
    public static string[] Compose { get; private set; } = [];

    /// <summary>Runs <c>docker</c>; anything but success fails.</summary>
    public static Task<CommandRun> RunAsync(params string[] arguments) => RunAsync(TimeSpan.FromMinutes(1), ["docker", .. arguments]);

    /// <summary>Runs a command that talks to the daemon; anything but success fails.</summary>
    public static async Task<CommandRun> RunAsync(TimeSpan limit, string[] command, IReadOnlyDictionary<string, string>? environment = null)
    {
        var run = await TryAsync(limit, command, environment);
        Assert.True(run.ExitCode == 0, run.ToString());
        return run;
    }

    /// <summary>Runs a command that talks to the daemon, in the repository, without this process's own settings of MeshDns.</summary>
    public static Task<CommandRun> TryAsync(TimeSpan limit, string[] command, IReadOnlyDictionary<string, string>? environment = null)
    {
        var start = new ProcessStartInfo(command[0], command[1..]) { WorkingDirectory = Repository.Root };
        foreach (var name in start.Environment.Keys.Where(key => key.StartsWith("MESHDNS_", StringComparison.Ordinal)).ToList()) start.Environment.Remove(name);
        if (IsOwn) start.Environment["DOCKER_HOST"] = Socket;
        foreach (var (name, value) in environment ?? new Dictionary<string, string>()) start.Environment[name] = value;
        return CommandRun.Of(start, limit: limit);
    }

    private static async Task<string?> ConnectAsync()
    {
        if (!OperatingSystem.IsLinux()) return "the tests of the containers run on Linux";
        if (!IsInstalled("docker")) return "docker is not installed";
        if (await WorksAsync("docker-compose", "version")) Compose = ["docker-compose"];
        else if (await WorksAsync("docker", "compose", "version")) Compose = ["docker", "compose"];
        else return "neither docker-compose nor 'docker compose' is installed";
        if (await WorksAsync("docker", "version")) return null;
        if (!Environment.IsPrivilegedProcess) return "no dockerd runs, and only root can start one";
        if (!IsInstalled("dockerd")) return "no dockerd runs, and none is installed";
        Directory.CreateDirectory(RunFolder);
        if (!await LockAsync()) return "another run of these tests held dockerd for ten minutes";
        // What an earlier run left over, or what is still about to end.
        EndDaemon();
        AppDomain.CurrentDomain.ProcessExit += (_, _) => EndDaemon();
        if (await StartAsync())
        {
            // Its folder would grow with every run: what was built a day ago and has no name any more goes.
            await TryAsync(TimeSpan.FromMinutes(1), ["docker", "container", "prune", "--force"]);
            await TryAsync(TimeSpan.FromMinutes(1), ["docker", "image", "prune", "--force", "--filter", "until=24h"]);
            return null;
        }
        return $"dockerd does not start: {string.Join(" | ", File.ReadLines(Log).TakeLast(3))}";
    }

    // One run at a time has the daemon; the lock is held until the process ends.
    private static async Task<bool> LockAsync()
    {
        for (var begin = Stopwatch.StartNew(); begin.Elapsed < _lockLimit; await Task.Delay(500))
        {
            try
            {
                _lock = new FileStream(Path.Combine(RunFolder, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
                return true;
            }
            catch (IOException)
            {
                // Held by another run.
            }
        }
        return false;
    }

    private static async Task<bool> StartAsync()
    {
        // Ports are published by docker-proxy and images are built on the host's network, so neither needs the firewall or a default bridge.
        string[] flags =
        [
            "--host", Socket, "--data-root", DataRoot, "--exec-root", $"{RunFolder}/exec", "--pidfile", $"{RunFolder}/pid",
            "--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-forward=false", "--ip-masq=false",
        ];
        // Own session: an interrupted test run must still be able to take its containers down.
        using var daemon = Process.Start("setsid", ["sh", "-c", $"exec dockerd \"$@\" >{Log} 2>&1", "dockerd", .. flags]);
        for (var begin = Stopwatch.StartNew(); begin.Elapsed < _startLimit && !daemon.HasExited; await Task.Delay(200))
        {
            if (await WorksAsync("docker", "version")) return true;
        }
        return false;
    }

    private static void EndDaemon()
    {
        if (!File.Exists($"{RunFolder}/pid") || !int.TryParse(File.ReadAllText($"{RunFolder}/pid"), out var id)) return;
        try
        {
            using var daemon = Process.GetProcessById(id);
            if (daemon.ProcessName != "dockerd") return;
            using var kill = Process.Start("kill", [$"{id}"]);
            daemon.WaitForExit(TimeSpan.FromSeconds(20));
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException)
        {
            // It has ended by itself.
        }
    }

    private static bool IsInstalled(string program) => Environment.GetEnvironmentVariable("PATH")?.Split(':').Any(folder => File.Exists(Path.Combine(folder, program))) == true;

    private static async Task<bool> WorksAsync(params string[] command)
    {
        try { return IsInstalled(command[0]) && (await TryAsync(TimeSpan.FromSeconds(20), command)).ExitCode == 0; }
        catch (TimeoutException) { return false; }
    }
}
