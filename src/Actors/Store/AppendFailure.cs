using Microsoft.Data.Sqlite;
using Npgsql;

namespace MeshDns.Actors.Store;

/// <summary>What a failed append says.</summary>
internal static class AppendFailure
{
    private const int SqliteConstraint = 19;

    /// <summary>True when another incarnation's row was there, or the log does not have the row before: then it says nothing of the change.</summary>
    public static bool IsCollision(Exception cause) => Chain(cause).Any(e => e switch
    {
        PostgresException postgres => postgres.SqlState is PostgresErrorCodes.UniqueViolation or "MD001",
        SqliteException sqlite => sqlite.SqliteErrorCode == SqliteConstraint,
        _ => e.Message.Contains(LogTable.BrokenChain, StringComparison.Ordinal),
    });

    /// <summary>The innermost message: the others only wrap it.</summary>
    public static string Text(Exception cause) => Chain(cause).Last().Message;

    private static IEnumerable<Exception> Chain(Exception cause)
    {
        for (var e = cause; e is not null; e = e is AggregateException { InnerExceptions: [var first, ..] } ? first : e.InnerException) yield return e;
    }
}
