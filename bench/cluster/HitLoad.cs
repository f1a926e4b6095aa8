using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.Json;

namespace MeshDns.ClusterBench;

/// <summary>What a window of a load came to; times in microseconds from sending to the answer.</summary>
internal sealed record HitWindow(long Done, long Lost, long Bad, double P50, double P99, double P999, double Max);

/// <summary>The load generator of bench/load, built for this run, and where it and what it loads run. It sleeps between queries, for it shares its core.</summary>
internal sealed class HitLoad(string folder)
{
    // Sockets and the most queries of each that wait: at 20,000 a second those of 0.4 s, so a stall shorter than that holds no later query back.
    private const int Sockets = 8;
    private const int Window = 1024;

    private static readonly JsonSerializerOptions _options = new(JsonSerializerDefaults.Web);

    private string Program => Path.Combine(folder, "dnsload");

    private string Names => Path.Combine(folder, "names.txt");

    public async Task PrepareAsync(IEnumerable<string> names)
    {
        await RunAsync("gcc", "-O2", "-o", Program, Path.Combine(Root(AppContext.BaseDirectory), "bench", "load", "dnsload.c"));
        await File.WriteAllLinesAsync(Names, names.Select(name => name + " A"));
    }

    /// <summary>Queries at a fixed rate; the windows in order, each so many seconds long. What is not answered within the patience is lost.</summary>
    public async Task<IReadOnlyList<HitWindow>> RunAsync(IPEndPoint server, int rate, int windows, int windowSeconds, int patienceMs = 1000)
    {
        var number = CultureInfo.InvariantCulture;
        var text = await RunAsync("nice", "-n", "-15", Program, "-p", server.Port.ToString(number), "-d", Names, "-c", Sockets.ToString(number), "-w", Window.ToString(number),
            "-Q", rate.ToString(number), "-l", (windows * windowSeconds).ToString(number), "-W", (windowSeconds * 1000).ToString(number), "-t", patienceMs.ToString(number), "-e");
        return JsonDocument.Parse(text).RootElement.GetProperty("windows").Deserialize<HitWindow[]>(_options)!;
    }

    /// <summary>Binds a process, its threads and what they start to one processor, or with null to all. Nothing where there is only one.</summary>
    public static async Task PinAsync(int process, int? cpu)
    {
        // Not Environment.ProcessorCount: that is of the processors that this process may use.
        var cpus = Directory.EnumerateDirectories("/sys/devices/system/cpu", "cpu?").Count();
        if (cpus > 1) await RunAsync("taskset", "-apc", cpu is { } one ? one.ToString(CultureInfo.InvariantCulture) : $"0-{cpus - 1}", process.ToString(CultureInfo.InvariantCulture));
    }

    private static async Task<string> RunAsync(string program, params IEnumerable<string> arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })!;
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return process.ExitCode == 0 ? output : throw new InvalidOperationException($"{program} ended with {process.ExitCode}");
    }

    private static string Root(string folder) => File.Exists(Path.Combine(folder, "MeshDns.sln")) ? folder
        : Root(Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("the measurement does not run inside the repository"));
}
