using MeshDns.Actors;
using MeshDns.Actors.Cluster;
using MeshDns.Contracts.Messages;
using MeshDns.Host.Settings;
using MeshDns.Host.Settings.Hocon;
using Microsoft.Extensions.Logging;

namespace MeshDns.Host.Nodes;

/// <summary>Says once a start where this node is configured otherwise than the cluster's log has it: the log's values hold (docs/adr/0028).</summary>
internal sealed class SettingsNotice(MeshDnsSettings settings, IMeshControl mesh, TimeProvider time, ILogger log)
{
    private static readonly TimeSpan _again = TimeSpan.FromSeconds(5);

    /// <summary>Waits until the log's settings are known, says what differs, and ends.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                var view = await mesh.GetSettingsAsync(stop);
                if (Differences(settings, view.Shared) is { Count: > 0 } differences)
                    log.LogWarning("this node is configured otherwise than its cluster, whose settings hold (GET /v1/settings): {Differences}", string.Join("; ", differences));
                return;
            }
            catch (MeshUnavailableException) { await Task.WhenAny(Task.Delay(_again, time, stop)); }
            catch (OperationCanceledException) when (stop.IsCancellationRequested) { return; }
        }
    }

    /// <summary>What differs, a sentence each. A smaller TTL is a node's own affair.</summary>
    internal static List<string> Differences(MeshDnsSettings here, SharedSettings there)
    {
        var differences = new List<string>();
        var (ttl, quarantine) = (TimeSpan.FromMilliseconds(there.LargestTtlMs), TimeSpan.FromMilliseconds(there.QuarantineMs));
        if (here.Vips.Quarantine != quarantine) Add("vips.quarantine", HoconUnits.Format(here.Vips.Quarantine), HoconUnits.Format(quarantine));
        if (here.Dns.Ttl > ttl) differences.Add($"dns.ttl is {HoconUnits.Format(here.Dns.Ttl)} here and at most {HoconUnits.Format(ttl)} there: it is served capped");
        if (here.Mesh.ClusterDomain != there.ClusterDomain) Add("mesh.cluster-domain", here.Mesh.ClusterDomain, there.ClusterDomain);
        var zones = here.Mesh.Zones.Where(z => z != here.Mesh.ClusterDomain).Distinct().Order(StringComparer.Ordinal).ToArray();
        if (!zones.SequenceEqual(there.Zones)) Add("mesh.zones", List(zones), List(there.Zones));
        if (!here.Directory.IsDerived && here.Directory.MaxAge > there.MaxAge)
            differences.Add($"directory.max-age is {HoconUnits.Format(here.Directory.MaxAge)} here, and no more than {HoconUnits.Format(there.MaxAge)} is safe there: it is {HoconUnits.Format(there.MaxAge)}");
        return differences;

        void Add(string key, string mine, string shared) => differences.Add($"{key} is {mine} here and {shared} there");
    }

    private static string List(IReadOnlyList<string> zones) => $"[{string.Join(", ", zones)}]";
}
