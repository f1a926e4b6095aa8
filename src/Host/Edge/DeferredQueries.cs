using MeshDns.Contracts.Dns;
using MeshDns.Host.Net;
using MeshDns.Host.Query;
using MeshDns.Host.Resolve;

namespace MeshDns.Host.Edge;

/// <summary>
/// UDP queries that wait. What is forwarded is posted to the upstream, which has its own bounds, and whose loop brings the reply. What needs more (an
/// owner's word) is awaited, and bounded twice here: so many are asked at once, as many more wait for a place. Of those
/// the newest goes first, and when there are too many the oldest is dropped, because its client is the likeliest to have given up. No task and no
/// allocation a query.
/// </summary>
internal sealed class DeferredQueries : IDeferredOwner
{
    // Reading the clock for each would cost as much as its reply's writing.
    private const int SampleMask = 63;
    private readonly EdgeServices _services;
    private readonly QueryCounters _counters;
    private readonly CancellationTokenSource _cancel = new();
    private readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _lock = new();
    private readonly LinkedList<DeferredQuery> _waiting = [];
    private readonly Stack<DeferredQuery> _unused = [];
    private readonly ReplyBatch _replies = new();
    private int _posted;
    private int _unsent; // Answered, and gathered with others.
    private int _asked;
    private int _untilSample;
    private bool _isStopping;
    private bool _isAbandoned;

    public DeferredQueries(EdgeServices services)
    {
        _services = services;
        _counters = services.Statistics.NewCounters("udp", isShared: true, latency: "forward");
    }

    /// <summary>Takes a query over; the packet and the address are copied. Never waits. Returns it where it is to be posted to the upstream; null where it goes another way.</summary>
    public ForwardedQuery? Take(ReadOnlySpan<byte> packet, ReadOnlySpan<byte> client, in LocalAddress local, UdpSocket socket, in Deferral deferral)
    {
        DeferredQuery? query;
        bool isStopping;
        lock (_lock)
        {
            _unused.TryPop(out query);
            isStopping = _isStopping;
            if (!isStopping) _posted++;
        }
        query ??= new DeferredQuery(this);
        query.Take(packet, client, local, socket, deferral, SampledTime());
        _services.Statistics.DeferredInFlight.Increment();
        if (isStopping) Drop(query);
        else if (deferral.Finding.Origin == Origin.Owner) Await(query);
        else return ForUpstream(query, deferral);
        return null;
    }

    /// <inheritdoc/>
    void IDeferredOwner.OnReply(DeferredQuery deferred, Span<byte> reply, int length)
    {
        if (deferred.Deferral.Cookie is { } cookie) CookieJar.TryStamp(reply[..deferred.Deferral.Limit], cookie, ref length);
        if (!_replies.TryAdd(reply[..length], deferred.Client, deferred.Local, deferred.Socket, out var errors)
            && !deferred.Socket.TrySend(reply[..length], deferred.Client, deferred.Local)) errors++;
        CountSendErrors(errors);
        Count(deferred, DnsHeader.GetRcode(reply));
        EndPosted(deferred, unsent: 1);
    }

    /// <inheritdoc/>
    void IDeferredOwner.OnDrop(DeferredQuery query)
    {
        _counters.Count(query.Deferral.Type, Rcode.NoError, Stage.Overload);
        EndPosted(query, unsent: 0);
    }

    /// <inheritdoc/>
    void IReplyBatch.Flush()
    {
        CountSendErrors(_replies.Send());
        lock (_lock)
        {
            _unsent = 0;
            EndIfDrained();
        }
    }

    private static DeferredQuery ForUpstream(DeferredQuery query, in Deferral deferral)
    {
        query.Finding = deferral.Finding;
        query.View = deferral.View;
        query.Party = deferral.Party;
        query.Limit = deferral.Limit - (deferral.Cookie is { } cookie ? cookie.Length + 4 : 0);
        return query;
    }

    // One in 64 is timed. 0: this is not the one.
    private long SampledTime() => (Interlocked.Increment(ref _untilSample) & SampleMask) == 0 ? _services.Time.GetTimestamp() : 0;

    private void Await(DeferredQuery waiting)
    {
        DeferredQuery? query = waiting;
        DeferredQuery? dropped = null;
        lock (_lock)
        {
            _posted--;
            if (_isStopping) dropped = waiting;
            else if (_asked < _services.Options.MaxDeferred) _asked++;
            else
            {
                _waiting.AddLast(waiting.Node);
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
            EndIfDrained();
        }
        // Asynchronously: that waits for a callback under way, which must not find its source disposed.
        await using (_services.Time.CreateTimer(_ => GiveUp(), null, bound, Timeout.InfiniteTimeSpan)) await _drained.Task;
        _cancel.Dispose();
    }

    // What was posted cannot be called back: it counts as abandoned, and its reply, should it come, goes nowhere.
    private void GiveUp()
    {
        _cancel.Cancel();
        lock (_lock)
        {
            _isAbandoned = true;
            for (; _posted > 0; _posted--) _counters.Count(DnsType.None, Rcode.NoError, Stage.Abandoned);
            if (_asked == 0) _drained.TrySetResult();
        }
    }

    private void EndPosted(DeferredQuery query, int unsent)
    {
        _services.Statistics.DeferredInFlight.Add(-1);
        query.Clear();
        lock (_lock)
        {
            _unused.Push(query);
            _unsent += unsent;
            if (_isAbandoned) return;
            _posted--;
            EndIfDrained();
        }
    }

    // Not before what was gathered has left: the sockets are closed then.
    private void EndIfDrained()
    {
        if (_isStopping && _asked + _posted + _unsent == 0) _drained.TrySetResult();
    }

    // The forwarder has answered, or will not.
    void IDeferredOwner.OnFinished(DeferredQuery query)
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
        if (ErrorReply.TryWrite(query.Query.Span, Rcode.ServFail, query.Reply, out var length)) Send(query, length);
    }

    private void Send(DeferredQuery query, int length)
    {
        var reply = query.Reply.AsSpan(0, length);
        if (!query.Socket.TrySend(reply, query.Client, query.Local)) _services.Statistics.SendErrors.Increment();
        Count(query, DnsHeader.GetRcode(reply));
    }

    private void Count(DeferredQuery query, Rcode rcode)
    {
        _counters.Count(query.Deferral.Type, rcode, Stage.Forward);
        if (query.Received != 0) _counters.Latency.Record(_services.Time.GetElapsedTime(query.Received));
    }

    private void CountSendErrors(int errors)
    {
        if (errors > 0) _services.Statistics.SendErrors.Add(errors);
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
            else
            {
                _asked--;
                EndIfDrained();
            }
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
        _services.Statistics.DeferredInFlight.Add(-1);
        query.Clear();
        // Never more than were in use at once, which is bounded.
        lock (_lock) _unused.Push(query);
    }
}
