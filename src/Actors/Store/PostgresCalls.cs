using Npgsql;

namespace MeshDns.Actors.Store;

/// <summary>Short ways to use the driver.</summary>
internal static class PostgresCalls
{
    /// <summary>For a transaction that need not be on disk when it is told.</summary>
    public const string NotDurable = "SELECT set_config('synchronous_commit', 'off', true)";

    /// <summary>A command with parameters $1, $2, ...</summary>
    public static NpgsqlCommand Command(this NpgsqlConnection connection, string sql, params ReadOnlySpan<object> arguments)
    {
        var command = new NpgsqlCommand(sql, connection);
        foreach (var argument in arguments) command.Parameters.Add(new NpgsqlParameter { Value = argument });
        return command;
    }

    /// <summary>Runs a command; returns the number of rows that it changed.</summary>
    public static async Task<int> ExecuteAsync(this NpgsqlConnection connection, string sql, CancellationToken cancel, params object[] arguments)
    {
        await using var command = connection.Command(sql, arguments);
        return await command.ExecuteNonQueryAsync(cancel);
    }

    /// <summary>The first column of the first row; null where there is none.</summary>
    public static async Task<object?> ScalarAsync(this NpgsqlConnection connection, string sql, CancellationToken cancel, params object[] arguments)
    {
        await using var command = connection.Command(sql, arguments);
        return await command.ExecuteScalarAsync(cancel);
    }

    /// <summary>A command of a batch, with parameters $1, $2, ... A batch is one round trip and one transaction.</summary>
    public static NpgsqlBatch Then(this NpgsqlBatch batch, string sql, params ReadOnlySpan<object> arguments)
    {
        var command = new NpgsqlBatchCommand(sql);
        foreach (var argument in arguments) command.Parameters.Add(new NpgsqlParameter { Value = argument });
        batch.BatchCommands.Add(command);
        return batch;
    }

    /// <summary>Runs a command and makes something of each row.</summary>
    public static async Task<List<T>> ReadAllAsync<T>(this NpgsqlCommand command, Func<NpgsqlDataReader, T> make, CancellationToken cancel)
    {
        await using var reader = await command.ExecuteReaderAsync(cancel);
        var rows = new List<T>();
        while (await reader.ReadAsync(cancel)) rows.Add(make(reader));
        return rows;
    }
}
