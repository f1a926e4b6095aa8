using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;

namespace MeshDns.Host.Telemetry;

/// <summary>What any process should tell: build, processor time, memory, collections.</summary>
public static class ProcessMetrics
{
    private static readonly string _version = typeof(ProcessMetrics).Assembly.GetName().Version?.ToString(3) ?? "0";

    /// <summary>The version of this build, as <c>1.2.3</c>.</summary>
    public static string Version =>
        typeof(ProcessMetrics).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? _version;

    /// <summary>A collector for <see cref="MetricsRegistry.Register"/>.</summary>
    public static void Collect(MetricsText text)
    {
        text.Sample(MeshMetrics.BuildInfo, 1, Version, RuntimeInformation.FrameworkDescription);
        text.Sample(MeshMetrics.HeapBytes, GC.GetTotalMemory(forceFullCollection: false));
        for (var generation = 0; generation <= GC.MaxGeneration; generation++)
        {
            text.Sample(MeshMetrics.CollectionsTotal, GC.CollectionCount(generation), generation.ToString(CultureInfo.InvariantCulture));
        }
        text.Sample(MeshMetrics.GcPauseSecondsTotal, GC.GetTotalPauseDuration().TotalSeconds);
        text.Sample(MeshMetrics.GcAllocatedBytesTotal, GC.GetTotalAllocatedBytes());
        using var process = Process.GetCurrentProcess();
        text.Sample(MeshMetrics.ProcessCpuSecondsTotal, process.TotalProcessorTime.TotalSeconds);
        text.Sample(MeshMetrics.ProcessResidentMemoryBytes, process.WorkingSet64);
        text.Sample(MeshMetrics.ProcessStartTimeSeconds, (process.StartTime.ToUniversalTime() - DateTime.UnixEpoch).TotalSeconds);
        text.Sample(MeshMetrics.ProcessThreads, process.Threads.Count);
    }
}
