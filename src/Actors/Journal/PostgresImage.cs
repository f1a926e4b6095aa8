using System.Data;
using MeshDns.Actors.Vips;
using Npgsql;

namespace MeshDns.Actors.Journal;

/// <summary>Reads a whole journal without writing to it; running nodes are not disturbed.</summary>
public static class PostgresImage
{
    /// <summary>Reads the journal in a database, as it is at one moment.</summary>
    /// <param name="connectionString">Npgsql's; of several hosts the primary is read.</param>
    /// <param name="cancel">Ends it.</param>
    /// <exception cref="JournalUnavailableException">There is none, or it cannot be read.</exception>
    public static async Task<JournalImage> ReadAsync(string connectionString, CancellationToken cancel)
    {
        // No lease is at stake; this bounds how long the database may keep silent.
        var options = new PostgresJournalOptions(connectionString, TimeSpan.FromSeconds(30), AllowDataLoss: true);
        await using var source = PostgresSessions.Source(options.Reads(), options.HasSeveralHosts);
        try
        {
            await using var connection = await source.OpenConnectionAsync(cancel);
            await using var transaction = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancel);
            await using (var readOnly = connection.Command("SET TRANSACTION READ ONLY")) await readOnly.ExecuteNonQueryAsync(cancel);
            if (await PostgresSchema.ReadVersionAsync(connection, cancel) == 0) throw new JournalUnavailableException("there is no journal in the database");
            return await ReadAsync(connection, cancel);
        }
        catch (Exception e) when (e is not JournalUnavailableException && !(e is OperationCanceledException && cancel.IsCancellationRequested))
        {
            throw new JournalUnavailableException("the journal cannot be read: " + e.Message, e);
        }
    }

    private static async Task<JournalImage> ReadAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        var streams = new List<StreamImage>();
        foreach (var owner in await PostgresReads.OwnershipAsync(connection, cancel))
        {
            var snapshot = await PostgresReads.HistoryAsync(connection, owner.Stream, fromStart: false, cancel);
            streams.Add(new StreamImage(owner, snapshot.Snapshot, snapshot.SnapshotSeq, (await PostgresReads.HistoryAsync(connection, owner.Stream, fromStart: true, cancel)).Rows));
        }
        return new JournalImage(
            (await ReadAllAsync("SELECT name, value FROM meshdns.cluster_setting", r => (Name: r.GetString(0), Value: r.GetString(1)))).ToDictionary(s => s.Name, s => s.Value),
            streams,
            await ReadAllAsync("SELECT DISTINCT stream FROM meshdns.event WHERE stream NOT IN (SELECT stream FROM meshdns.ownership)", r => r.GetString(0)),
            await ReadAllAsync("SELECT idx, host, state FROM meshdns.vip_lease ORDER BY idx", r => new VipLeaseRow(r.GetInt32(0), r.GetString(1), r.GetString(2))),
            await ReadAllAsync("SELECT address, host FROM meshdns.vip_claim ORDER BY address, host", r => new VipClaimRow(r.GetString(0), r.GetString(1))));

        async Task<List<T>> ReadAllAsync<T>(string sql, Func<NpgsqlDataReader, T> make)
        {
            await using var command = connection.Command(sql);
            return await command.ReadAllAsync(make, cancel);
        }
    }
}
