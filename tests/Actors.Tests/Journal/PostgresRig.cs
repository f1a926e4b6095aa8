using MeshDns.Actors.Journal;
using Npgsql;

namespace MeshDns.Actors.Tests.Journal;

/// <summary>Short ways to use a database from tests.</summary>
internal static class PostgresRig
{
    public static PostgresJournalOptions Options(string connection) => new(connection, TimeSpan.FromSeconds(5), false);

    public static async Task<PostgresJournal> OpenAsync(string connection) => await OpenAsync(Options(connection));

    public static async Task<PostgresJournal> OpenAsync(PostgresJournalOptions options) => await PostgresJournal.OpenAsync(options, TimeProvider.System, (_, _, _, _) => { });

    public static async Task<object?> ExecuteAsync(string connection, string sql)
    {
        await using var open = new NpgsqlConnection(connection + ";Pooling=false");
        await open.OpenAsync();
        await using var command = new NpgsqlCommand(sql, open);
        return await command.ExecuteScalarAsync();
    }
}
