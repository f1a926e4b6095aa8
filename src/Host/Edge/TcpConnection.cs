using System.Buffers;
using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using MeshDns.Contracts.Dns;
using MeshDns.Host.Resolve;

namespace MeshDns.Host.Edge;

/// <summary>
/// One TCP connection (RFC 7766): queries are read ahead, replies leave as they become ready. Bounded: so many wait for an upstream, so many replies wait
/// to be read by the client; beyond either nothing more is read. Whoever neither asks nor reads for the idle time is cut off.
/// </summary>
internal sealed class TcpConnection
{
    private const int PrefixSize = 2;
    private const int FirstBufferSize = 512;
    private const int BusyBufferSize = 4096;

    [ThreadStatic]
    private static byte[]? _scratch;

    private readonly Socket _socket;
    private readonly byte[] _client;
    private static readonly TimeSpan _forwardPatience = TimeSpan.FromSeconds(1);

    private readonly EdgeServices _services;
    private readonly QueryCounters _counters;
    private readonly QueryPipeline _pipeline;
    private readonly Channel<Frame> _replies;
    private readonly SemaphoreSlim _places;
    private readonly int _maxInFlight;
    private CancellationTokenSource _cut = new();
    private CancellationTokenSource _stopReading = new();
    private ITimer? _idle;
    private int _inFlight;
    private volatile bool _isSending;

    public TcpConnection(Socket socket, IPAddress client, EdgeServices services, QueryCounters counters)
    {
        _socket = socket;
        _client = client.GetAddressBytes();
        _services = services;
        _counters = counters;
        _pipeline = services.NewPipeline(counters);
        _maxInFlight = services.Options.MaxInFlightPerConnection;
        _replies = Channel.CreateBounded<Frame>(new BoundedChannelOptions(_maxInFlight) { SingleReader = true });
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
        try
        {
            _socket.NoDelay = true;
            var writing = WriteAllAsync();
            await ReadAllAsync();
            // Whoever holds every place knows that no query waits for an upstream any more.
            for (var i = 0; i < _maxInFlight; i++) await _places.WaitAsync(CancellationToken.None);
            _replies.Writer.TryComplete();
            await writing;
            if (!_cut.IsCancellationRequested) _socket.Shutdown(SocketShutdown.Both);
        }
        catch (SocketException)
        {
            // The client went away; what it asked for goes with it.
        }
        finally
        {
            await _idle.DisposeAsync();
            _socket.Dispose();
            _stopReading.Dispose();
            _cut.Dispose();
            _places.Dispose();
        }
    }

    private async Task ReadAllAsync()
    {
        var buffer = ArrayPool<byte>.Shared.Rent(FirstBufferSize);
        var have = 0;
        try
        {
            while (true)
            {
                var received = await _socket.ReceiveAsync(buffer.AsMemory(have), _stopReading.Token);
                if (received == 0) return;
                have += received;
                var isBusy = have == buffer.Length;
                var taken = 0;
                while (have - taken >= PrefixSize && BinaryPrimitives.ReadUInt16BigEndian(buffer.AsSpan(taken)) is var length && have - taken - PrefixSize >= length)
                {
                    Touch();
                    if (!await AnswerAsync(buffer.AsMemory(taken + PrefixSize, length))) return;
                    taken += PrefixSize + length;
                }
                have -= taken;
                buffer = MakeRoom(buffer, taken, have, isBusy ? BusyBufferSize : 0);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException)
        {
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    // Most queries are small and most connections idle, so the buffer grows only for who sends much at once, or a message that announces that it needs it.
    private static byte[] MakeRoom(byte[] buffer, int taken, int have, int atLeast)
    {
        var announced = have < PrefixSize ? PrefixSize : PrefixSize + BinaryPrimitives.ReadUInt16BigEndian(buffer.AsSpan(taken));
        var needed = Math.Max(announced, atLeast);
        var next = needed <= buffer.Length ? buffer : ArrayPool<byte>.Shared.Rent(needed);
        buffer.AsSpan(taken, have).CopyTo(next);
        if (!ReferenceEquals(next, buffer)) ArrayPool<byte>.Shared.Return(buffer);
        return next;
    }

    // False: the connection ends, because what came is no DNS query at all.
    private async ValueTask<bool> AnswerAsync(ReadOnlyMemory<byte> packet)
    {
        var frame = Handle(packet.Span, out var outcome, out var deferral);
        if (outcome == PipelineOutcome.Reply) await _replies.Writer.WriteAsync(frame, _cut.Token);
        if (outcome != PipelineOutcome.Defer) return outcome == PipelineOutcome.Reply;
        await _places.WaitAsync(_stopReading.Token);
        Interlocked.Increment(ref _inFlight);
        var copy = ArrayPool<byte>.Shared.Rent(packet.Length);
        packet.CopyTo(copy);
        _ = ForwardAsync(copy, packet.Length, deferral);
        return true;
    }

    // A reply may have 65,535 bytes and hardly ever has 100: it is written into the thread's scratch and leaves in a buffer of its size.
    private Frame Handle(ReadOnlySpan<byte> packet, out PipelineOutcome outcome, out Deferral deferral)
    {
        var scratch = _scratch ??= new byte[DnsLimits.MaxMessageSize];
        outcome = _pipeline.Handle(packet, _client, isTcp: true, scratch, out var length, out deferral);
        return outcome == PipelineOutcome.Reply ? Frame.Of(scratch.AsSpan(0, length)) : default;
    }

    private async Task ForwardAsync(byte[] packet, int packetLength, Deferral deferral)
    {
        var start = _services.Time.GetTimestamp();
        try
        {
            var frame = await AskAsync(packet.AsMemory(0, packetLength), deferral);
            var rcode = DnsHeader.GetRcode(frame.Message);
            await _replies.Writer.WriteAsync(frame, _cut.Token);
            _counters.Count(deferral.Type, rcode, Stage.Forward);
            _counters.Latency.Record(_services.Time.GetElapsedTime(start));
        }
        catch (OperationCanceledException)
        {
            _counters.Count(deferral.Type, Rcode.NoError, Stage.Abandoned);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(packet);
            Interlocked.Decrement(ref _inFlight);
            _places.Release();
        }
    }

    private async ValueTask<Frame> AskAsync(ReadOnlyMemory<byte> packet, Deferral deferral)
    {
        // Large buffers are held while an upstream is waited for, so all connections together have a bound too. Whoever finds no place soon is
        // told so, rather than left to wait behind a dead upstream's queries.
        if (!await _services.TcpForwards.WaitAsync(_forwardPatience, _cut.Token)) return Overloaded(packet.Span);
        var reply = ArrayPool<byte>.Shared.Rent(DnsLimits.MaxMessageSize);
        try
        {
            var length = await _services.Forward.AnswerAsync(packet, deferral.Finding, deferral.View, deferral.Cookie, reply, deferral.Limit, _cut.Token);
            return Frame.Of(reply.AsSpan(0, length));
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            _services.Faults.Count(e);
            ErrorReply.TryWrite(packet.Span, Rcode.ServFail, reply, out var length);
            return Frame.Of(reply.AsSpan(0, length));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(reply);
            _services.TcpForwards.Release();
        }
    }

    private static Frame Overloaded(ReadOnlySpan<byte> packet)
    {
        Span<byte> reply = stackalloc byte[DnsLimits.MinUdpSize];
        ErrorReply.TryWrite(packet, Rcode.ServFail, reply, out var length, EdeCode.Other);
        return Frame.Of(reply[..length]);
    }

    // Length and message in one write (RFC 7766 section 8).
    private async Task WriteAllAsync()
    {
        try
        {
            await foreach (var frame in _replies.Reader.ReadAllAsync(_cut.Token))
            {
                _isSending = true;
                for (var sent = 0; sent < frame.Length;)
                    sent += await _socket.SendAsync(frame.Bytes.AsMemory(sent, frame.Length - sent), _cut.Token);
                _isSending = false;
                ArrayPool<byte>.Shared.Return(frame.Bytes);
                Touch();
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException)
        {
            // Nobody reads the replies any more: those who wait to hand one in must not wait for ever.
            await _cut.CancelAsync();
        }
    }

    private void Touch() => _idle?.Change(_services.Options.TcpIdle, Timeout.InfiniteTimeSpan);

    // A client that waits for an upstream's answer is not idle; one that does not take the answers it asked for is.
    private void OnIdle()
    {
        try
        {
            if (Volatile.Read(ref _inFlight) > 0 && !_isSending)
            {
                Touch();
                return;
            }
            _services.Statistics.CountTcpTimedOut();
            _cut.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The connection ended at this moment.
        }
    }

    // A reply with its length before it, in a pooled buffer.
    private readonly record struct Frame(byte[] Bytes, int Length)
    {
        public ReadOnlySpan<byte> Message => Bytes.AsSpan(PrefixSize, Length - PrefixSize);

        public static Frame Of(ReadOnlySpan<byte> message)
        {
            var bytes = ArrayPool<byte>.Shared.Rent(PrefixSize + message.Length);
            BinaryPrimitives.WriteUInt16BigEndian(bytes, (ushort)message.Length);
            message.CopyTo(bytes.AsSpan(PrefixSize));
            return new Frame(bytes, PrefixSize + message.Length);
        }
    }
}
