using System.Net.Sockets;
using MeshDns.Contracts.Dns;
using MeshDns.Host.Query;
using MeshDns.Host.Resolve;

namespace MeshDns.Host.Edge;

/// <summary>
/// One TCP connection (RFC 7766): queries are read ahead, replies leave as they become ready. Bounded: so many wait for an upstream, so many bytes are held
/// for it, for its address and for all (<see cref="ByteShare"/>); beyond that nothing more is read. Whoever neither asks nor reads for the idle time is cut off.
/// </summary>
internal sealed class TcpConnection
{
    [ThreadStatic]
    private static byte[]? _scratch;

    private readonly Socket _socket;
    private readonly Stream _stream;
    private readonly byte[] _client;
    private readonly EdgeServices _services;
    private readonly QueryCounters _counters;
    private readonly QueryPipeline _pipeline;
    private readonly TcpForwarder _forwarder;
    private readonly TcpPlace _place;
    private readonly ReplyQueue _replies;
    private readonly SemaphoreSlim _places;
    private readonly SemaphoreSlim _behind = new(1);
    private readonly int _maxInFlight;
    private CancellationTokenSource _cut = new();
    private CancellationTokenSource _stopReading = new();
    private ITimer? _idle;
    private int _inFlight;

    /// <param name="socket">The connection itself.</param>
    /// <param name="stream">What it carries.</param>
    /// <param name="place">Its place within the limits.</param>
    /// <param name="forwarder">Gets what has to wait.</param>
    /// <param name="services">What all of the edge use.</param>
    /// <param name="counters">Where it counts.</param>
    public TcpConnection(Socket socket, Stream stream, TcpPlace place, TcpForwarder forwarder, EdgeServices services, QueryCounters counters)
    {
        _socket = socket;
        _stream = stream;
        _client = place.Client.Address.GetAddressBytes();
        _place = place;
        _forwarder = forwarder;
        _services = services;
        _counters = counters;
        _pipeline = services.NewPipeline(counters);
        _maxInFlight = services.Options.MaxInFlightPerConnection;
        _replies = new ReplyQueue(stream, place.Bytes, Touch, Cut);
        _places = new SemaphoreSlim(_maxInFlight);
    }

    /// <summary>Serves the connection to its end and closes it.</summary>
    /// <param name="stop">Read nothing more, finish what was asked.</param>
    /// <param name="abort">Close at once.</param>
    public async Task RunAsync(CancellationToken stop, CancellationToken abort)
    {
        _cut = CancellationTokenSource.CreateLinkedTokenSource(abort);
        _stopReading = CancellationTokenSource.CreateLinkedTokenSource(stop, _cut.Token);
        _idle = _services.Time.CreateTimer(_ => OnIdle(), null, _services.Options.TcpIdle, Timeout.InfiniteTimeSpan);
        _place.Cut = MakeWay;
        try
        {
            _socket.NoDelay = true;
            await ReadAllAsync();
            // Whoever holds every place knows that no query waits for an upstream any more.
            for (var i = 0; i < _maxInFlight; i++) await _places.WaitAsync(CancellationToken.None);
            await _replies.WhenSentAsync();
            if (!_cut.IsCancellationRequested) _socket.Shutdown(SocketShutdown.Both);
            // What the system still holds for a client that does not read is to go too, and not to be sent for minutes.
            else if (_replies.HasLost) _socket.LingerState = new LingerOption(true, 0);
        }
        catch (SocketException)
        {
            // The client went away; what it asked for goes with it.
        }
        finally
        {
            await _idle.DisposeAsync();
            await _stream.DisposeAsync();
            _socket.Dispose();
            _stopReading.Dispose();
            _cut.Dispose();
            _places.Dispose();
            _behind.Dispose();
        }
    }

    private async Task ReadAllAsync()
    {
        using var frames = new FrameReader(_stream, _place);
        try
        {
            while (await frames.ReceiveAsync(_stopReading.Token) is > 0 and var received)
            {
                frames.Advance(received);
                while (frames.TryRead(out var packet))
                {
                    Touch();
                    if (!await AnswerAsync(packet)) return;
                }
                await frames.MakeRoomAsync(_cut.Token);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
        }
    }

    // False: the connection ends, because what came is no DNS query at all.
    private async ValueTask<bool> AnswerAsync(ReadOnlyMemory<byte> packet)
    {
        await _place.TakeAsync(TcpBuffer.MaxSize, _cut.Token);
        var outcome = Handle(packet.Span, out var frame, out var deferral);
        if (outcome == PipelineOutcome.Reply) _replies.Send(frame, _cut.Token);
        if (outcome != PipelineOutcome.Defer) return outcome == PipelineOutcome.Reply;
        _services.Statistics.TcpWaiting.Increment();
        byte[] copy;
        try { copy = await CopyAsync(packet); }
        catch
        {
            CountEnd(deferral, Rcode.NoError, Stage.Abandoned);
            throw;
        }
        Interlocked.Increment(ref _inFlight);
        _ = ForwardAsync(copy, packet.Length, deferral);
        return true;
    }

    // Waits for a place among those that are forwarded, and for room.
    private async ValueTask<byte[]> CopyAsync(ReadOnlyMemory<byte> packet)
    {
        await _places.WaitAsync(_stopReading.Token);
        var copy = TcpBuffer.Rent(packet.Length);
        try
        {
            await _place.TakeForAsync(copy, copy.Length, _cut.Token);
        }
        catch
        {
            _places.Release();
            throw;
        }
        packet.CopyTo(copy);
        return copy;
    }

    // A reply may have 65,535 bytes and hardly ever has 100: room for the largest was taken, it is written into the thread's scratch, leaves in a buffer of
    // its size, and the rest is given back.
    private PipelineOutcome Handle(ReadOnlySpan<byte> packet, out ReplyFrame frame, out Deferral deferral)
    {
        _counters.CountReceived(1);
        var scratch = _scratch ??= new byte[DnsLimits.MaxMessageSize];
        var context = new QueryContext(packet, _pipeline.HashOf(packet), _client, Transport.Tcp, scratch);
        var outcome = _pipeline.Handle(ref context);
        deferral = outcome == PipelineOutcome.Defer ? context.Deferral : default;
        frame = outcome == PipelineOutcome.Reply ? ReplyFrame.Of(scratch.AsSpan(0, context.Length)) : default;
        _place.Bytes.Give(TcpBuffer.MaxSize - (outcome == PipelineOutcome.Reply ? frame.Held : 0));
        return outcome;
    }

    private async Task ForwardAsync(byte[] packet, int packetLength, Deferral deferral)
    {
        var start = _services.Time.GetTimestamp();
        try
        {
            var frame = await _forwarder.AskAsync(packet.AsMemory(0, packetLength), deferral, _cut.Token);
            if (!_place.Bytes.TryTake(frame.Held, out _))
            {
                frame.Free();
                frame = await AskWhenReadAsync(packet.AsMemory(0, packetLength), deferral);
            }
            var rcode = DnsHeader.GetRcode(frame.Message);
            _replies.Send(frame, _cut.Token);
            CountEnd(deferral, rcode, Stage.Forward);
            _counters.Latency.Record(_services.Time.GetElapsedTime(start));
        }
        catch (OperationCanceledException)
        {
            CountEnd(deferral, Rcode.NoError, Stage.Abandoned);
        }
        finally
        {
            TcpBuffer.Return(packet);
            _place.Bytes.Give(packet.Length);
            Interlocked.Decrement(ref _inFlight);
            _places.Release();
        }
    }

    private void CountEnd(in Deferral deferral, Rcode rcode, Stage stage)
    {
        _counters.Count(deferral.Type, rcode, stage);
        _services.Statistics.TcpWaiting.Add(-1);
    }

    // The client is behind with reading, and nothing more may be held for it. When there is room the answer is asked for once more; it is cached by then.
    // Meanwhile it is the client that is waited for, which may idle only so long.
    private async Task<ReplyFrame> AskWhenReadAsync(ReadOnlyMemory<byte> packet, Deferral deferral)
    {
        // One at a time, so that a connection never has many in the queues of the shares.
        Interlocked.Decrement(ref _inFlight);
        var unused = 0;
        try
        {
            await _behind.WaitAsync(_cut.Token);
            try { await _place.TakeAsync(TcpBuffer.MaxSize, _cut.Token); }
            finally { _behind.Release(); }
            unused = TcpBuffer.MaxSize;
            var frame = await _forwarder.AskAsync(packet, deferral, _cut.Token);
            unused -= frame.Held;
            return frame;
        }
        finally
        {
            _place.Bytes.Give(unused);
            Interlocked.Increment(ref _inFlight);
        }
    }

    private void Touch() => _idle?.Change(_services.Options.TcpIdle, Timeout.InfiniteTimeSpan);

    // A client that waits for an upstream's answer is not idle; one that does not take the answers it asked for is.
    private void OnIdle()
    {
        if (Volatile.Read(ref _inFlight) > 0 && !_replies.IsSending)
        {
            Touch();
            return;
        }
        _services.Statistics.TcpTimedOut.Increment();
        Cut();
    }

    // Others need the room more.
    private void MakeWay()
    {
        _services.Statistics.TcpCut.Increment();
        Cut();
    }

    // Any thread, also when the connection ends at this moment. What waits is given up first: who makes room goes on as soon as this returns.
    private void Cut()
    {
        _replies.Drop();
        try { _cut.Cancel(); }
        catch (ObjectDisposedException) { }
    }
}
