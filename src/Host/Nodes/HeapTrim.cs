using System.Runtime;
using MeshDns.Actors.Directory;

namespace MeshDns.Host.Nodes;

/// <summary>
/// Gives memory back to the system when a recovery or a run of changes has ended: both leave behind more than they keep, and a node that then rests allocates
/// too little for the collector to come by itself. Once for each run of changes, and only after some seconds without any, so that it disturbs none.
/// </summary>
internal sealed class HeapTrim(MeshDirectory directory, TimeProvider time)
{
    // A full compacting collection stops all threads for about 2 ms a megabyte kept, so that a larger heap is left as the collector beside them leaves it.
    private const long CompactedBytes = 32L << 20;
    private static readonly TimeSpan _rest = TimeSpan.FromSeconds(3);

    private TaskCompletionSource _changed = NewSignal();
    private IReadOnlyDictionary<string, StreamPosition>? _seen;

    public async Task RunAsync(CancellationToken cancel)
    {
        directory.Applied += Look;
        try
        {
            Look();
            while (true)
            {
                await Volatile.Read(ref _changed).Task.WaitAsync(cancel);
                do
                {
                    Volatile.Write(ref _changed, NewSignal());
                    await Task.Delay(_rest, time, cancel);
                }
                while (_changed.Task.IsCompleted);
                // Beside all threads, so that afterwards it is known how much is kept.
                GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: false);
                await Task.Delay(_rest, time, cancel);
                if (!_changed.Task.IsCompleted && GC.GetTotalMemory(forceFullCollection: false) <= CompactedBytes) Compact();
            }
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested) { }
        finally { directory.Applied -= Look; }
    }

    private static void Compact()
    {
        GCSettings.LargeObjectHeapCompactionMode = GCLargeObjectHeapCompactionMode.CompactOnce;
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
    }

    // A read that brought nothing is no change.
    private void Look()
    {
        var position = directory.Position;
        if (_seen is { } seen && seen.Count == position.Count && position.All(p => seen.GetValueOrDefault(p.Key) == p.Value)) return;
        _seen = position;
        Volatile.Read(ref _changed).TrySetResult();
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
