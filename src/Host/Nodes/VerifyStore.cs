using MeshDns.Actors.Log;
using MeshDns.Actors.Store;
using MeshDns.Host.Settings;

namespace MeshDns.Host.Nodes;

/// <summary>The verb <c>verify</c>: replays the log read-only and prints what is wrong with it, or prints rows of it.</summary>
public static class VerifyStore
{
    /// <summary>Checks the store that the settings name; 0 when every invariant holds.</summary>
    /// <param name="settings">They name the store.</param>
    /// <param name="print">Rows to print instead of checking, the first and the last; null: all is checked.</param>
    /// <param name="output">Gets results.</param>
    /// <param name="error">Gets breaches, and why the store cannot be read.</param>
    /// <param name="cancel">Ends it.</param>
    public static async Task<int> RunAsync(MeshDnsSettings settings, (long From, long To)? print, TextWriter output, TextWriter error, CancellationToken cancel)
    {
        try
        {
            var dump = await ReadAsync(settings, cancel);
            return print is { } range ? await PrintAsync(dump, range.From, range.To, output, error) : await CheckAsync(dump, output, error);
        }
        catch (StoreUnavailableException e)
        {
            await error.WriteLineAsync($"error: {e.Message}");
            return 1;
        }
    }

    private static async Task<int> CheckAsync(LogDump dump, TextWriter output, TextWriter error)
    {
        var report = LogAudit.Run(dump.Rows, dump.Images);
        foreach (var breach in report.Breaches) await error.WriteLineAsync($"breach: {breach}");
        await output.WriteLineAsync(
            $"{report.Rows} rows, {report.Transactions} transactions, {report.Events} events, {report.Documents} documents, {report.Hosts} hosts, {report.Leases} leases: "
            + (report.Breaches.Count == 0 ? "no breach" : $"{report.Breaches.Count} breaches"));
        return report.Breaches.Count == 0 ? 0 : 1;
    }

    private static async Task<int> PrintAsync(LogDump dump, long from, long to, TextWriter output, TextWriter error)
    {
        var rows = dump.Rows.Where(r => r.Number >= from && r.Number <= to).Take(RowText.MostRows + 1).ToArray();
        foreach (var row in rows.Take(RowText.MostRows)) await output.WriteLineAsync(RowText.Of(row));
        if (rows.Length > RowText.MostRows) await error.WriteLineAsync($"only {RowText.MostRows} rows are printed at once; go on with --print {rows[^1].Number}..{to}");
        if (rows.Length > 0) return 0;
        await error.WriteLineAsync(dump.Rows is [var first, .., var last] ? $"error: the log has the rows {first.Number} to {last.Number}" : $"error: the log has {dump.Rows.Count} rows");
        return 1;
    }

    private static Task<LogDump> ReadAsync(MeshDnsSettings settings, CancellationToken cancel) => settings.Journal.Store == JournalStore.Postgres
        ? LogDump.ReadPostgresAsync(settings.Journal.ConnectionString.Reveal(), cancel)
        : LogDump.ReadSqliteAsync(Path.Combine(settings.Node.DataDirectory, "journal.db"), cancel);
}
