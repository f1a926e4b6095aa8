using System.Runtime;
using MeshDns.Actors.Directory;
using MeshDns.Host.Net;

namespace MeshDns.Host.Nodes;

/// <summary>
/// Gives memory back to the system when a recovery or a bulk change has ended: both leave behind more than they keep, and a node that then rests allocates
/// too little for the collector to come by itself. Only after some seconds without a change, and never for the few changes of an ordinary day: what is left
/// of those is not worth a pause. Likewise when shards and the allocator's tables have come to rest.
/// </summary>
internal sealed class HeapTrim(MeshDirectory directory, TimeProvider time, HeapTrim.Collector collector)
{
    // Some hundred small changes.
    internal const long WorthACollection = 24L << 20;

    // A start is followed by a rest that may last for days.
    internal const long WorthAfterStart = 4L << 20;

    // Whoever allocated so much had hundreds of pauses meanwhile.
    internal const long WorthAPause = 64L << 20;

    // A full compacting collection stops all threads for about 2 ms a megabyte kept, so that a larger heap is left as the collector beside them leaves it.
    internal const long CompactedBytes = 32L << 20;

    internal static readonly TimeSpan Rest = TimeSpan.FromSeconds(3);

    private TaskCompletionSource _changed = NewSignal();
    private DirectoryPosition? _seen;
    private long _leftBehind;

    /// <summary>So many bytes are garbage. On any thread.</summary>
    public void LeftBehind(long bytes)
    {
        Interlocked.Add(ref _leftBehind, bytes);
        Volatile.Read(ref _changed).TrySetResult();
    }

    public async Task RunAsync(CancellationToken cancel)
    {
        // From nothing: what the start allocated counts.
        var (trimmedAt, compactedAt) = (0L, 0L);
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
                    await Task.Delay(Rest, time, cancel);
                }
                while (_changed.Task.IsCompleted);
                var leftBehind = Volatile.Read(ref _leftBehind);
                if (!IsWorthACollection(trimmedAt == 0, collector.Allocated() - trimmedAt, leftBehind)) continue;
                Interlocked.Add(ref _leftBehind, -leftBehind);
                // Beside all threads, so that afterwards it is known how much is kept.
                collector.Collect();
                await Task.Delay(Rest, time, cancel);
                trimmedAt = collector.Allocated();
                if (_changed.Task.IsCompleted || !IsWorthAPause(compactedAt == 0, trimmedAt - compactedAt, collector.Kept())) continue;
                collector.Compact();
                compactedAt = trimmedAt;
            }
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested) { }
        finally { directory.Applied -= Look; }
    }

    /// <summary>Whether there is enough to be gained.</summary>
    /// <param name="isStart">Since the start; else since the last time.</param>
    /// <param name="allocated">Bytes allocated since then.</param>
    /// <param name="leftBehind">Bytes that were let go since then.</param>
    internal static bool IsWorthACollection(bool isStart, long allocated, long leftBehind) => allocated + leftBehind >= (isStart ? WorthAfterStart : WorthACollection);

    /// <summary>Whether all threads may be stopped to compact.</summary>
    /// <param name="isStart">Since the start, after which there was no room for it yet; else since the last time.</param>
    /// <param name="allocated">Bytes allocated since then.</param>
    /// <param name="kept">Bytes on the heap.</param>
    internal static bool IsWorthAPause(bool isStart, long allocated, long kept) => (isStart || allocated >= WorthAPause) && kept <= CompactedBytes;

    // A read that brought nothing is no change.
    private void Look()
    {
        if (!directory.HasMovedFrom(_seen)) return;
        _seen = directory.Position;
        Volatile.Read(ref _changed).TrySetResult();
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The garbage collector, as far as it is needed here.</summary>
    /// <param name="Allocated">Bytes allocated since the start.</param>
    /// <param name="Kept">Bytes on the heap.</param>
    /// <param name="Collect">A full collection beside all threads.</param>
    /// <param name="Compact">A full collection that stops all threads and gives free memory back, that of the C library too.</param>
    internal sealed record Collector(Func<long> Allocated, Func<long> Kept, Action Collect, Action Compact)
    {
        /// <summary>The runtime's.</summary>
        public static Collector Runtime { get; } = new(
            () => GC.GetTotalAllocatedBytes(), () => GC.GetTotalMemory(forceFullCollection: false), () => GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: false), CompactAll);

        private static void CompactAll()
        {
            GCSettings.LargeObjectHeapCompactionMode = GCLargeObjectHeapCompactionMode.CompactOnce;
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            NativeHeap.Trim();
        }
    }
}
