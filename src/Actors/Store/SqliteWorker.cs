using Microsoft.Data.Sqlite;

namespace MeshDns.Actors.Store;

/// <summary>
/// One connection and the one thread that uses it. SQLite blocks, so it has a thread of its own and callers await; the thread is the
/// only place of the actors' layer that blocks. While nothing is asked it
/// sleeps in the kernel: a <c>BlockingCollection</c> spins first, which was a third of an idle node's CPU.
/// </summary>
internal sealed class SqliteWorker : IAsyncDisposable
{
    private const int MaxQueued = 4096;

    private readonly object _gate = new();
    private readonly Queue<Action<SqliteConnection?, Exception?>> _queue = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Func<SqliteConnection> _open;
    private bool _isClosed;

    public SqliteWorker(string name, Func<SqliteConnection> open)
    {
        _open = open;
        new Thread(Work) { Name = name, IsBackground = true }.Start();
    }

    /// <summary>Runs on the thread; failures of SQLite come out as <see cref="StoreUnavailableException"/>.</summary>
    public Task<T> RunAsync<T>(Func<SqliteConnection, T> body, CancellationToken cancel)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        void Item(SqliteConnection? connection, Exception? notOpen)
        {
            if (cancel.IsCancellationRequested) { done.TrySetCanceled(cancel); return; }
            if (connection is null) { done.TrySetException(notOpen as StoreRefusedException ?? new StoreUnavailableException("the journal cannot be opened: " + notOpen!.Message, notOpen)); return; }
            try { done.TrySetResult(body(connection)); }
            catch (SqliteException e) { done.TrySetException(new StoreUnavailableException("the journal refused: " + e.Message, e)); }
            catch (Exception e) { done.TrySetException(e); }
        }
        if (TryAdd(Item) is { } refusal) done.TrySetException(new StoreUnavailableException(refusal));
        return done.Task;
    }

    /// <summary>Does what was asked before, then ends the thread and closes the connection.</summary>
    public async ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            _isClosed = true;
            Monitor.Pulse(_gate);
        }
        await _ended.Task;
    }

    private string? TryAdd(Action<SqliteConnection?, Exception?> item)
    {
        lock (_gate)
        {
            if (_isClosed) return "the journal is closed";
            if (_queue.Count >= MaxQueued) return "the journal has too much waiting";
            _queue.Enqueue(item);
            Monitor.Pulse(_gate);
            return null;
        }
    }

    private Action<SqliteConnection?, Exception?>? Take()
    {
        lock (_gate)
        {
            while (_queue.Count == 0 && !_isClosed) Monitor.Wait(_gate);
            return _queue.TryDequeue(out var item) ? item : null;
        }
    }

    private void Work()
    {
        SqliteConnection? connection = null;
        while (Take() is { } item)
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
