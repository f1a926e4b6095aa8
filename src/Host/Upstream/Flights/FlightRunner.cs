using MeshDns.Contracts.Dns;
using MeshDns.Host.Resolve;
using MeshDns.Host.Upstream.Cache;
using MeshDns.Host.Upstream.Replies;
using MeshDns.Host.Upstream.Servers;
using Microsoft.Extensions.Logging;

namespace MeshDns.Host.Upstream.Flights;

/// <summary>Who runs flights, and hears what becomes of them.</summary>
internal interface IFlightOwner
{
    /// <summary>It is over; its waiters are the owner's now.</summary>
    void OnOver(FlightRunner flight);

    /// <summary>One who waited for it is to get its stale answer.</summary>
    void OnServeStale(FlightRunner flight, ForwardedQuery query);

    /// <summary>One who waited for it, or for any, is to wait no longer.</summary>
    void OnGiveUp(ForwardedQuery query, in ForwardFailure failure);

    /// <summary>Nothing of it is under way any more: it may be used again. It may be said twice.</summary>
    void OnIdle(FlightRunner flight);
}

/// <summary>
/// Runs a <see cref="Flight"/>: hands it what comes and the time, does what it wants done, and owns its sockets and its timer. For the loop's thread; used again and again.
/// </summary>
internal sealed class FlightRunner : WheelTimer, IPendingQuery, IPlaced
{
    private readonly ForwarderServices _services;
    private readonly HedgeBudget _hedges;
    private readonly IFlightOwner _owner;
    private readonly Flight _flight;
    private readonly AttemptSockets _sockets;
    private readonly byte[] _key = new byte[ForwardKey.MaxSize];
    private ServerLink[] _order = new ServerLink[1];
    private ServerHealth[] _known = new ServerHealth[1];
    private int _keyLength;
    private ServerSet? _servers;
    private long _armedAtMs = long.MaxValue;
    private bool _isStarted;
    private bool _isActing;
    private bool _isRetired;

    public FlightRunner(ForwarderServices services, AnswerFilter filter, HedgeBudget hedges, IFlightOwner owner)
    {
        _services = services;
        _hedges = hedges;
        _owner = owner;
        TimeoutMs = services.TimeoutMs;
        _flight = new Flight(filter, TimeoutMs);
        _sockets = new AttemptSockets(services.Loop, this, OnTcp);
    }

    /// <summary>How long its questions may take, in milliseconds.</summary>
    public long TimeoutMs { get; }

    /// <summary>See <see cref="ForwardKey"/>.</summary>
    public ReadOnlySpan<byte> Key => _key.AsSpan(0, _keyLength);

    /// <summary>The key's hash.</summary>
    public ulong Hash { get; set; }

    /// <summary>The next flight of the same place in the table.</summary>
    public FlightRunner? Neighbour { get; set; }

    /// <inheritdoc/>
    public Party Party { get; set; }

    /// <inheritdoc/>
    public int Place { get; set; }

    /// <inheritdoc/>
    public object Group => Servers;

    /// <summary>Who is asked.</summary>
    public ServerSet Servers => _servers!;

    /// <summary>A refresh that nobody waits for.</summary>
    public bool IsPrefetch { get; set; }

    /// <summary>The flight.</summary>
    public Flight Flight => _flight;

    /// <summary>Takes a question on. Nothing is asked yet.</summary>
    public void Begin(ReadOnlySpan<byte> key, ServerSet servers, in LoopMarking marking, CachedAnswer? stale)
    {
        key.CopyTo(_key);
        _keyLength = key.Length;
        _servers = servers;
        (IsPrefetch, _isStarted, _isRetired) = (false, false, false);
        UpstreamQuestion question = ForwardKey.ToQuestion(key);
        _sockets.Begin(question, marking);
        _flight.Begin(question, stale, NowMs + TimeoutMs);
    }

    /// <summary>One more waits.</summary>
    public void Join(ForwardedQuery query)
    {
        query.WaitsFor = this;
        _flight.Join(query);
        if (_isStarted)
            Act();
    }

    /// <summary>One who waits does so no longer.</summary>
    public void Leave(ForwardedQuery query)
    {
        _flight.Leave(query);
        Act();
    }

    /// <summary>Asks the first server.</summary>
    public void Start()
    {
        _isStarted = true;
        try
        {
            _hedges.Earn();
            int count = Servers.Links.Count;
            if (_order.Length < count)
                (_order, _known) = (new ServerLink[count], new ServerHealth[count]);
            Servers.Order(_order);
            uint probes = 0;
            for (int i = 0; i < count; i++)
            {
                _known[i] = _order[i].Health;
                if (i != 0 && _known[i].TryClaimProbe(NowMs))
                    probes |= 1u << i;
            }
            _flight.Start(_known, count, probes, Servers.Rounds, (long?)Servers.Patience?.TotalMilliseconds, NowMs);
        }
        catch (Exception fault)
        {
            Fail(fault);
        }
        Act();
    }

    /// <summary>Ends it without an answer, if it is not over.</summary>
    public void Fail(in ForwardFailure failure)
    {
        _flight.Fail(failure);
        Act();
    }

    /// <summary>Ends what is under way, once it is over. It may be another flight after this.</summary>
    public void Abandon()
    {
        _flight.Abandon();
        Act();
    }

    /// <inheritdoc/>
    public ReplyVerdict OnReply(int attempt, ReadOnlySpan<byte> reply, bool isCut)
    {
        var verdict = ReplyVerdict.Accept;
        try
        {
            verdict = _flight.OnReply(attempt, reply, isCut, _sockets.ElapsedMs(attempt), NowMs);
        }
        catch (Exception fault)
        {
            Fail(fault);
        }
        Act();
        return verdict;
    }

    /// <inheritdoc/>
    public void OnFalseReply(int attempt)
    {
        _flight.OnFalseReply(attempt);
        Act();
    }

    /// <inheritdoc/>
    public void OnUnreachable(int attempt)
    {
        _flight.OnUnreachable(attempt, NowMs);
        Act();
    }

    /// <inheritdoc/>
    public override void OnDue(long nowMs)
    {
        _armedAtMs = long.MaxValue;
        try
        {
            _flight.OnDue(nowMs);
        }
        catch (Exception fault)
        {
            Fail(fault);
        }
        Act();
    }

    /// <summary>Its last use is over. False the second time: it must not be two flights then.</summary>
    public bool TryRetire()
    {
        if (_isRetired)
            return false;
        _flight.Clear();
        return _isRetired = true;
    }

    private long NowMs => _services.Loop.NowMs;

    private void OnTcp(int attempt, Exchange exchange)
    {
        try
        {
            _flight.OnTcp(attempt, exchange, NowMs);
        }
        catch (Exception fault)
        {
            Fail(fault);
        }
        Act();
    }

    // What is done may bring more to do, which is done after it.
    private void Act()
    {
        if (_isActing)
            return;
        _isActing = true;
        while (_flight.TryTakeOutput(out FlightOutput output))
        {
            try
            {
                Do(output);
            }
            catch (Exception fault)
            {
                Fail(fault);
            }
        }
        _isActing = false;
        Arm();
        if (_flight.IsIdle)
            _owner.OnIdle(this);
    }

    private void Arm()
    {
        if (_flight.DueAtMs == _armedAtMs)
            return;
        _armedAtMs = _flight.DueAtMs;
        if (_armedAtMs == long.MaxValue)
            _services.Loop.Wheel.Clear(this);
        else
            _services.Loop.Wheel.Set(this, _armedAtMs);
    }

    // A bug must cost its own question, and nobody may wait for ever.
    private void Fail(Exception fault)
    {
        try
        {
            _services.Logger.LogError(fault, "Forwarding {Name} failed by a fault of ours", DnsName.ToText(_flight.Question.Name));
            _flight.Fail(FlightOutcome.Fault);
        }
        catch (Exception)
        {
            _flight.Fail(null);
        }
    }

    private void Do(in FlightOutput output)
    {
        switch (output.Kind)
        {
            case FlightOutputKind.Send:
                Send(output);
                break;
            case FlightOutputKind.SendOverTcp:
                _services.Counters.TcpFallbacks.Add();
                _sockets.SendOverTcp(output.Attempt, _order[output.Server], output.Edns, _flight.DeadlineMs);
                break;
            case FlightOutputKind.CancelTcp:
                _sockets.CancelTcp(output.Attempt);
                break;
            case FlightOutputKind.End:
                _sockets.Leave(output.Attempt);
                _order[output.Server].OnEnd(output.End, output.LatencyMs, output.IsTimeoutKnown, output.Edns, NowMs);
                break;
            case FlightOutputKind.EndWithoutPlace:
                _order[output.Server].Count(AttemptEnd.Overloaded);
                break;
            case FlightOutputKind.Abandon:
                _sockets.Leave(output.Attempt);
                _order[output.Server].Leave();
                break;
            case FlightOutputKind.RecordTimeout:
                _known[output.Server].RecordTimeout(output.Value);
                break;
            case FlightOutputKind.RecordPlain:
                _known[output.Server].RecordPlain(NowMs);
                break;
            case FlightOutputKind.CountStripped:
                for (long i = 0; i < output.Value; i++)
                    _services.Counters.StrippedRecords.Add();
                break;
            case FlightOutputKind.CountChainTooLong:
                _services.Counters.ChainsTooLong.Add();
                break;
            case FlightOutputKind.Hedge:
                if (!_hedges.TrySpend())
                    break;
                _services.Counters.Hedges.Add();
                _flight.Hedge(NowMs);
                break;
            case FlightOutputKind.ServeStale:
                while (_flight.Waiters.ToServeStale.TryTake(out ForwardedQuery served))
                    _owner.OnServeStale(this, served);
                break;
            case FlightOutputKind.GiveUp:
                while (_flight.Waiters.ToGiveUp.TryTake(out ForwardedQuery givenUp))
                    _owner.OnGiveUp(givenUp, FlightOutcome.Silent);
                break;
            case FlightOutputKind.Complete:
                _owner.OnOver(this);
                break;
        }
    }

    private void Send(in FlightOutput output)
    {
        ServerLink server = _order[output.Server];
        if (output.IsFirst && !server.TryEnter(output.IsRetry))
        {
            _flight.OnNoPlace(output.Attempt, NowMs);
            return;
        }
        if (output.IsTrial)
            _services.Counters.PlainFallbacks.Add();
        if (_sockets.TrySend(output.Attempt, server, output.Edns, out ushort id, out bool isFull))
            _flight.OnSent(output.Attempt, id);
        else
            _flight.OnNoPort(output.Attempt, isFull, NowMs);
    }
}
