using MeshDns.Actors.Directory;
using Microsoft.Extensions.Logging;

namespace MeshDns.Host.Nodes;

/// <summary>
/// Saves the directory to disk when it has changed, so that the node answers at its next start before the journal is open. Of an unchanged one it is
/// noted once a minute that it still holds, because its age counts from the noted time. It sleeps until one of both is due.
/// </summary>
internal sealed class DirectorySaver(string path, MeshDirectory directory, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan _interval = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan _refresh = TimeSpan.FromMinutes(1);

    private TaskCompletionSource _due = NewSignal();
    private DirectoryPosition? _saved;
    private byte[] _digest = [];
    private long _savedReadAt;
    private bool _failing;

    public async Task RunAsync(CancellationToken cancel)
    {
        directory.Applied += Look;
        try
        {
            Look();
            while (true)
            {
                await Volatile.Read(ref _due).Task.WaitAsync(cancel);
                // What comes in the meantime is saved with it.
                await Task.Delay(_interval, time, cancel);
                Volatile.Write(ref _due, NewSignal());
                if (IsDue()) Save();
                Look();
            }
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested) { }
        finally { directory.Applied -= Look; }
    }

    public void Save()
    {
        // Whatever goes wrong, saving goes on trying: the file is a convenience, and its loop must not die unseen.
        var (position, readAt) = (directory.Position, directory.ReadAt);
        try
        {
            if (directory.HasMovedFrom(_saved)) _digest = DirectoryFile.Save(path, directory);
            else DirectoryFile.Confirm(path, _digest, readAt);
            (_saved, _savedReadAt, _failing) = (position, readAt, false);
        }
        catch (Exception e)
        {
            if (!_failing) logger.LogWarning("the directory cannot be saved, the next start will be cold: {Error}", e.Message);
            _failing = true;
        }
    }

    private void Look()
    {
        if (IsDue()) Volatile.Read(ref _due).TrySetResult();
    }

    private bool IsDue() => directory.IsLoaded && (directory.HasMovedFrom(_saved) || directory.ReadAt - _savedReadAt >= _refresh.TotalMilliseconds);

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
