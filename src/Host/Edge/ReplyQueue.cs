namespace MeshDns.Host.Edge;

/// <summary>The replies of one TCP connection that wait to be read by its client: sent in turn, each by one write, and counted until they have left.</summary>
/// <param name="stream">Where they leave.</param>
/// <param name="share">Where their bytes were taken; given back here.</param>
/// <param name="onSent">Told of each that has left.</param>
/// <param name="onBroken">Told when nobody reads any more.</param>
internal sealed class ReplyQueue(Stream stream, ByteShare share, Action onSent, Action onBroken)
{
    private readonly Lock _lock = new();
    private readonly Queue<ReplyFrame> _waiting = new();
    private TaskCompletionSource? _sent;
    private bool _isSending;
    private bool _isDropped;
    private bool _hasLost;

    /// <summary>True while one is on its way.</summary>
    public bool IsSending => Volatile.Read(ref _isSending);

    /// <summary>True when a reply was given up.</summary>
    public bool HasLost => Volatile.Read(ref _hasLost);

    /// <summary>Takes a reply over. Never waits.</summary>
    public void Send(ReplyFrame frame, CancellationToken cut)
    {
        bool isDropped;
        lock (_lock)
        {
            isDropped = _isDropped;
            if (!isDropped)
            {
                _waiting.Enqueue(frame);
                if (_isSending) return;
                _isSending = true;
            }
        }
        if (isDropped) Free(frame);
        else _ = SendAllAsync(cut);
    }

    /// <summary>Gives up what waits and what comes. Any thread.</summary>
    public void Drop()
    {
        lock (_lock)
        {
            _isDropped = true;
            _hasLost |= _isSending;
            while (_waiting.TryDequeue(out var frame)) Free(frame);
        }
    }

    /// <summary>Waits until nothing is on its way; after the last <see cref="Send"/>.</summary>
    public Task WhenSentAsync()
    {
        lock (_lock) return _isSending ? (_sent = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task : Task.CompletedTask;
    }

    // Runs on the thread of whoever brought the first, as far as the system takes the bytes at once, which is nearly always to the end.
    private async Task SendAllAsync(CancellationToken cut)
    {
        while (TryNext(out var frame))
        {
            try
            {
                await stream.WriteAsync(frame.Bytes.AsMemory(0, frame.Length), cut);
                onSent();
            }
            catch (Exception e) when (e is OperationCanceledException or IOException or ObjectDisposedException)
            {
                Drop();
                onBroken();
            }
            finally
            {
                Free(frame);
            }
        }
    }

    private bool TryNext(out ReplyFrame frame)
    {
        lock (_lock)
        {
            if (_waiting.TryDequeue(out frame)) return true;
            _isSending = false;
            _sent?.TrySetResult();
            return false;
        }
    }

    private void Free(ReplyFrame frame)
    {
        frame.Free();
        share.Give(frame.Held);
    }
}
