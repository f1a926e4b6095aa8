using Microsoft.Data.Sqlite;

namespace MeshDns.Actors.Store;

/// <summary>Short ways to use the driver.</summary>
internal static class SqliteCalls
{
    /// <summary>Runs commands; returns the number of rows that they changed.</summary>
    public static int Execute(this SqliteConnection connection, string sql, params ReadOnlySpan<object> arguments)
    {
        using var command = connection.Command(sql, arguments);
        return command.ExecuteNonQuery();
    }

    public static object? Scalar(this SqliteConnection connection, string sql, params ReadOnlySpan<object> arguments)
    {
        using var command = connection.Command(sql, arguments);
        return command.ExecuteScalar();
    }

    /// <summary>Runs a query and makes something of each row.</summary>
    public static List<T> ReadAll<T>(this SqliteConnection connection, Func<SqliteDataReader, T> make, string sql, params ReadOnlySpan<object> arguments)
    {
        using var command = connection.Command(sql, arguments);
        using var reader = command.ExecuteReader();
        var rows = new List<T>();
        while (reader.Read()) rows.Add(make(reader));
        return rows;
    }

    /// <summary>A command with parameters $0, $1, ... set to the arguments.</summary>
    public static SqliteCommand Command(this SqliteConnection connection, string sql, params ReadOnlySpan<object> arguments)
    {
        var command = connection.CreateCommand();
        command.CommandText = sql;
        for (var i = 0; i < arguments.Length; i++) command.Parameters.AddWithValue("$" + i.ToString(System.Globalization.CultureInfo.InvariantCulture), arguments[i]);
        return command;
    }
}
