using Microsoft.Data.Sqlite;

namespace MeshDns.Actors.Store;

/// <summary>Short ways to use the driver.</summary>
internal static class SqliteCalls
{
    public static void Execute(this SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    public static object? Scalar(this SqliteConnection connection, string sql, params ReadOnlySpan<object> arguments)
    {
        using var command = connection.Command(sql, arguments);
        return command.ExecuteScalar();
    }

    /// <summary>A prepared command with parameters $0, $1, ... set to the arguments.</summary>
    public static SqliteCommand Command(this SqliteConnection connection, string sql, params ReadOnlySpan<object> arguments)
    {
        var command = connection.CreateCommand();
        command.CommandText = sql;
        for (var i = 0; i < arguments.Length; i++) command.Parameters.AddWithValue("$" + i.ToString(System.Globalization.CultureInfo.InvariantCulture), arguments[i]);
        return command;
    }

    /// <summary>Runs a command again with other arguments; returns the number of rows it changed.</summary>
    public static int Run(this SqliteCommand command, params ReadOnlySpan<object> arguments)
    {
        for (var i = 0; i < arguments.Length; i++) command.Parameters[i].Value = arguments[i];
        return command.ExecuteNonQuery();
    }
}
