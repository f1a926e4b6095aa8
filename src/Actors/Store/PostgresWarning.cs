using Npgsql;

namespace MeshDns.Actors.Store;

/// <summary>
/// Hears the warnings of a session. A wait for a synchronous standby that is cancelled ends in a commit that only this server has, and the one sign of
/// it is a warning, in the server's language: so any warning counts.
/// </summary>
internal sealed class PostgresWarning : IDisposable
{
    private readonly NpgsqlConnection _connection;

    public PostgresWarning(NpgsqlConnection connection)
    {
        _connection = connection;
        connection.Notice += Hear;
    }

    /// <summary>What the server warned of; null for nothing.</summary>
    public string? Text { get; private set; }

    public void Dispose() => _connection.Notice -= Hear;

    private void Hear(object sender, NpgsqlNoticeEventArgs heard)
    {
        if (heard.Notice.InvariantSeverity == "WARNING") Text = heard.Notice.MessageText;
    }
}
