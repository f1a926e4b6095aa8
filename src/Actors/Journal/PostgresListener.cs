using Npgsql;

namespace MeshDns.Actors.Journal;

/// <summary>
/// Listens to what other nodes tell, on a connection of its own that it makes again whenever it is lost. Right after it has begun to listen it
/// says that anything may have happened, since what was told meanwhile is lost.
/// </summary>
internal sealed class PostgresListener : IAsyncDisposable
{
    private static readonly TimeSpan _firstPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan _longestPause = TimeSpan.FromSeconds(5);

    private readonly PostgresSessions _sessions;
    private readonly string _id;
    private readonly TimeProvider _time;
    private readonly Action<string> _heard;
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _firstTry = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _listening;

    /// <summary>Begins to listen. <paramref name="heard"/> gets the channel; it must return at once.</summary>
    public PostgresListener(PostgresSessions sessions, string id, TimeProvider time, Action<string> heard)
    {
        _sessions = sessions;
        _id = id;
        _time = time;
        _heard = heard;
        _listening = ListenAsync();
    }

    /// <summary>Ends when it listens, or when the first try has failed.</summary>
    public Task FirstTry => _firstTry.Task;

    public async ValueTask DisposeAsync()
    {
        _stop.Cancel();
        await _listening;
        _stop.Dispose();
    }

    private async Task ListenAsync()
    {
        var pause = _firstPause;
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await _sessions.RunAsync(_sessions.Listening, HearAsync, _stop.Token);
            }
            catch (Exception e) when (e is JournalUnavailableException or OperationCanceledException)
            {
                // Tried again below, or the end.
            }
            // Listening for a while shows that the database was well again.
            pause = _wasListening ? _firstPause : pause * 2 < _longestPause ? pause * 2 : _longestPause;
            _wasListening = false;
            _firstTry.TrySetResult();
            try { await Task.Delay(pause, _time, _stop.Token); }
            catch (OperationCanceledException) { return; }
        }
    }

    private bool _wasListening;

    private async Task<bool> HearAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        connection.Notification += Hear;
        try
        {
            await using (var listen = connection.Command($"LISTEN {PostgresNotifier.FeedChannel}; LISTEN {PostgresNotifier.MembersChannel}")) await listen.ExecuteNonQueryAsync(cancel);
            _wasListening = true;
            _heard(PostgresNotifier.FeedChannel);
            _heard(PostgresNotifier.MembersChannel);
            _firstTry.TrySetResult();
            while (true) await connection.WaitAsync(cancel);
        }
        finally { connection.Notification -= Hear; }
    }

    // A node hears itself too; it knows already.
    private void Hear(object sender, NpgsqlNotificationEventArgs told)
    {
        if (told.Payload != _id) _heard(told.Channel);
    }
}
