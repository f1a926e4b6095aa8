using MeshDns.Actors.Directory;
using Microsoft.Extensions.Logging;

namespace MeshDns.Host.Nodes;

/// <summary>
/// Saves the directory to disk while it changes, so that the node answers at its next start before the journal is open. An unchanged one is
/// saved once a minute, because its age counts from the saved time.
/// </summary>
internal sealed class DirectorySaver(string path, MeshDirectory directory, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan _interval = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan _refresh = TimeSpan.FromMinutes(1);

    private IReadOnlyDictionary<string, StreamPosition>? _saved;
    private long _savedReadAt;
    private bool _failing;

    public async Task RunAsync(CancellationToken cancel)
    {
        try
        {
            while (true)
            {
                await Task.Delay(_interval, time, cancel);
                if (IsDue()) Save();
            }
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested) { }
    }

    public void Save()
    {
        // Whatever goes wrong, saving goes on trying: the file is a convenience, and its loop must not die unseen.
        var (position, readAt) = (directory.Position, directory.ReadAt);
        try
        {
            DirectoryFile.Save(path, directory);
            (_saved, _savedReadAt, _failing) = (position, readAt, false);
        }
        catch (Exception e)
        {
            if (!_failing) logger.LogWarning("the directory cannot be saved, the next start will be cold: {Error}", e.Message);
            _failing = true;
        }
    }

    private bool IsDue() => directory.IsLoaded && (HasMoved() || directory.ReadAt - _savedReadAt >= _refresh.TotalMilliseconds);

    private bool HasMoved() => _saved is not { } saved || directory.Position is var now && (now.Count != saved.Count || now.Any(p => saved.GetValueOrDefault(p.Key) != p.Value));
}
