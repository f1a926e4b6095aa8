namespace MeshDns.Actors.Journal;

/// <summary>
/// Tells the other nodes that something was committed, after the commit and in a transaction of its own: PostgreSQL commits notifications one
/// after the other, and appends must not queue behind that. At most one goes out every 5 ms; what happens meanwhile goes with the next.
/// </summary>
internal sealed class PostgresNotifier(PostgresSessions sessions, string id, TimeProvider time)
{
    /// <summary>Something was appended.</summary>
    public const string FeedChannel = "meshdns_feed";

    /// <summary>Somebody joined, left, claimed or released.</summary>
    public const string MembersChannel = "meshdns_members";

    private static readonly TimeSpan _interval = TimeSpan.FromMilliseconds(5);

    // Notifications need no durability, so they wait for no disk and no standby.
    private const string Sql = "SELECT set_config('synchronous_commit', 'off', true), pg_notify(channel, $2) FROM unnest($1::text[]) AS channel";

    private readonly Lock _gate = new();
    private readonly HashSet<string> _waiting = [];
    private Task _sending = Task.CompletedTask;
    private bool _closed;

    /// <summary>Sends soon; never fails, since readers poll anyway.</summary>
    public void Tell(string channel)
    {
        lock (_gate)
        {
            if (_closed || !_waiting.Add(channel) || !_sending.IsCompleted) return;
            _sending = SendAsync();
        }
    }

    /// <summary>Takes no more; ends when what was told has been sent.</summary>
    public Task CloseAsync()
    {
        lock (_gate)
        {
            _closed = true;
            return _sending;
        }
    }

    private async Task SendAsync()
    {
        // Not inside the caller's lock.
        await Task.Yield();
        while (Take() is { } channels)
        {
            try
            {
                await sessions.RunAsync(sessions.Reads, async (connection, cancel) =>
                {
                    await using var command = connection.Command(Sql, channels, id);
                    return await command.ExecuteNonQueryAsync(cancel);
                }, CancellationToken.None);
            }
            catch (JournalUnavailableException)
            {
                // Nobody hears it; everybody polls.
            }
            await Task.Delay(_interval, time);
        }
    }

    private string[]? Take()
    {
        lock (_gate)
        {
            string[] channels = [.. _waiting];
            _waiting.Clear();
            // From here on the next one to tell starts anew: the state changes inside the lock.
            if (channels.Length == 0) _sending = Task.CompletedTask;
            return channels.Length == 0 ? null : channels;
        }
    }
}
