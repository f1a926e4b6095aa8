using MeshDns.Host.Cli;
using MeshDns.Host.Net;
using MeshDns.Host.Settings;
using MeshDns.Host.Telemetry;
using Microsoft.Extensions.Logging;

namespace MeshDns.Host.Nodes;

/// <summary>The verb <c>run</c>, once its settings are known to be good.</summary>
public static class RunNode
{
    /// <summary>Runs a node until the token, and reads its settings again with each SIGHUP; returns the exit code.</summary>
    public static async Task<int> RunAsync(MeshDnsSettings settings, HangUp hangUp, CancellationToken cancel)
    {
        using var loggers = new ConsoleLog(Console.OpenStandardOutput(), TimeProvider.System);
        var log = loggers.CreateLogger("node");
        if (settings.Unsupported() is { Count: > 0 } unsupported)
        {
            foreach (var why in unsupported) log.LogCritical("{Why}", why);
            return 1;
        }
        if (DescriptorPlan.Of(DescriptorLimit.Read(), settings, out var problem) is not { } descriptors)
        {
            log.LogCritical("{Problem}", problem);
            return 1;
        }
        if (descriptors.Warning.Length > 0) log.LogWarning("{Warning}", descriptors.Warning);
        DataDirectory.MakePrivate();
        return await new Node(settings, descriptors, loggers, hangUp).RunAsync(cancel);
    }
}
