using MeshDns.Host.Resolve;
using MeshDns.Host.Upstream.Cache;
using MeshDns.Host.Upstream.Replies;
using MeshDns.Host.Upstream.Servers;

namespace MeshDns.Host.Upstream.Flights;

/// <summary>
/// One question under way and those who wait for it, as a state machine: it has no clock, no chance and no sockets; an input comes with the time, and leaves behind what is
/// to be done (<see cref="TryTakeOutput"/>) and when it wants to hear of the time (<see cref="DueAtMs"/>). Its policy is which server when: the best first; the next as soon
/// as one fails, when it takes longer than its p95 (a hedge), or when its patience ends. Those that stay silent are asked again, each round after twice the wait, until the
/// deadline leaves no time for a reply: packets get lost. All that were asked are listened to until the first answer. It goes on when those who wait give up: what it brings
/// is for the next too. Used again and again.
/// </summary>
/// <param name="filter">Says what a reply is worth.</param>
/// <param name="timeoutMs">How long whoever waits may wait.</param>
internal sealed class Flight(AnswerFilter filter, long timeoutMs)
{
    /// <summary>Attempts under way at once: every server's probe but the first's, and every turn.</summary>
    public const int MaxAttempts = ServerTurns.MaxTurns + ServerTurns.MaxServers;

    /// <summary>How long past the deadline it may be under way if all else fails.</summary>
    public const long MarginMs = 1000;

    // Rounds that are gone through however short the time.
    private const int SureRounds = 2;

    private readonly ServerTurns _turns = new();
    private readonly Queue<FlightOutput> _outputs = new(4);
    private ServerHealth[] _servers = [];
    private Attempt[] _attempts = new Attempt[2];
    private UpstreamQuestion? _question;
    private long? _patienceMs;
    private ForwardFailure? _failure;
    private int _slots;
    private int _running;
    private int _probes;
    private int _latest;
    private long _hedgeAtMs;
    private long _stepAtMs;

    /// <summary>What is asked.</summary>
    public UpstreamQuestion Question => _question!;

    /// <summary>Who waits for it. Whoever joins or leaves does so by <see cref="Join"/> and <see cref="Leave(ForwardedQuery)"/>.</summary>
    public FlightWaiters Waiters { get; } = new(timeoutMs);

    /// <summary>When the answer is no longer of use.</summary>
    public long DeadlineMs { get; private set; }

    /// <summary>When it wants to hear of the time; <see cref="long.MaxValue"/> for never.</summary>
    public long DueAtMs { get; private set; }

    /// <summary>What came of it.</summary>
    public FlightOutcome Outcome { get; private set; }

    /// <summary>True once it has its outcome; attempts still under way then end at their own patience, for which they wait only to score the server.</summary>
    public bool IsOver { get; private set; }

    /// <summary>True when it is over and nothing of it is under way.</summary>
    public bool IsIdle => IsOver && _running == 0;

    /// <summary>Takes a question on. Nothing is asked yet.</summary>
    public void Begin(UpstreamQuestion question, CachedAnswer? stale, long deadlineMs)
    {
        _question = question;
        _failure = null;
        _slots = 0;
        _latest = ServerTurns.Nobody;
        (_hedgeAtMs, _stepAtMs) = (long.MaxValue, long.MaxValue);
        (DeadlineMs, DueAtMs, Outcome, IsOver) = (deadlineMs, long.MaxValue, default, false);
        Waiters.Begin(stale, deadlineMs);
    }

    /// <summary>One more waits. Not once it is over.</summary>
    public void Join(ForwardedQuery query)
    {
        Waiters.Join(query);
        Arm();
    }

    /// <summary>One who waits does so no longer.</summary>
    public void Leave(ForwardedQuery query)
    {
        Waiters.Leave(query);
        Arm();
    }

    /// <summary>Asks the first server.</summary>
    /// <param name="servers">What is known of them, in the order in which to ask; read until the flight is idle.</param>
    /// <param name="count">How many; at most <see cref="ServerTurns.MaxServers"/>.</param>
    /// <param name="probes">Which of them, by bits, are asked beside, to see whether they are back; not the first.</param>
    /// <param name="rounds">How often each is asked; null: while there is time.</param>
    /// <param name="patienceMs">How long each may take; null: what its latency suggests.</param>
    /// <param name="nowMs">Now.</param>
    public void Start(ServerHealth[] servers, int count, uint probes, int? rounds, long? patienceMs, long nowMs)
    {
        _servers = servers;
        _patienceMs = patienceMs;
        _turns.Begin(count, rounds);
        // Their answers are not waited for; they end with the servers' patience.
        for (int i = 1; i < count; i++)
            if ((probes & (1u << i)) != 0)
                Ask(i, isProbe: true, nowMs);
        Step(nowMs);
        Arm();
    }

    /// <summary>An attempt was sent.</summary>
    public void OnSent(int attempt, ushort id) => _attempts[attempt].OnSent(id);

    /// <summary>An attempt's server takes no more.</summary>
    public void OnNoPlace(int attempt, long nowMs) => End(attempt, _attempts[attempt].OnNoPlace(_outputs), [], nowMs);

    /// <summary>There is no socket for an attempt.</summary>
    public void OnNoPort(int attempt, bool isFull, long nowMs) => End(attempt, _attempts[attempt].OnNoPort(isFull, _outputs), [], nowMs);

    /// <summary>A datagram with an attempt's id came. What is not its reply changes nothing.</summary>
    /// <param name="attempt">The attempt.</param>
    /// <param name="reply">The message.</param>
    /// <param name="isCut">It was longer than what is here of it.</param>
    /// <param name="latencyMs">The time since it was asked.</param>
    /// <param name="nowMs">Now.</param>
    public ReplyVerdict OnReply(int attempt, ReadOnlySpan<byte> reply, bool isCut, double latencyMs, long nowMs)
    {
        AttemptEnd? end = _attempts[attempt].OnReply(reply, Question, isCut, latencyMs, MaySend(attempt), _outputs, out ReplyVerdict verdict);
        End(attempt, end, reply, nowMs);
        return verdict;
    }

    /// <summary>A reply to nobody came where an attempt waits.</summary>
    public void OnFalseReply(int attempt) => _attempts[attempt].OnFalseReply(MaySend(attempt), _outputs);

    /// <summary>Nobody listens where an attempt went.</summary>
    public void OnUnreachable(int attempt, long nowMs) => End(attempt, _attempts[attempt].OnUnreachable(_outputs), [], nowMs);

    /// <summary>TCP has ended.</summary>
    public void OnTcp(int attempt, in Exchange exchange, long nowMs) => End(attempt, _attempts[attempt].OnTcp(exchange, MaySend(attempt), _outputs), exchange.Reply, nowMs);

    /// <summary>Time has passed.</summary>
    public void OnDue(long nowMs)
    {
        if (!IsOver && nowMs >= DeadlineMs + MarginMs)
            Complete(default);
        else if (!IsOver)
            Proceed(nowMs);
        for (int i = 0; i < _slots; i++)
        {
            if (!_attempts[i].IsUnderWay || nowMs < _attempts[i].DueAtMs)
                continue;
            long listenUntilMs = IsOver || _attempts[i].IsProbe ? long.MinValue : DeadlineMs;
            if (_attempts[i].OnDue(listenUntilMs, nowMs, _outputs) is { } end)
                OnEnd(_attempts[i], end, [], nowMs);
        }
        Arm();
    }

    /// <summary>There is budget for the hedge that was asked for.</summary>
    public void Hedge(long nowMs)
    {
        if (!IsOver)
            Step(nowMs);
        Arm();
    }

    /// <summary>Ends without an answer; nothing happens to one that is over.</summary>
    public void Fail(in ForwardFailure? failure)
    {
        if (!IsOver)
            Complete(new FlightOutcome(null, failure));
        Arm();
    }

    /// <summary>Ends what is under way, once it is over: its place is somebody else's.</summary>
    public void Abandon()
    {
        for (int i = 0; i < _slots; i++)
            if (_attempts[i].IsUnderWay && _attempts[i].TryAbandon(_outputs))
                EndUnderWay(_attempts[i]);
        Arm();
    }

    /// <summary>Forgets what it was about, once it is idle.</summary>
    public void Clear()
    {
        Waiters.Clear();
        (Outcome, _failure) = (default, null);
    }

    /// <summary>What is to be done next, in this order; false for nothing more.</summary>
    public bool TryTakeOutput(out FlightOutput output) => _outputs.TryDequeue(out output);

    // Once it is over only those are followed up that are asked for their servers' sake.
    private bool MaySend(int attempt) => !IsOver || _attempts[attempt].IsProbe;

    private void End(int attempt, AttemptEnd? end, ReadOnlySpan<byte> reply, long nowMs)
    {
        if (end is { } ended)
            OnEnd(_attempts[attempt], ended, reply, nowMs);
        Arm();
    }

    private void OnEnd(in Attempt attempt, AttemptEnd end, ReadOnlySpan<byte> reply, long nowMs)
    {
        (int server, bool isOfUse) = (attempt.Server, !attempt.IsProbe && !IsOver);
        EndUnderWay(attempt);
        if (isOfUse)
            Take(server, end, reply, nowMs);
    }

    private void EndUnderWay(in Attempt attempt)
    {
        _running--;
        if (attempt.IsProbe)
            _probes--;
        else
            _turns.End(attempt.Server);
    }

    private void Proceed(long nowMs)
    {
        Waiters.OnDue(nowMs, _outputs);
        bool isHedge = nowMs >= _hedgeAtMs && nowMs < _stepAtMs;
        if (isHedge)
        {
            // The budget is asked now and not when the hedge was planned: by then many may have been planned on the same credit.
            _hedgeAtMs = long.MaxValue;
            _outputs.Enqueue(new FlightOutput(FlightOutputKind.Hedge));
        }
        if (nowMs >= _stepAtMs)
            Step(nowMs);
    }

    // Asks the next server. Without any left, and none that may still answer, the flight has failed.
    private void Step(long nowMs)
    {
        _latest = PeekNext(nowMs);
        if (_latest != ServerTurns.Nobody)
        {
            _turns.Take();
            Ask(_latest, isProbe: false, nowMs);
        }
        if (_turns.IsAnyAwaited)
            Plan(nowMs);
        else
            Complete(new FlightOutcome(null, _failure ?? FlightOutcome.Unreachable));
    }

    private int PeekNext(long nowMs) => nowMs < DeadlineMs ? _turns.Peek() : ServerTurns.Nobody;

    private void Ask(int server, bool isProbe, long nowMs)
    {
        int slot = 0;
        while (slot < _slots && _attempts[slot].IsUnderWay)
            slot++;
        if (slot == _attempts.Length)
            Array.Resize(ref _attempts, Math.Min(2 * slot, MaxAttempts));
        _slots = Math.Max(_slots, slot + 1);
        _running++;
        if (isProbe)
            _probes++;
        long dueAtMs = Math.Min(nowMs + WaitMs(server, nowMs), DeadlineMs);
        _attempts[slot] = Attempt.Begin(slot, server, _servers[server], nowMs, dueAtMs, isRetry: !isProbe && _turns.Round > 0, isProbe, _outputs);
    }

    private void Plan(long nowMs)
    {
        (_hedgeAtMs, _stepAtMs) = (long.MaxValue, long.MaxValue);
        if (_latest == ServerTurns.Nobody || PeekNext(nowMs) is var next && next == ServerTurns.Nobody)
            return;
        long waitMs = WaitMs(_latest, nowMs);
        // As much is left after the wait as the wait takes, or more: time for a reply, at twice the server's p95.
        if (_turns.NextRound < SureRounds || waitMs >= PatienceMs(next) / 2)
            _stepAtMs = nowMs + waitMs;
        if (_running - _probes == 1 && next != _latest)
            _hedgeAtMs = nowMs + _servers[_latest].HedgeDelayMs;
    }

    private long PatienceMs(int server) => _patienceMs ?? _servers[server].PatienceMs;

    // Twice as long with each round; at most half of what is left, so that there is always time for a second try.
    private long WaitMs(int server, long nowMs) => Math.Max(1, Math.Min(PatienceMs(server) << _turns.Round, (DeadlineMs - nowMs) / 2));

    private void Arm()
    {
        long dueAtMs = long.MaxValue;
        if (!IsOver)
            dueAtMs = Math.Min(Math.Min(_hedgeAtMs, _stepAtMs), Math.Min(Waiters.DueAtMs, DeadlineMs + MarginMs));
        for (int i = 0; i < _slots; i++)
            if (_attempts[i].IsUnderWay)
                dueAtMs = Math.Min(dueAtMs, _attempts[i].DueAtMs);
        DueAtMs = dueAtMs;
    }

    private void Take(int server, AttemptEnd end, ReadOnlySpan<byte> reply, long nowMs)
    {
        switch (end)
        {
            case AttemptEnd.Answer:
                _turns.Fail(server);
                TakeAnswer(reply, nowMs);
                break;
            case AttemptEnd.ServFail or AttemptEnd.Refused:
                _turns.Fail(server);
                _failure = UpstreamReply.ExtendedError(reply) ?? FlightOutcome.Refused;
                break;
            case AttemptEnd.TimedOut:
                _failure = FlightOutcome.Silent;
                break;
            case AttemptEnd.Overloaded:
                _turns.Miss(server);
                _failure ??= ForwardFailure.Overload;
                break;
            default:
                _turns.Miss(server);
                _failure = _failure is { IsLocal: true } ? FlightOutcome.Unreachable : _failure ?? FlightOutcome.Unreachable;
                break;
        }
        if (!IsOver)
            Step(nowMs);
    }

    // An answer ends it, and so does what any other server would say too.
    private void TakeAnswer(ReadOnlySpan<byte> reply, long nowMs)
    {
        FilterVerdict verdict = filter.Apply(reply, Question, nowMs, out CachedAnswer? answer, out int stripped);
        if (stripped != 0)
            _outputs.Enqueue(new FlightOutput(FlightOutputKind.CountStripped) { Value = stripped });
        _failure = verdict == FilterVerdict.ChainTooLong ? FlightOutcome.TooLong : FlightOutcome.Broken;
        if (verdict == FilterVerdict.ChainTooLong)
            _outputs.Enqueue(new FlightOutput(FlightOutputKind.CountChainTooLong));
        if (verdict is FilterVerdict.Answer or FilterVerdict.ChainTooLong)
            Complete(new FlightOutcome(answer, answer is null ? _failure : null));
    }

    private void Complete(in FlightOutcome outcome)
    {
        (IsOver, Outcome) = (true, outcome);
        _outputs.Enqueue(new FlightOutput(FlightOutputKind.Complete));
    }
}
