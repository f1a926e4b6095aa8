using MeshDns.Host.Settings;
using MeshDns.Host.Telemetry;
using Microsoft.Extensions.Logging;

namespace MeshDns.Host.Nodes;

/// <summary>The verb <c>run</c>, once its settings are known to be good.</summary>
public static class RunNode
{
    /// <summary>Runs a node until the token; returns the exit code.</summary>
    public static async Task<int> RunAsync(MeshDnsSettings settings, CancellationToken cancel)
    {
        using var loggers = new ConsoleLog(Console.OpenStandardOutput(), TimeProvider.System);
        if (settings.Unsupported() is { Count: > 0 } unsupported)
        {
            var log = loggers.CreateLogger("node");
            foreach (var why in unsupported) log.LogCritical("{Why}", why);
            return 1;
        }
        return await new Node(settings, loggers).RunAsync(cancel);
    }
}
