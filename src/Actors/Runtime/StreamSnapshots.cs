using MeshDns.Actors.Journal;

namespace MeshDns.Actors.Runtime;

/// <summary>
/// When a stream's snapshot is written, and the writing, beside the stream's changes: they need not wait for a slow disk. The fence decides whether it may be
/// written, and the state in it never changes. Called by the stream's actor alone; what it knows is also written when a snapshot has been stored, wherever that ends.
/// </summary>
internal sealed class StreamSnapshots(ActorSystem system, IJournal journal, string stream)
{
    // A snapshot is written when at least this many events came since the last.
    private const long Every = 2000;

    private readonly Lock _gate = new();
    private Task _saving = Task.CompletedTask;
    private Fence _claim;
    private long _seq;
    private int _bytes;

    /// <summary>A recovery has found this snapshot, or none.</summary>
    public void Found(Fence claim, StreamHistory history)
    {
        lock (_gate) (_claim, _seq, _bytes) = (claim, history.SnapshotSeq, history.Snapshot?.Length ?? 0);
    }

    /// <summary>Writing a snapshot costs as much as the state is large, so the next one is due after as many events as the replay would save.</summary>
    public bool IsDue(long seq) => Since(seq) is var news && news >= Every && news >= RowsOf(_bytes);

    /// <summary>Whether one that was made for another reason is worth writing: what is written is bounded by ten times what changed.</summary>
    public bool IsWorthSaving(long seq, byte[] snapshot) => Since(seq) is > 0 and var news && news * 10 >= RowsOf(snapshot.Length);

    /// <summary>Begins to write; nothing while another is being written.</summary>
    public void Save(Fence fence, byte[] snapshot)
    {
        if (_saving.IsCompleted) _saving = SaveAsync(fence, snapshot);
    }

    /// <summary>Writes one if enough events came since the last, and waits for it.</summary>
    public async Task SaveLastAsync(Fence fence, long atLeast, Func<byte[]> snapshot)
    {
        await _saving;
        if (Since(fence.Seq) >= atLeast) await SaveAsync(fence, snapshot());
    }

    private long Since(long seq)
    {
        lock (_gate) return seq - _seq;
    }

    // About one event for each 100 bytes of state.
    private static long RowsOf(int snapshotBytes) => snapshotBytes / 100;

    private async Task SaveAsync(Fence fence, byte[] snapshot)
    {
        try
        {
            if (!await journal.SaveSnapshotAsync(fence, snapshot, CancellationToken.None)) return;
            lock (_gate)
            {
                // Of an earlier claim it may be older than what the recovery found.
                if (_claim with { Seq = fence.Seq } == fence && fence.Seq > _seq) (_seq, _bytes) = (fence.Seq, snapshot.Length);
            }
        }
        catch (Exception e) when (e is JournalUnavailableException or JournalInDoubtException)
        {
            // The journal has everything; a snapshot only shortens the replay.
            system.Log(ActorLogLevel.Warning, stream, "could not save a snapshot: " + e.Message, null);
        }
        catch (Exception e) { system.Log(ActorLogLevel.Alarm, stream, "failed to save a snapshot", e); }
    }
}
