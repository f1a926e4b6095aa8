using MeshDns.Actors.Journal;
using MeshDns.Host.Settings;

namespace MeshDns.Host.Nodes;

/// <summary>The verb <c>verify</c>: replays the journal read-only and prints what is wrong with it.</summary>
public static class VerifyStore
{
    /// <summary>Checks the store that the settings name; 0 when every invariant holds.</summary>
    public static async Task<int> RunAsync(MeshDnsSettings settings, TextWriter output, TextWriter error)
    {
        AuditReport report;
        try { report = JournalAudit.Run(await ReadAsync(settings)); }
        catch (JournalUnavailableException e)
        {
            await error.WriteLineAsync($"error: {e.Message}");
            return 1;
        }
        foreach (var breach in report.Breaches) await error.WriteLineAsync($"breach: {breach}");
        await output.WriteLineAsync($"{report.Streams} streams, {report.Events} events, {report.Documents} documents, {report.Hosts} hosts, {report.Leases} leases: {(report.Breaches.Count == 0 ? "no breach" : $"{report.Breaches.Count} breaches")}");
        return report.Breaches.Count == 0 ? 0 : 1;
    }

    private static async Task<JournalImage> ReadAsync(MeshDnsSettings settings) => settings.Journal.Store == JournalStore.Postgres
        ? await PostgresImage.ReadAsync(settings.Journal.ConnectionString.Reveal(), CancellationToken.None)
        : SqliteImage.Read(settings.Node.DataDirectory);
}
