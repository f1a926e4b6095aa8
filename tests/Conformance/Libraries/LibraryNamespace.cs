using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using MeshDns.Tests.Shared;

namespace MeshDns.Conformance.Libraries;

/// <summary>
/// A network namespace as a pod has it: a resolv.conf with ndots:5 and three search domains, a node that answers at port 53, another as its upstream, and a
/// counter of the packets that ask. Needs root and iproute2 and nftables, as the chaos run does.
/// </summary>
public sealed class LibraryNamespace : IAsyncLifetime
{
    private const string Services = """
        apiVersion: v1
        kind: Service
        metadata: { name: backend, namespace: prod }
        spec: { clusterIP: 10.99.0.20, ports: [{ port: 80, name: http }] }
        ---
        apiVersion: v1
        kind: Service
        metadata: { name: frontend, namespace: shop }
        spec: { clusterIP: 10.99.0.30, ports: [{ port: 80, name: http }] }
        ---
        apiVersion: networking.istio.io/v1
        kind: ServiceEntry
        metadata: { name: db, namespace: prod }
        spec: { hosts: [db.example.com], addresses: [10.99.0.40], ports: [{ number: 3306, name: mysql, protocol: TCP }], location: MESH_EXTERNAL }

        """;

    private const string Outside = """
        apiVersion: networking.istio.io/v1
        kind: ServiceEntry
        metadata: { name: outside }
        spec: { hosts: [www.example.org], addresses: [10.99.0.50], ports: [{ number: 80, name: http, protocol: HTTP }] }

        """;

    private readonly string _name = $"meshdns-lib-{Environment.ProcessId}";
    private readonly ScratchFolder _folder = new();
    private NodeProcess? _node;
    private NodeProcess? _upstream;

    private string Etc => $"/etc/netns/{_name}";

    public async Task InitializeAsync()
    {
        // What is compiled takes its time while the nodes start.
        var programs = Task.Run(CompileAsync);
        await DoneAsync("ip", ["netns", "add", _name]);
        Directory.CreateDirectory(Etc);
        // No library asks a second time only because this machine is slow.
        File.WriteAllText($"{Etc}/resolv.conf", "nameserver 127.0.0.1\nsearch prod.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5 timeout:30 attempts:1\n");
        if (File.Exists("/etc/nsswitch.conf")) File.WriteAllText($"{Etc}/nsswitch.conf", "hosts: files dns\n");
        // Addresses beside loopback's, since libraries ask for no family that the host has none of.
        string[] links = ["link set lo up", "link add pod0 type veth peer name pod1", "link set pod0 up", "link set pod1 up", "addr add 10.99.0.1/24 dev pod0", "addr add fd99::1/64 dev pod0 nodad"];
        foreach (var link in links) await DoneAsync("ip", ["-n", _name, .. link.Split(' ')]);
        await DoneAsync("ip", Inside("nft", "-f", "-"),
            "table inet judge { \n counter asked { }\n chain output { type filter hook output priority 0; udp dport 53 counter name asked\n tcp dport 53 counter name asked\n }\n}\n");
        _upstream = Launch("upstream", "127.0.0.1:5353", "127.0.0.1:15381");
        _node = Launch("node", "127.0.0.1:53", "127.0.0.1:15380", "upstream.servers=127.0.0.1:5353", "clients=[{ cidr = \"127.0.0.0/8\", namespace = prod }]");
        await Task.WhenAll(_node.WaitUntilReadyAsync(), _upstream.WaitUntilReadyAsync());
        await ApplyAsync("http://127.0.0.1:15380", Services);
        await ApplyAsync("http://127.0.0.1:15381", Outside);
        await programs;
    }

    public async Task DisposeAsync()
    {
        if (_node is not null) await _node.DisposeAsync();
        if (_upstream is not null) await _upstream.DisposeAsync();
        await CommandRun.Of("ip", "netns", "del", _name);
        if (Directory.Exists(Etc)) Directory.Delete(Etc, recursive: true);
        _folder.Dispose();
    }

    /// <summary>What the node has counted and logged, for a failure's message.</summary>
    public async Task<string> ReportAsync()
    {
        var metrics = await CommandRun.Of("ip", Inside("curl", "-s", "http://127.0.0.1:15380/metrics"));
        return string.Join('\n', metrics.Output.Split('\n').Where(line => line.StartsWith("meshdns_queries", StringComparison.Ordinal))) + "\n" + _node!.Log;
    }

    /// <summary>The addresses that a library finds, and the packets that asked for them.</summary>
    public async Task<(IReadOnlyList<string> Addresses, int Packets)> ResolveAsync(string library, string name)
    {
        await DoneAsync("ip", Inside("nft", "reset", "counter", "inet", "judge", "asked"));
        var run = await CommandRun.Of("ip", Inside([.. CommandOf(library), name]));
        var counted = await DoneAsync("ip", Inside("nft", "list", "counter", "inet", "judge", "asked"));
        var packets = int.Parse(counted.Split("packets ")[1].Split(' ')[0], CultureInfo.InvariantCulture);
        // curl connects to what it finds, which is nobody here, and says on its error output whom it tries.
        var lines = library == "curl"
            ? run.Error.Split('\n').Where(line => line.Contains("Trying ", StringComparison.Ordinal)).Select(line => line.Split("Trying ")[1].Split(':')[0])
            : run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return ([.. lines.Distinct().Order(StringComparer.Ordinal)], packets);
    }

    private string[] CommandOf(string library) => library switch
    {
        "glibc" => [_folder["glibc"]],
        "musl" => [_folder["musl"]],
        "go" => [_folder["go-pure"]],
        "cgo" => ["env", "GODEBUG=netdns=cgo", _folder["go-cgo"]],
        "java" => ["java", "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-cp", _folder.Path, "Resolve"],
        "node" => ["node", _folder["resolve.js"]],
        "python" => ["python3", _folder["resolve.py"]],
        "dotnet" => ["dotnet", Assembly.GetExecutingAssembly().Location],
        "curl" => ["curl", "-sv", "--connect-timeout", "0.2", "-o", "/dev/null"],
        _ => throw new ArgumentOutOfRangeException(nameof(library), library, "no such library"),
    };

    private async Task CompileAsync()
    {
        foreach (var source in (string[])["resolve.c", "resolve.go", "Resolve.java", "resolve.js", "resolve.py"])
        {
            await using var text = Assembly.GetExecutingAssembly().GetManifestResourceStream(source)!;
            await using var file = File.Create(_folder[source]);
            await text.CopyToAsync(file);
        }
        await DoneAsync("gcc", ["-o", _folder["glibc"], _folder["resolve.c"]]);
        await DoneAsync("musl-gcc", ["-static", "-o", _folder["musl"], _folder["resolve.c"]]);
        await DoneAsync("javac", ["-d", _folder.Path, _folder["Resolve.java"]]);
        string[] environment = [$"GOCACHE={_folder["go-cache"]}", "GO111MODULE=off", "GOFLAGS="];
        await DoneAsync("env", [.. environment, "CGO_ENABLED=0", "go", "build", "-o", _folder["go-pure"], _folder["resolve.go"]]);
        await DoneAsync("env", [.. environment, "CGO_ENABLED=1", "go", "build", "-o", _folder["go-cgo"], _folder["resolve.go"]]);
    }

    private NodeProcess Launch(string name, string dns, string admin, params string[] settings)
    {
        string[] all = [$"node.data-dir={_folder[name]}", $"node.name={name}", $"dns.listen={dns}", $"admin.listen={admin}", .. settings];
        return NodeProcess.Launch(new ProcessStartInfo("ip", Inside(["dotnet", NodeProcess.Program, "run", .. all.SelectMany(setting => (string[])["--set", setting])])));
    }

    private async Task ApplyAsync(string server, string manifests)
    {
        var file = _folder[$"{Guid.NewGuid()}.yaml"];
        File.WriteAllText(file, manifests);
        await DoneAsync("ip", Inside("dotnet", NodeProcess.Program, "apply", "-f", file, "--server", server));
    }

    private string[] Inside(params string[] command) => ["netns", "exec", _name, .. command];

    private static async Task<string> DoneAsync(string program, string[] arguments, string input = "")
    {
        var run = await CommandRun.Of(new ProcessStartInfo(program, arguments), input, TimeSpan.FromMinutes(3));
        Assert.True(run.ExitCode == 0, run.ToString());
        return run.Output;
    }
}
