using MeshDns.Contracts.Dns;
using MeshDns.Host.Resolve;

namespace MeshDns.Host.Edge;

/// <summary>
/// UDP queries that wait for an upstream. Bounded twice: so many are asked at once, as many more wait for a place. Of those the newest goes first, and when
/// there are too many the oldest is dropped, because its client is the likeliest to have given up. No task and no allocation a query: it begins
/// on the loop that received it and ends wherever the upstream's answer does.
/// </summary>
internal sealed class DeferredQueries
{
    private readonly EdgeServices _services;
    private readonly QueryCounters _counters;
    private readonly CancellationTokenSource _cancel = new();
    private readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _lock = new();
    private readonly LinkedList<DeferredQuery> _waiting = [];
    private readonly Stack<DeferredQuery> _unused = [];
    private int _asked;
    private bool _isStopping;

    public DeferredQueries(EdgeServices services)
    {
        _services = services;
        _counters = services.Statistics.NewCounters("udp", isShared: true, latency: "forward");
    }

    /// <summary>Takes a query over; the packet and the address are copied. Never waits.</summary>
    public void Post(ReadOnlySpan<byte> packet, ReadOnlySpan<byte> client, in LocalAddress local, UdpSocket socket, in Deferral deferral)
    {
        DeferredQuery? query;
        lock (_lock) _unused.TryPop(out query);
        query ??= new DeferredQuery(Finish);
        query.Take(packet, client, local, socket, deferral, _services.Time.GetTimestamp());
        _services.Statistics.AddDeferred(1);
        DeferredQuery? dropped = null;
        lock (_lock)
        {
            if (_isStopping) dropped = query;
            else if (_asked < _services.Options.MaxDeferred) _asked++;
            else
            {
                _waiting.AddLast(query.Node);
                if (_waiting.Count > _services.Options.MaxDeferred)
                {
                    dropped = _waiting.First!.Value;
                    _waiting.RemoveFirst();
                }
                query = null;
            }
        }
        if (dropped is not null) Drop(dropped);
        else query?.Begin(_services.Forward, _cancel.Token);
    }

    /// <summary>Takes nothing more and waits until all are answered, or the bound; what is left then is given up.</summary>
    public async Task StopAsync(TimeSpan bound)
    {
        lock (_lock)
        {
            _isStopping = true;
            if (_asked == 0) _drained.TrySetResult();
        }
        // Asynchronously: that waits for a callback under way, which must not find its source disposed.
        await using (_services.Time.CreateTimer(_ => _cancel.Cancel(), null, bound, Timeout.InfiniteTimeSpan)) await _drained.Task;
        _cancel.Dispose();
    }

    // The forwarder has answered, or will not.
    private void Finish(DeferredQuery query)
    {
        try
        {
            Send(query, query.Result());
        }
        catch (OperationCanceledException)
        {
            _counters.Count(query.Deferral.Type, Rcode.NoError, Stage.Abandoned);
        }
        catch (Exception e)
        {
            Fail(query, e);
        }
        Release(query);
    }

    private void Fail(DeferredQuery query, Exception fault)
    {
        _services.Faults.Count(fault);
        if (ErrorReply.TryWrite(query.Packet.Span, Rcode.ServFail, query.Reply, out var length)) Send(query, length);
    }

    private void Send(DeferredQuery query, int length)
    {
        var reply = query.Reply.AsSpan(0, length);
        if (!query.Socket.TrySend(reply, query.Client, query.Local)) _services.Statistics.CountSendError();
        _counters.Count(query.Deferral.Type, DnsHeader.GetRcode(reply), Stage.Forward);
        _counters.Latency.Record(_services.Time.GetElapsedTime(query.Received));
    }

    // The place goes to the newest that waits. A chain of queries that all end at once must not become a chain of calls.
    private void Release(DeferredQuery query)
    {
        Return(query);
        DeferredQuery? next = null;
        lock (_lock)
        {
            if (_waiting.Last is { } newest)
            {
                next = newest.Value;
                _waiting.RemoveLast();
            }
            else if (--_asked == 0 && _isStopping) _drained.TrySetResult();
        }
        if (next is not null) ThreadPool.UnsafeQueueUserWorkItem(static s => s.Query.Begin(s.Forward, s.Token), (Query: next, _services.Forward, _cancel.Token), preferLocal: false);
    }

    private void Drop(DeferredQuery query)
    {
        _counters.Count(query.Deferral.Type, Rcode.NoError, Stage.Overload);
        Return(query);
    }

    private void Return(DeferredQuery query)
    {
        _services.Statistics.AddDeferred(-1);
        query.Clear();
        // Never more than were in use at once, which is bounded.
        lock (_lock) _unused.Push(query);
    }
}
