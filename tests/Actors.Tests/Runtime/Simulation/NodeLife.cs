namespace MeshDns.Actors.Tests.Simulation;

/// <summary>Whether a node's process runs, is held (SIGSTOP) or has died; its clock, its journal and its network all look here.</summary>
internal sealed class NodeLife
{
    private TaskCompletionSource? _resumed;

    public bool IsCrashed { get; private set; }

    public bool IsPaused => _resumed is not null;

    /// <summary>True when the process takes steps.</summary>
    public bool IsRunning => !IsCrashed && !IsPaused;

    /// <summary>Raised when it goes on after a pause.</summary>
    public event Action? Resumed;

    public void Crash() => IsCrashed = true;

    public void Pause() => _resumed ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Resume()
    {
        if (_resumed is not { } resumed) return;
        _resumed = null;
        if (IsCrashed) return;
        Resumed?.Invoke();
        resumed.TrySetResult();
    }

    /// <summary>Ends when the node runs; of one that has crashed never.</summary>
    public async ValueTask RunningAsync()
    {
        while (true)
        {
            if (IsCrashed) await NeverAsync();
            if (_resumed is not { } resumed) return;
            await resumed.Task;
        }
    }

    private static Task NeverAsync() => new TaskCompletionSource().Task;
}
