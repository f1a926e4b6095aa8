using System.Threading.Channels;

namespace MeshDns.Actors.Runtime;

/// <summary>
/// One message at a time from a bounded mailbox. A message handler that throws is logged and the actor restarts after a back-off,
/// with its mailbox kept; messages are never handled twice.
/// </summary>
/// <typeparam name="TMessage">What it is told.</typeparam>
public abstract class Actor<TMessage>
{
    private readonly Channel<TMessage> _mailbox;
    private readonly CancellationTokenSource _stopping = new();
    private Task _loop = Task.CompletedTask;
    private int _started;

    /// <summary>Makes an actor that <see cref="Start"/> will run.</summary>
    /// <param name="system">What it runs on.</param>
    /// <param name="name">Its name in logs.</param>
    /// <param name="mailboxSize">How many messages may wait; a further one is refused to its sender.</param>
    protected Actor(ActorSystem system, string name, int mailboxSize)
    {
        System = system;
        Name = name;
        _mailbox = Channel.CreateBounded<TMessage>(new BoundedChannelOptions(mailboxSize) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });
    }

    /// <summary>Its name in logs.</summary>
    public string Name { get; }

    /// <summary>What it runs on.</summary>
    protected ActorSystem System { get; }

    /// <summary>Cancelled when the actor is asked to stop.</summary>
    protected CancellationToken Stopping => _stopping.Token;

    /// <summary>Begins to handle messages. Once only: two loops on one mailbox would handle two messages at a time.</summary>
    /// <exception cref="InvalidOperationException">It was started before.</exception>
    public void Start()
    {
        if (Interlocked.Exchange(ref _started, 1) == 1) throw new InvalidOperationException($"{Name} was started before");
        _loop = System.Run(RunAsync);
    }

    /// <summary>Puts a message into the mailbox; false when it is full or the actor has stopped.</summary>
    public bool Tell(TMessage message) => _mailbox.Writer.TryWrite(message);

    /// <summary>Tells and awaits the answer.</summary>
    /// <exception cref="MeshUnavailableException">The mailbox is full, the actor stopped, or the deadline passed.</exception>
    public async Task<TReply> Ask<TReply>(Func<TaskCompletionSource<TReply>, TMessage> message, TimeSpan deadline, CancellationToken cancel = default)
    {
        var reply = new TaskCompletionSource<TReply>(TaskCreationOptions.RunContinuationsAsynchronously);
        if (!Tell(message(reply))) throw new MeshUnavailableException($"{Name} is overloaded or has stopped");
        try { return await reply.WithinAsync(deadline, System.Time, cancel); }
        catch (TimeoutException) { throw new MeshUnavailableException($"{Name} did not answer within {deadline.TotalSeconds:0.###} s"); }
    }

    /// <summary>Asks the actor to finish what is in its mailbox and stop, and waits until it has.</summary>
    public async Task StopAsync()
    {
        _mailbox.Writer.TryComplete();
        // Not CancelAsync: that goes through the thread pool, outside the system's scheduler.
        _stopping.Cancel();
        await _loop;
    }

    /// <summary>Runs before the first message and after every failure. May throw: it is then tried again after a back-off.</summary>
    protected virtual ValueTask StartingAsync() => ValueTask.CompletedTask;

    /// <summary>Handles one message.</summary>
    protected abstract ValueTask ReceiveAsync(TMessage message);

    /// <summary>Runs when the actor stops, with no further messages to come.</summary>
    protected virtual ValueTask StoppedAsync() => ValueTask.CompletedTask;

    /// <summary>The next message, if one waits already; for actors that work in batches.</summary>
    protected bool TryTake(out TMessage message) => _mailbox.Reader.TryRead(out message!);

    private async Task RunAsync()
    {
        var failures = 0;
        while (true)
        {
            try
            {
                await StartingAsync();
                while (await _mailbox.Reader.WaitToReadAsync())
                    while (_mailbox.Reader.TryRead(out var message))
                    {
                        await ReceiveAsync(message);
                        failures = 0;
                    }
                break;
            }
            catch (OperationCanceledException) when (Stopping.IsCancellationRequested) { break; }
            catch (Exception e)
            {
                // Whatever a handler throws, the actor lives on: a bug must not silence a stream for good.
                System.Log(ActorLogLevel.Alarm, Name, "failed and restarts", e);
                if (!await BackOffAsync(failures++)) break;
            }
        }
        try { await StoppedAsync(); }
        catch (Exception e) { System.Log(ActorLogLevel.Alarm, Name, "failed while stopping", e); }
    }

    private async Task<bool> BackOffAsync(int failures)
    {
        try
        {
            await Task.Delay(System.BackOff(failures), System.Time, Stopping);
            return true;
        }
        catch (OperationCanceledException) { return false; }
    }
}
