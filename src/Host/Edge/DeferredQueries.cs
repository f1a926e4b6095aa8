using System.Buffers;
using System.Net;
using System.Threading.Channels;
using MeshDns.Contracts.Dns;
using MeshDns.Host.Resolve;

namespace MeshDns.Host.Edge;

/// <summary>
/// UDP queries that wait for an upstream, away from the loops. Bounded twice: so many are asked at once, as many more wait for a place; then the oldest
/// of those is dropped, because its client is the likeliest to have given up.
/// </summary>
internal sealed class DeferredQueries
{
    private readonly EdgeServices _services;
    private readonly QueryCounters _counters;
    private readonly Channel<Item> _waiting;
    private readonly SemaphoreSlim _places;
    private readonly CancellationTokenSource _cancel = new();
    private readonly Task _run;

    public DeferredQueries(EdgeServices services)
    {
        _services = services;
        _counters = services.Statistics.NewCounters("udp", isShared: true, latency: "forward");
        _places = new SemaphoreSlim(services.Options.MaxDeferred);
        var bounds = new BoundedChannelOptions(services.Options.MaxDeferred) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true };
        _waiting = Channel.CreateBounded<Item>(bounds, Dropped);
        _run = Task.Run(RunAsync);
    }

    /// <summary>Takes a query over; the packet and the address are copied. Never waits.</summary>
    public void Post(ReadOnlySpan<byte> packet, SocketAddress client, in LocalAddress local, UdpSocket socket, in Deferral deferral)
    {
        var copy = ArrayPool<byte>.Shared.Rent(packet.Length);
        packet.CopyTo(copy);
        _services.Statistics.AddDeferred(1);
        var item = new Item(copy, packet.Length, ClientAddress.Copy(client), local, socket, deferral, _services.Time.GetTimestamp());
        if (!_waiting.Writer.TryWrite(item)) Dropped(item);
    }

    /// <summary>Takes nothing more and waits until all are answered, or the bound; what is left then is given up.</summary>
    public async Task StopAsync(TimeSpan bound)
    {
        _waiting.Writer.TryComplete();
        // Asynchronously: that waits for a callback under way, which must not find its source disposed.
        await using (_services.Time.CreateTimer(_ => _cancel.Cancel(), null, bound, Timeout.InfiniteTimeSpan))
        {
            await _run;
            // Whoever holds every place knows that nobody else does.
            for (var i = 0; i < _services.Options.MaxDeferred; i++) await _places.WaitAsync();
        }
        _cancel.Dispose();
        _places.Dispose();
    }

    private async Task RunAsync()
    {
        await foreach (var item in _waiting.Reader.ReadAllAsync())
        {
            await _places.WaitAsync();
            _ = AnswerAsync(item);
        }
    }

    private async Task AnswerAsync(Item item)
    {
        var reply = ArrayPool<byte>.Shared.Rent(DnsLimits.MaxUdpSize);
        try
        {
            var deferral = item.Deferral;
            var packet = item.Packet.AsMemory(0, item.Length);
            var length = await _services.Forward.AnswerAsync(packet, deferral.Finding, deferral.View, deferral.Cookie, reply, deferral.Limit, _cancel.Token);
            Send(item, reply.AsSpan(0, length));
        }
        catch (OperationCanceledException)
        {
            _counters.Count(item.Deferral.Type, Rcode.NoError, Stage.Abandoned);
        }
        catch (Exception e)
        {
            _services.Faults.Count(e);
            if (ErrorReply.TryWrite(item.Packet.AsSpan(0, item.Length), Rcode.ServFail, reply, out var length)) Send(item, reply.AsSpan(0, length));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(reply);
            Return(item);
            _places.Release();
        }
    }

    private void Send(in Item item, ReadOnlySpan<byte> reply)
    {
        if (!item.Socket.TrySend(reply, item.Client, item.Local)) _services.Statistics.CountSendError();
        _counters.Count(item.Deferral.Type, DnsHeader.GetRcode(reply), Stage.Forward);
        _counters.Latency.Record(_services.Time.GetElapsedTime(item.Received));
    }

    private void Dropped(Item item)
    {
        _counters.Count(item.Deferral.Type, Rcode.NoError, Stage.Overload);
        Return(item);
    }

    private void Return(in Item item)
    {
        ArrayPool<byte>.Shared.Return(item.Packet);
        _services.Statistics.AddDeferred(-1);
    }

    private readonly record struct Item(byte[] Packet, int Length, SocketAddress Client, LocalAddress Local, UdpSocket Socket, Deferral Deferral, long Received);
}
