using MeshDns.Contracts.Dns;
using MeshDns.Host.Resolve;
using MeshDns.Host.Upstream.Cache;
using MeshDns.Host.Upstream.Replies;
using MeshDns.Host.Upstream.Servers;

namespace MeshDns.Host.Upstream.Flights;

/// <summary>
/// One question under way, those who wait for it, and the policy: which server when. The best first; the next as soon as one fails, when it takes longer
/// than its p95 (a hedge), or when its patience ends. Those that stay silent are asked again, each round after twice the wait, until the deadline leaves
/// no time for a reply: packets get lost. All that were asked are listened to until the first answer. It goes on when those who wait give up: what it
/// brings is for the next too. For the loop's thread; used again and again.
/// </summary>
internal sealed class Flight(QueryForwarder forwarder) : WheelTimer, IPlaced
{
    // How long a client waits for a fresh answer while a stale one could be given (RFC 8767 section 5).
    private const long StaleAfterMs = 1800;

    // Rounds that are gone through however short the time.
    private const int SureRounds = 2;

    // How long past the deadline a flight may be under way if all else fails.
    private const long MarginMs = 1000;

    private static readonly ForwardFailure _unreachable = new(EdeCode.NetworkError, [.. "no upstream is reachable"u8]);
    private static readonly ForwardFailure _silent = new(EdeCode.NoReachableAuthority, [.. "no upstream answered in time"u8]);
    private static readonly ForwardFailure _refused = new(EdeCode.NoReachableAuthority, [.. "every upstream failed or refused"u8]);
    private static readonly ForwardFailure _broken = new(EdeCode.InvalidData, [.. "upstream sent a referral or a broken message"u8]);
    private static readonly ForwardFailure _tooLong = new(EdeCode.InvalidData, [.. "CNAME chain too long"u8]);

    private readonly byte[] _key = new byte[ForwardKey.MaxSize];
    private readonly ServerTurns _turns = new();
    private bool _isRetired;
    private ServerSet? _servers;
    private UpstreamQuestion? _question;
    private LoopMarking _marking;
    private ServerLink? _latest;
    private ForwardFailure? _failure;
    private int _keyLength;
    private int _running;
    private int _probes;
    private bool _isStepping;
    private long _hedgeAtMs;
    private long _stepAtMs;
    private long _giveUpAtMs;

    /// <summary>See <see cref="ForwardKey"/>.</summary>
    public ReadOnlySpan<byte> Key => _key.AsSpan(0, _keyLength);

    /// <summary>The key's hash.</summary>
    public ulong Hash { get; set; }

    /// <summary>The next flight of the same place in the table.</summary>
    public Flight? Neighbour { get; set; }

    /// <inheritdoc/>
    public Party Party { get; set; }

    /// <inheritdoc/>
    public int Place { get; set; }

    /// <inheritdoc/>
    public object Group => Servers;

    /// <summary>Who waits for it, in the order they came.</summary>
    public QueryList Waiters { get; } = new();

    /// <summary>What is under way for it; they come and go by themselves.</summary>
    public List<Attempt> Attempts { get; } = [];

    /// <summary>What is asked.</summary>
    public UpstreamQuestion Question => _question!;

    /// <summary>By which servers.</summary>
    public ServerSet Servers => _servers!;

    /// <summary>When the answer is no longer of use, on the <see cref="UpstreamClock"/>.</summary>
    public long DeadlineMs { get; private set; }

    /// <summary>True once it has its answer or failure; attempts still under way then end at their own patience, for which they wait only to score the server.</summary>
    public bool HasLanded { get; private set; }

    /// <summary>A refresh that nobody waits for.</summary>
    public bool IsPrefetch { get; set; }

    /// <summary>What may be served past its lifetime when this takes long; null for nothing.</summary>
    public CachedAnswer? Stale { get; private set; }

    /// <summary>Takes a question on. Nothing is asked yet.</summary>
    public void Board(ReadOnlySpan<byte> key, ServerSet servers, in LoopMarking marking, CachedAnswer? stale, long deadlineMs)
    {
        key.CopyTo(_key);
        _keyLength = key.Length;
        _question = ForwardKey.ToQuestion(key);
        _servers = servers;
        _marking = marking;
        _latest = null;
        _failure = null;
        _turns.Clear();
        _hedgeAtMs = long.MaxValue;
        _stepAtMs = long.MaxValue;
        _giveUpAtMs = long.MaxValue;
        Stale = stale;
        DeadlineMs = deadlineMs;
        HasLanded = false;
        IsPrefetch = false;
        _isRetired = false;
    }

    /// <summary>Its last use is over. False the second time: a flight that lands by a fault may be handed back twice, and must not be two flights then.</summary>
    public bool TryRetire() => !_isRetired && (_isRetired = true);

    /// <summary>Adds one who waits.</summary>
    public void Add(ForwardedQuery query)
    {
        Waiters.Add(query);
        query.Flight = this;
        bool isShort = forwarder.DeadlineOf(query) < DeadlineMs;
        if (isShort)
            _giveUpAtMs = Math.Min(_giveUpAtMs, forwarder.DeadlineOf(query));
        if ((isShort || (Waiters.First == query && Stale is not null)) && _running != 0)
            Rearm();
    }

    /// <summary>Asks the first server.</summary>
    public void Start()
    {
        forwarder.Hedges.Earn();
        foreach (ServerLink other in _turns.Begin(Servers)[1..])
            if (other.Health.TryClaimProbe(forwarder.Loop.NowMs))
                StartProbe(other);
        Step();
    }

    /// <summary>Writes the query for a server, its id open.</summary>
    public int WriteQuery(Span<byte> query, bool edns, ServerLink server)
    {
        bool isMarked = edns && (_marking.IsAlways || server.Marks.TryTake(forwarder.Loop.NowMs));
        return Question.WriteQuery(query, edns, isMarked ? _marking.Option : []);
    }

    /// <summary>An attempt has ended.</summary>
    public void OnEnd(ServerLink server, AttemptEnd end, ReadOnlySpan<byte> reply, bool isProbe)
    {
        _running--;
        if (isProbe)
            _probes--;
        else
            _turns.End(server);
        if (!isProbe && !HasLanded)
            Take(server, end, reply);
        if (_running == 0 && HasLanded)
            forwarder.FlightPool.Recycle(this);
    }

    /// <inheritdoc/>
    public override void OnDue(long nowMs)
    {
        try
        {
            if (nowMs >= DeadlineMs + MarginMs)
                forwarder.LandFallen(this);
            else
                Proceed(nowMs);
        }
        catch (Exception fault)
        {
            forwarder.LandFault(this, fault);
        }
        if (IsIdle)
            forwarder.FlightPool.Recycle(this);
    }

    private void Proceed(long nowMs)
    {
        if (Stale is { } stale)
            ServeStale(stale, nowMs);
        if (nowMs >= _giveUpAtMs)
            GiveUp(nowMs);
        bool isHedge = nowMs >= _hedgeAtMs && nowMs < _stepAtMs;
        if (isHedge)
            _hedgeAtMs = long.MaxValue;
        if (nowMs >= _stepAtMs || (isHedge && TryHedge()))
            Step();
        else
            Rearm();
    }

    // The budget is asked here and not when the hedge is planned: by then many may have been planned on the same credit.
    private bool TryHedge()
    {
        if (!forwarder.Hedges.TrySpend())
            return false;
        forwarder.Counters.Hedges.Add();
        return true;
    }

    private ServerLink? PeekNext() => forwarder.Loop.NowMs < DeadlineMs ? _turns.Peek() : null;

    // Asks the next server, and the one after it for as long as each fails at once. Without any left, and none that may still answer, the flight has failed.
    private void Step()
    {
        _isStepping = true;
        int before;
        do
        {
            before = _running;
            _latest = PeekNext();
            if (_latest is null)
                break;
            _turns.Take();
            _running++;
            forwarder.FlightPool.NewAttempt().Begin(this, _latest, WaitMs(_latest), isRetry: _turns.Round > 0, isProbe: false);
        }
        while (_running == before && !HasLanded);
        _isStepping = false;
        if (HasLanded)
            return;
        if (!_turns.IsAnyAwaited)
        {
            forwarder.LandFailure(this, _failure ?? _unreachable);
            return;
        }
        PlanStep();
    }

    private void PlanStep()
    {
        _hedgeAtMs = long.MaxValue;
        _stepAtMs = long.MaxValue;
        if (_latest is not null && PeekNext() is { } next)
        {
            long waitMs = WaitMs(_latest);
            // As much is left after the wait as the wait takes, or more: time for a reply, at twice the server's p95.
            if (_turns.NextRound < SureRounds || waitMs >= PatienceMs(next) / 2)
                _stepAtMs = forwarder.Loop.NowMs + waitMs;
            if (_running - _probes == 1 && next != _latest)
                _hedgeAtMs = forwarder.Loop.NowMs + _latest.HedgeDelayMs();
        }
        Rearm();
    }

    private void Rearm()
    {
        long dueAtMs = Math.Min(Math.Min(_hedgeAtMs, _stepAtMs), DeadlineMs + MarginMs);
        if (Stale is not null && Waiters.First is { } first)
            dueAtMs = Math.Min(dueAtMs, first.ArrivedAtMs + StaleAfterMs);
        dueAtMs = Math.Min(dueAtMs, _giveUpAtMs);
        forwarder.Loop.Wheel.Set(this, dueAtMs);
    }

    private void ServeStale(CachedAnswer stale, long nowMs)
    {
        while (Waiters.First is { } first && nowMs >= first.ArrivedAtMs + StaleAfterMs)
        {
            Waiters.Remove(first);
            forwarder.Deliver(first, new ServedAnswer(stale, IsStale: true));
        }
    }

    // Those whose chain of CNAMEs took time before it led here have less of it than the flight.
    private void GiveUp(long nowMs)
    {
        _giveUpAtMs = long.MaxValue;
        ForwardedQuery? next = Waiters.First;
        while (next is { } query)
        {
            next = query.Next;
            long deadlineMs = forwarder.DeadlineOf(query);
            if (nowMs >= deadlineMs)
            {
                Waiters.Remove(query);
                forwarder.DeliverFailure(query, _silent);
            }
            else if (deadlineMs < DeadlineMs)
            {
                _giveUpAtMs = Math.Min(_giveUpAtMs, deadlineMs);
            }
        }
    }

    private long PatienceMs(ServerLink server) => Servers.Patience is { } set ? (long)set.TotalMilliseconds : server.PatienceMs();

    // Twice as long with each round; at most half of what is left, so that there is always time for a second try.
    private long WaitMs(ServerLink server) => Math.Max(1, Math.Min(PatienceMs(server) << _turns.Round, (DeadlineMs - forwarder.Loop.NowMs) / 2));

    private void Take(ServerLink server, AttemptEnd end, ReadOnlySpan<byte> reply)
    {
        try
        {
            CachedAnswer? answer = null;
            bool isFinal = false;
            switch (end)
            {
                case AttemptEnd.Answer:
                    isFinal = !TryFilter(server, reply, out answer);
                    break;
                case AttemptEnd.ServFail or AttemptEnd.Refused:
                    _turns.Fail(server);
                    _failure = UpstreamReply.ExtendedError(reply) ?? _refused;
                    break;
                case AttemptEnd.TimedOut:
                    _failure = _silent;
                    break;
                case AttemptEnd.Overloaded:
                    _turns.Miss(server);
                    _failure ??= ForwardFailure.Overload;
                    break;
                default:
                    _turns.Miss(server);
                    _failure = _failure is { IsLocal: true } ? _unreachable : _failure ?? _unreachable;
                    break;
            }
            if (answer is not null)
                forwarder.LandAnswer(this, answer);
            else if (isFinal)
                forwarder.LandFailure(this, _failure!.Value);
            else if (!_isStepping)
                Step();
        }
        catch (Exception fault)
        {
            forwarder.LandFault(this, fault);
        }
    }

    // False: no other server is worth asking.
    private bool TryFilter(ServerLink server, ReadOnlySpan<byte> reply, out CachedAnswer? answer)
    {
        _turns.Fail(server);
        FilterVerdict verdict = forwarder.Filter.Apply(reply, Question, forwarder.Loop.NowMs, out answer, out int stripped);
        for (int i = 0; i < stripped; i++)
            forwarder.Counters.StrippedRecords.Add();
        if (verdict == FilterVerdict.ChainTooLong)
        {
            forwarder.Counters.ChainsTooLong.Add();
            _failure = _tooLong;
            return false;
        }
        if (verdict != FilterVerdict.Answer)
            _failure = _broken;
        return true;
    }

    // Its answer is not waited for; it ends with the server's patience.
    private void StartProbe(ServerLink server)
    {
        _running++;
        _probes++;
        forwarder.FlightPool.NewAttempt().Begin(this, server, WaitMs(server), isRetry: false, isProbe: true);
    }

    /// <summary>Marks the end. What attempts are still under way end by themselves.</summary>
    public void Land()
    {
        HasLanded = true;
        Stale = null;
        forwarder.Loop.Wheel.Clear(this);
    }

    /// <summary>Ends what is under way, once it has landed: its place is somebody else's. It may be another flight after this.</summary>
    public void Abandon()
    {
        for (int i = Attempts.Count - 1; i >= 0; i--)
            Attempts[i].Abandon();
    }

    /// <summary>True when nothing refers to it any more.</summary>
    public bool IsIdle => HasLanded && _running == 0;
}
