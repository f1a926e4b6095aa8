using System.Globalization;
using System.Net;
using System.Net.Sockets;
using MeshDns.Chaos.Run.Links;
using MeshDns.Tests.Shared;
using MeshDns.Tests.Shared.Judge;

namespace MeshDns.Chaos.Run.Cluster;

/// <summary>
/// The addresses of a node, the same for all its starts. The ports are the same on all nodes, and so are the addresses of DNS and the HTTP API:
/// loopback, from where the harness looks.
/// </summary>
internal sealed record NodeAddress(int Number, int DnsPort, int AdminPort, int ClusterPort)
{
    /// <summary>True of a node that only answers: it has no database and reads from the owners.</summary>
    public bool IsEdge { get; init; }

    public string Name => string.Create(CultureInfo.InvariantCulture, $"node-{Number}");

    public IPEndPoint Dns => new(IPAddress.Loopback, DnsPort);

    public IPEndPoint Admin => new(IPAddress.Loopback, AdminPort);

    public IPEndPoint Cluster => new(Router.AddressOf(Number), ClusterPort);
}

/// <summary>A node as a process, started, held and killed again and again. It tells the history when it was up and when it was held.</summary>
internal sealed class ChaosNode(NodeAddress address, Namespace place, string folder, Func<IEnumerable<string>> settings, History history, Clock clock) : IAsyncDisposable
{
    private const int SigtermUnhandled = 128 + 15;

    private readonly HttpClient _http = new(new SocketsHttpHandler
    {
        ConnectCallback = async (_, cancel) => await ConnectAsync(place, address.Admin, cancel),
        ConnectTimeout = TimeSpan.FromSeconds(2),
        PooledConnectionIdleTimeout = TimeSpan.FromSeconds(5),
    })
    { BaseAddress = new Uri($"http://{address.Admin}"), Timeout = Timeout.InfiniteTimeSpan };

    private readonly List<string> _oldLogs = [];
    private NodeProcess? _process;
    private long? _upSince;
    private long? _pausedSince;

    public NodeAddress Address => address;

    /// <summary>Where it runs, and where it is asked from: what is broken outside does not hinder who looks.</summary>
    public Namespace Place => place;

    /// <summary>Its HTTP API, asked in its own namespace. Deadlines are the caller's.</summary>
    public HttpClient Http => _http;

    public string Name => address.Name;

    public bool IsOwner => !address.IsEdge;

    /// <summary>True from when it said that it was ready until it was ended.</summary>
    public bool IsUp => _upSince is not null;

    public bool IsRunning => _process is { HasExited: false };

    /// <summary>True when it ended though nobody had asked it to.</summary>
    public bool HasDied => _upSince is not null && _process is { HasExited: true };

    public string DataDirectory => Path.Combine(folder, "data");

    public FakeClock FakeClock { get; } = new(Path.Combine(folder, "clock"));

    /// <summary>Everything that all its starts wrote.</summary>
    public string Log => string.Concat(_oldLogs) + _process?.Log;

    /// <summary>Starts it and does not wait.</summary>
    public void Launch(bool fakeClock = false)
    {
        Directory.CreateDirectory(folder);
        string[] all =
        [
            $"node.name={Name}", $"node.data-dir={DataDirectory}", $"dns.listen={address.Dns}", $"admin.listen={address.Admin}", .. settings(),
        ];
        var start = place.Command("dotnet", [NodeProcess.Program, "run", .. all.SelectMany(setting => (string[])["--set", setting])]);
        // Several nodes and a database share few cores here, and the garbage collector's default is a heap per core.
        start.Environment["DOTNET_gcServer"] = "0";
        start.Environment["DOTNET_TieredPGO"] = "0";
        if (fakeClock) FakeClock.Apply(start);
        _process = place.Run(() => NodeProcess.Launch(start));
    }

    /// <summary>Waits until it says that it is ready.</summary>
    public async Task AwaitReadyAsync()
    {
        await _process!.WaitUntilReadyAsync();
        MarkUp();
    }

    /// <summary>From here on it is held to what it promises, ready or not.</summary>
    public void MarkUp() => _upSince = clock.Now;

    /// <summary>Waits until a line of its present start matches.</summary>
    public Task AwaitLogAsync(string pattern) => _process!.WaitForLogAsync(pattern);

    public async Task StartAsync(bool fakeClock = false)
    {
        Launch(fakeClock);
        await AwaitReadyAsync();
    }

    public async Task KillAsync()
    {
        MarkDown();
        await EndAsync(process => process.KillAsync());
    }

    /// <summary>SIGTERM; it has to end orderly.</summary>
    public async Task StopAsync()
    {
        var wasUp = IsUp;
        MarkDown();
        await EndAsync(async process =>
        {
            var code = await process.StopAsync();
            // A process that has hardly begun does not handle signals yet.
            if (code != 0 && !(code == SigtermUnhandled && !wasUp)) throw new InvalidOperationException($"{Name} ended with {code} after SIGTERM; its log:\n{process.Log}");
        });
    }

    public void Pause()
    {
        _pausedSince = clock.Now;
        Signals.Stop(_process!.ProcessId);
    }

    /// <summary>Sets its clock. To the node a step ahead is the same as having slept: what it knows is as old as that, until it has read again.</summary>
    public void StepClock(TimeSpan by)
    {
        FakeClock.Step(by);
        history.Add(new NodeRecord(Name, NodeCondition.Paused, clock.Now, clock.Now));
    }

    public void Resume()
    {
        Signals.Continue(_process!.ProcessId);
        MarkResumed();
    }

    public async ValueTask DisposeAsync()
    {
        MarkDown();
        if (_process is not null) await _process.DisposeAsync();
        _http.Dispose();
    }

    /// <summary>Ends the open intervals of the history.</summary>
    public void MarkDown()
    {
        MarkResumed();
        if (_upSince is { } since) history.Add(new NodeRecord(Name, NodeCondition.Up, since, clock.Now));
        _upSince = null;
    }

    private static async Task<Stream> ConnectAsync(Namespace place, IPEndPoint target, CancellationToken cancel)
    {
        var socket = place.OpenTcp();
        try
        {
            await socket.ConnectAsync(target, cancel);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private void MarkResumed()
    {
        if (_pausedSince is { } since) history.Add(new NodeRecord(Name, NodeCondition.Paused, since, clock.Now));
        _pausedSince = null;
    }

    private async Task EndAsync(Func<NodeProcess, Task> end)
    {
        if (_process is not { } process) return;
        await end(process);
        _oldLogs.Add(process.Log);
        _process = null;
        await process.DisposeAsync();
    }
}
