using System.Collections.Concurrent;
using Microsoft.Data.Sqlite;

namespace MeshDns.Actors.Journal;

/// <summary>
/// One connection and the one thread that uses it. SQLite blocks, so it has a thread of its own and callers await; the thread is the
/// only place of the actors' layer that blocks, and it sits behind <see cref="IJournal"/>, which a simulation replaces.
/// </summary>
internal sealed class SqliteWorker : IAsyncDisposable
{
    private const int MaxQueued = 4096;

    private readonly BlockingCollection<Action<SqliteConnection?, Exception?>> _queue = new(MaxQueued);
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Func<SqliteConnection> _open;

    public SqliteWorker(string name, Func<SqliteConnection> open)
    {
        _open = open;
        new Thread(Work) { Name = name, IsBackground = true }.Start();
    }

    /// <summary>Runs on the thread; failures of SQLite come out as <see cref="JournalUnavailableException"/>.</summary>
    public Task<T> RunAsync<T>(Func<SqliteConnection, T> body, CancellationToken cancel)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        void Item(SqliteConnection? connection, Exception? notOpen)
        {
            if (cancel.IsCancellationRequested) { done.TrySetCanceled(cancel); return; }
            if (connection is null) { done.TrySetException(new JournalUnavailableException("the journal cannot be opened: " + notOpen!.Message, notOpen)); return; }
            try { done.TrySetResult(body(connection)); }
            catch (SqliteException e) { done.TrySetException(new JournalUnavailableException("the journal refused: " + e.Message, e)); }
            catch (Exception e) { done.TrySetException(e); }
        }
        try
        {
            if (!_queue.TryAdd(Item)) done.TrySetException(new JournalUnavailableException("the journal has too much waiting"));
        }
        catch (InvalidOperationException) { done.TrySetException(new JournalUnavailableException("the journal is closed")); }
        return done.Task;
    }

    public async ValueTask DisposeAsync()
    {
        _queue.CompleteAdding();
        await _ended.Task;
        _queue.Dispose();
    }

    private void Work()
    {
        SqliteConnection? connection = null;
        foreach (var item in _queue.GetConsumingEnumerable())
        {
            Exception? notOpen = null;
            try { connection ??= _open(); }
            catch (Exception e) { notOpen = e; }
            item(connection, notOpen);
        }
        connection?.Dispose();
        _ended.TrySetResult();
    }
}
