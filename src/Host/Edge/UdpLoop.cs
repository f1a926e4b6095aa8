using MeshDns.Host.Net;
using MeshDns.Host.Query;
using MeshDns.Host.Resolve;
using MeshDns.Host.Telemetry;

namespace MeshDns.Host.Edge;

/// <summary>
/// One thread, one socket: receive, answer, send, without a hop, a lock or an allocation for whatever is answered at once. Receiving and sending is the
/// derived classes': many datagrams a system call, or one.
/// </summary>
internal abstract class UdpLoop
{
    private const int SampleEvery = 256;
    private const int ErrorsBeforePause = 16;
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(10);

    private readonly EdgeServices _services;
    private readonly QueryCounters _counters;
    private readonly Thread _thread;
    private readonly ManualResetEventSlim _stopped = new();
    private int _errorsInARow;
    private int _untilSample;
    private volatile bool _isStopping;

    protected UdpLoop(UdpSocket socket, string name, EdgeServices services, DeferredQueries deferred)
    {
        Socket = socket;
        Deferred = deferred;
        _services = services;
        _counters = services.Statistics.NewCounters("udp", isShared: false);
        Pipeline = services.NewPipeline(_counters);
        Beat = new LoopBeat(name);
        _thread = new Thread(Run) { Name = name, IsBackground = true };
    }

    /// <summary>Whether it turns.</summary>
    public LoopBeat Beat { get; }

    protected UdpSocket Socket { get; }

    protected DeferredQueries Deferred { get; }

    protected QueryPipeline Pipeline { get; }

    protected IUpstream Upstream => _services.Upstream;

    protected bool IsStopping => _isStopping;

    /// <summary>The loop for a socket: in batches where the system and the options let it.</summary>
    public static UdpLoop Over(UdpSocket socket, string name, EdgeServices services, DeferredQueries deferred) =>
        services.Options.UdpBatch > 1 && MessageBatch.IsOffered(socket.Handle)
            ? new BatchedUdpLoop(socket, name, services, deferred)
            : new PlainUdpLoop(socket, name, services, deferred);

    public void Start() => _thread.Start();

    /// <summary>Receives nothing more; queries that were put off can still be answered through the socket.</summary>
    public void StopReceiving()
    {
        _isStopping = true;
        _stopped.Set();
        Socket.StopReceiving();
        if (_thread.ThreadState.HasFlag(ThreadState.Unstarted)) return;
        _thread.Join();
    }

    /// <summary>Frees everything; after <see cref="StopReceiving"/>, or of a loop that never started.</summary>
    public virtual void Close()
    {
        Socket.Dispose();
        _stopped.Dispose();
    }

    /// <summary>Waits for datagrams. Returns how many, 0 for a wake-up without any, less for an error.</summary>
    protected abstract int Receive();

    /// <summary>Answers what <see cref="Receive"/> returned.</summary>
    protected abstract void AnswerAll(int count);

    protected void CountReceived(int queries) => _counters.CountReceived(queries);

    protected void CountSendErrors(int errors)
    {
        if (errors > 0) _services.Statistics.SendErrors.Add(errors);
    }

    private void Run()
    {
        while (!_isStopping)
        {
            // A socket that gives nothing but errors is no work done.
            if (_errorsInARow == 0) Beat.Waits();
            var count = Receive();
            Beat.Works();
            if (count > 0) AnswerTimed(count);
            else if (count < 0 && !_isStopping) Pause();
        }
    }

    private void AnswerTimed(int count)
    {
        _errorsInARow = 0;
        _untilSample -= count;
        if (_untilSample >= 0)
        {
            AnswerAll(count);
            return;
        }
        _untilSample += SampleEvery;
        var start = _services.Time.GetTimestamp();
        AnswerAll(count);
        _counters.Latency.Record(_services.Time.GetElapsedTime(start));
    }

    private void Pause()
    {
        _services.Statistics.ReceiveErrors.Increment();
        if (++_errorsInARow >= ErrorsBeforePause) _stopped.Wait(_pause);
    }
}
