namespace MeshDns.Host.Edge;

/// <summary>
/// Bytes that may be held at once for somebody: a TCP connection, the address that it comes from, the node. Each is a part of the next, so that what a
/// connection takes is taken from all three or from none. Any thread; no lock unless somebody waits.
/// </summary>
/// <param name="bound">The most bytes.</param>
/// <param name="whole">What it is a part of; null for the last.</param>
internal sealed class ByteShare(long bound, ByteShare? whole = null)
{
    private readonly LinkedList<(int Bytes, TaskCompletionSource Room)> _waiting = [];
    private long _held;
    private int _waiters;

    /// <summary>Bytes held now.</summary>
    public long Held => Volatile.Read(ref _held);

    /// <summary>Takes so many bytes; false when there is no room.</summary>
    /// <param name="bytes">How many.</param>
    /// <param name="full">Which share has no room.</param>
    public bool TryTake(int bytes, out ByteShare? full)
    {
        full = this;
        for (var held = Held; ;)
        {
            if (held + bytes > bound) return false;
            var seen = Interlocked.CompareExchange(ref _held, held + bytes, held);
            if (seen == held) break;
            held = seen;
        }
        if (whole is null || whole.TryTake(bytes, out full)) return true;
        GiveHere(bytes);
        return false;
    }

    /// <summary>Gives bytes back.</summary>
    public void Give(int bytes)
    {
        for (var share = this; share is not null; share = share.Whole) share.GiveHere(bytes);
    }

    /// <summary>Waits until there may be room in this share, in turn; whoever waited tries again then.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public async Task WaitAsync(int bytes, CancellationToken cancel)
    {
        var node = new LinkedListNode<(int Bytes, TaskCompletionSource Room)>((bytes, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)));
        lock (_waiting)
        {
            _waiting.AddLast(node);
            // Seen by whoever gives back after this; what was given back before is seen by the look that follows.
            Interlocked.Increment(ref _waiters);
        }
        LetIn();
        try { await node.Value.Room.Task.WaitAsync(cancel); }
        catch
        {
            lock (_waiting)
                if (node.List is not null) Remove(node);
            // What was kept for it is for those behind.
            LetIn();
            throw;
        }
    }

    private ByteShare? Whole => whole;

    private void GiveHere(int bytes)
    {
        Interlocked.Add(ref _held, -bytes);
        if (Volatile.Read(ref _waiters) != 0) LetIn();
    }

    private void LetIn()
    {
        lock (_waiting)
        {
            var room = bound - Held;
            while (_waiting.First is { } first && first.Value.Bytes <= room)
            {
                room -= first.Value.Bytes;
                Remove(first);
                first.Value.Room.TrySetResult();
            }
        }
    }

    private void Remove(LinkedListNode<(int Bytes, TaskCompletionSource Room)> node)
    {
        _waiting.Remove(node);
        Interlocked.Decrement(ref _waiters);
    }
}
