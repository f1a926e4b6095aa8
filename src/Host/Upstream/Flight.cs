using MeshDns.Contracts.Dns;
using MeshDns.Host.Resolve;

namespace MeshDns.Host.Upstream;

/// <summary>Why there is no answer: what the client's EDE says (RFC 8914).</summary>
/// <param name="Code">The code.</param>
/// <param name="Text">In words, ASCII.</param>
/// <param name="IsLocal">True for a reason of our own, such as too much at once: it says nothing of the upstreams, and is not kept.</param>
internal readonly record struct RunFailure(EdeCode Code, byte[] Text, bool IsLocal = false);

/// <summary>
/// One question under way, those who wait for it, and the policy: which server when. The best first; the next as soon as one fails, when it takes longer
/// than its p95 (a hedge), or when its patience ends. All that were asked are listened to until the first answer. It goes on when those who wait
/// give up: what it brings is for the next too. For the loop's thread; used again and again.
/// </summary>
internal sealed class Flight(ForwardDesk desk) : WheelTimer
{
    private const int MaxAttempts = 16;
    private const int MaxServers = 32;

    // How long past the deadline a flight may be under way if all else fails.
    private const long MarginMs = 1000;

    private static readonly RunFailure _unreachable = new(EdeCode.NetworkError, [.. "no upstream is reachable"u8]);
    private static readonly RunFailure _silent = new(EdeCode.NoReachableAuthority, [.. "no upstream answered in time"u8]);
    private static readonly RunFailure _refused = new(EdeCode.NoReachableAuthority, [.. "every upstream failed or refused"u8]);
    private static readonly RunFailure _broken = new(EdeCode.InvalidData, [.. "upstream sent a referral or a broken message"u8]);
    private static readonly RunFailure _tooLong = new(EdeCode.InvalidData, [.. "CNAME chain too long"u8]);

    private readonly byte[] _key = new byte[ForwardKey.MaxSize];
    private readonly ServerLink[] _order = new ServerLink[MaxServers];
    private bool _isRetired;
    private ServerSet? _servers;
    private UpstreamQuestion? _question;
    private LoopMarking _marking;
    private ServerLink? _latest;
    private RunFailure? _failure;
    private int _keyLength;
    private int _count;
    private int _next;
    private uint _spent;
    private int _running;
    private int _probes;
    private bool _isStepping;
    private bool _isHedge;
    private long _stepAtMs;
    private ForwardedQuery? _firstWaiter;
    private ForwardedQuery? _lastWaiter;

    /// <summary>See <see cref="ForwardKey"/>.</summary>
    public ReadOnlySpan<byte> Key => _key.AsSpan(0, _keyLength);

    /// <summary>The key's hash.</summary>
    public ulong Hash { get; set; }

    /// <summary>The next flight of the same place in the table.</summary>
    public Flight? Neighbour { get; set; }

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
        _count = 0;
        _next = 0;
        _spent = 0;
        _isHedge = false;
        _stepAtMs = long.MaxValue;
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
        query.Next = null;
        if (_lastWaiter is { } last)
            last.Next = query;
        else
            _firstWaiter = query;
        _lastWaiter = query;
        if (_firstWaiter == query && Stale is not null && _running != 0)
            Rearm();
    }

    /// <summary>Takes all who wait: a chain by <see cref="ForwardedQuery.Next"/>.</summary>
    public ForwardedQuery? TakeWaiters()
    {
        ForwardedQuery? first = _firstWaiter;
        _firstWaiter = null;
        _lastWaiter = null;
        return first;
    }

    /// <summary>Asks the first server.</summary>
    public void Start()
    {
        desk.Hedges.Earn();
        _count = Servers.Order(_order);
        for (int i = 1; i < _count; i++)
            if (_order[i].Health.TryClaimProbe(desk.Loop.NowMs))
                StartProbe(_order[i]);
        Step();
    }

    /// <summary>Writes the query for a server, its id open.</summary>
    public int WriteQuery(Span<byte> query, bool edns, ServerLink server)
    {
        bool isMarked = edns && (_marking.IsAlways || server.Marks.TryTake(desk.Loop.NowMs));
        return Question.WriteQuery(query, edns, isMarked ? _marking.Option : []);
    }

    /// <summary>An attempt has ended.</summary>
    public void OnEnd(ServerLink server, AttemptEnd end, ReadOnlySpan<byte> reply, bool isProbe)
    {
        _running--;
        if (isProbe)
            _probes--;
        else if (!HasLanded)
            Take(server, end, reply);
        if (_running == 0 && HasLanded)
            desk.Recycle(this);
    }

    /// <inheritdoc/>
    public override void OnDue(long nowMs)
    {
        try
        {
            if (nowMs >= DeadlineMs + MarginMs)
                desk.LandFallen(this);
            else
                Proceed(nowMs);
        }
        catch (Exception fault)
        {
            desk.LandFault(this, fault);
        }
        if (IsIdle)
            desk.Recycle(this);
    }

    private void Proceed(long nowMs)
    {
        if (Stale is { } stale)
            ServeStale(stale, nowMs);
        if (nowMs >= _stepAtMs)
            Hasten();
        else
            Rearm();
    }

    private int MostAttempts => Math.Min(MaxAttempts, _count * Servers.Rounds);

    private ServerLink? PeekNext()
    {
        while (_next < MostAttempts && (_spent & (1u << (_next % _count))) != 0)
            _next++;
        return _next < MostAttempts && desk.Loop.NowMs < DeadlineMs ? _order[_next % _count] : null;
    }

    // The latest took too long: the next is asked as well.
    private void Hasten()
    {
        if (_isHedge)
        {
            desk.Hedges.Spend();
            desk.Counters.Hedges.Add();
        }
        Step();
    }

    // Asks the next server, and the one after it for as long as each fails at once. Without any left, and none under way, the flight has failed.
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
            bool isRetry = _next++ >= _count;
            _running++;
            desk.Loop.NewAttempt().Begin(this, _latest, PatienceMs(_latest), isRetry, isProbe: false);
        }
        while (_running == before && !HasLanded);
        _isStepping = false;
        if (HasLanded)
            return;
        if (_running == _probes)
        {
            desk.LandFailure(this, _failure ?? _unreachable);
            return;
        }
        PlanStep();
    }

    private void PlanStep()
    {
        _stepAtMs = long.MaxValue;
        if (_latest is not null && PeekNext() is { } next)
        {
            _isHedge = _running - _probes == 1 && next != _latest && desk.Hedges.HasCredit;
            long patienceMs = PatienceMs(_latest);
            _stepAtMs = desk.Loop.NowMs + (_isHedge ? Math.Min(_latest.HedgeDelayMs(), patienceMs) : patienceMs);
        }
        Rearm();
    }

    private void Rearm()
    {
        long dueAtMs = Math.Min(_stepAtMs, DeadlineMs + MarginMs);
        if (Stale is not null && _firstWaiter is { } first)
            dueAtMs = Math.Min(dueAtMs, first.ArrivedAtMs + StaleAfterMs);
        desk.Loop.Wheel.Set(this, dueAtMs);
    }

    private static long StaleAfterMs => (long)UpstreamForwarder.StaleAfter.TotalMilliseconds;

    private void ServeStale(CachedAnswer stale, long nowMs)
    {
        while (_firstWaiter is { } first && nowMs >= first.ArrivedAtMs + StaleAfterMs)
        {
            _firstWaiter = first.Next;
            if (_firstWaiter is null)
                _lastWaiter = null;
            desk.Deliver(first, new Landing(stale, IsStale: true));
        }
    }

    // At most half the deadline, so that there is always time for a second try.
    private long PatienceMs(ServerLink server)
    {
        long patienceMs = Servers.Patience is { } set ? (long)set.TotalMilliseconds : server.PatienceMs();
        return Math.Max(1, Math.Min(patienceMs, (DeadlineMs - desk.Loop.NowMs) / 2));
    }

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
                    Spend(server);
                    _failure = UpstreamReply.ExtendedError(reply) ?? _refused;
                    break;
                case AttemptEnd.TimedOut:
                    _failure = _silent;
                    break;
                case AttemptEnd.Overloaded:
                    _failure ??= UpstreamForwarder.Overload;
                    break;
                default:
                    _failure = _failure is { IsLocal: true } ? _unreachable : _failure ?? _unreachable;
                    break;
            }
            if (answer is not null)
                desk.LandAnswer(this, answer);
            else if (isFinal)
                desk.LandFailure(this, _failure!.Value);
            else if (!_isStepping)
                Step();
        }
        catch (Exception fault)
        {
            desk.LandFault(this, fault);
        }
    }

    // False: no other server is worth asking.
    private bool TryFilter(ServerLink server, ReadOnlySpan<byte> reply, out CachedAnswer? answer)
    {
        Spend(server);
        FilterVerdict verdict = desk.Filter.Apply(reply, Question, desk.Loop.NowMs, out answer, out int stripped);
        for (int i = 0; i < stripped; i++)
            desk.Counters.StrippedRecords.Add();
        if (verdict == FilterVerdict.ChainTooLong)
        {
            desk.Counters.ChainsTooLong.Add();
            _failure = _tooLong;
            return false;
        }
        if (verdict != FilterVerdict.Answer)
            _failure = _broken;
        return true;
    }

    private void Spend(ServerLink server)
    {
        int at = _order.AsSpan(0, _count).IndexOf(server);
        if (at >= 0)
            _spent |= 1u << at;
    }

    // Its answer is not waited for; it ends with the server's patience.
    private void StartProbe(ServerLink server)
    {
        _running++;
        _probes++;
        desk.Loop.NewAttempt().Begin(this, server, PatienceMs(server), isRetry: false, isProbe: true);
    }

    /// <summary>Marks the end. What attempts are still under way end by themselves.</summary>
    public void Land()
    {
        HasLanded = true;
        Stale = null;
        desk.Loop.Wheel.Clear(this);
    }

    /// <summary>True when nothing refers to it any more.</summary>
    public bool IsIdle => HasLanded && _running == 0;
}
