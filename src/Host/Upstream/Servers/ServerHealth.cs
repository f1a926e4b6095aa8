namespace MeshDns.Host.Upstream.Servers;

/// <summary>
/// What is known of one server's latency and failures. Times are in milliseconds on the <see cref="UpstreamClock"/>. Thread-safe; no clock and no
/// chance inside.
/// </summary>
internal sealed class ServerHealth
{
    /// <summary>Unanswered queries in a row after which a server is given a rest. A refused port is a rest at once.</summary>
    public const int TimeoutsToRest = 3;

    /// <summary>How long a server that refused EDNS is asked without it before that is tried again.</summary>
    public const long PlainMs = 10 * 60 * 1000;

    /// <summary>Refusals of EDNS in a row that make a server that speaks it one that does not.</summary>
    public const int RefusalsToDoubt = 8;

    private const int Samples = 64;
    private const int SamplesPerQuantile = 8;
    private const double LatencyWeight = 0.2;
    private const double FailureWeight = 0.1;
    private const double FailurePenalty = 8;
    private const double IdleDecay = 0.98;
    private const long FirstRestMs = 1000;
    private const long MaxRestMs = 30_000;
    private const long MostPatienceMs = 1000;
    private const long LeastPatienceMs = 300;
    private const long LeastHedgeDelayMs = 10;

    private readonly Lock _gate = new();
    private readonly double[] _samples = new double[Samples];
    private long _sampleCount;
    private double _latencyMs;
    private double _p95Ms;
    private double _failureRate;
    private int _unanswered;
    private long _restMs;
    private long _restUntilMs = long.MinValue;
    private long _plainUntilMs = long.MinValue;
    private int _ednsTrust;

    /// <summary>Mean latency in milliseconds, exponentially weighted; 0 before the first reply.</summary>
    public double LatencyMs
    {
        get
        {
            lock (_gate)
                return _latencyMs;
        }
    }

    /// <summary>The 95th percentile of the last 64 latencies in milliseconds; null before there are enough to tell.</summary>
    public double? P95Ms => Volatile.Read(ref _sampleCount) >= SamplesPerQuantile ? Volatile.Read(ref _p95Ms) : null;

    /// <summary>How long a reply may take before the server counts as not answering and the next is asked, in milliseconds: four times its p95, 0.3 to 1 s.</summary>
    public long PatienceMs => P95Ms is { } p95 ? (long)Math.Clamp(Math.Ceiling(4 * p95), LeastPatienceMs, MostPatienceMs) : MostPatienceMs;

    /// <summary>How long a reply may take before another server is asked as well, in milliseconds: its p95 (Dean and Barroso, "The Tail at Scale").</summary>
    public long HedgeDelayMs => P95Ms is { } p95 ? Math.Max(LeastHedgeDelayMs, (long)Math.Ceiling(p95)) : LeastPatienceMs;

    /// <summary>What servers are ordered by, least first: latency, made worse by failures. A server never tried comes first.</summary>
    public double Score
    {
        get
        {
            lock (_gate)
                return (_latencyMs + _failureRate) * (1 + (FailurePenalty * _failureRate));
        }
    }

    /// <summary>True once it answered a query with EDNS.</summary>
    public bool HasAnsweredEdns => Volatile.Read(ref _ednsTrust) > 0;

    /// <summary>True while the server rests, because it did not answer.</summary>
    public bool IsResting => Volatile.Read(ref _unanswered) >= TimeoutsToRest;

    /// <summary>A reply came, of any kind that shows a server at work.</summary>
    public void RecordReply(double latencyMs, bool isUseful)
    {
        lock (_gate)
        {
            _latencyMs = _sampleCount == 0 ? latencyMs : _latencyMs + (LatencyWeight * (latencyMs - _latencyMs));
            _samples[_sampleCount % Samples] = latencyMs;
            if ((_sampleCount + 1) % SamplesPerQuantile == 0)
                UpdateQuantile((int)Math.Min(_sampleCount + 1, Samples));
            Volatile.Write(ref _sampleCount, _sampleCount + 1);
            _failureRate += FailureWeight * ((isUseful ? 0 : 1) - _failureRate);
            _unanswered = 0;
            _restMs = 0;
        }
    }

    /// <summary>No reply came in time. A few in a row and the server rests, twice as long each time.</summary>
    public void RecordTimeout(long nowMs) => RecordUnanswered(nowMs, 1);

    /// <summary>The host says that nobody listens.</summary>
    public void RecordUnreachable(long nowMs) => RecordUnanswered(nowMs, TimeoutsToRest);

    /// <summary>True for one caller each time a rest has ended: its query is sent to the server too, to see whether it is back.</summary>
    public bool TryClaimProbe(long nowMs)
    {
        lock (_gate)
        {
            if (_unanswered < TimeoutsToRest || nowMs < _restUntilMs)
                return false;
            _restUntilMs = nowMs + _restMs;
            return true;
        }
    }

    /// <summary>Others were preferred: the latency measured long ago counts a little less, so that the server gets another chance (as in BIND).</summary>
    public void RecordPassedOver()
    {
        lock (_gate)
            _latencyMs *= IdleDecay;
    }

    /// <summary>The server answered a query with EDNS.</summary>
    public void RecordEdns() => Volatile.Write(ref _ednsTrust, RefusalsToDoubt);

    /// <summary>True while the server is asked without EDNS.</summary>
    public bool IsPlain(long nowMs) => nowMs < Volatile.Read(ref _plainUntilMs);

    /// <summary>
    /// The server answered a question without EDNS that it had not answered with it. One that never answered any with EDNS is asked without it for a time,
    /// whatever the name. One that did refused this question, as broken zones behind good servers make them do: only several in
    /// a row, with no answer to EDNS between, are about the server.
    /// </summary>
    public void RecordPlain(long nowMs)
    {
        int trust = Volatile.Read(ref _ednsTrust);
        if (trust > 1)
            Volatile.Write(ref _ednsTrust, trust - 1);
        else
            Volatile.Write(ref _plainUntilMs, nowMs + PlainMs);
    }

    private void RecordUnanswered(long nowMs, int weight)
    {
        lock (_gate)
        {
            _failureRate += FailureWeight * (1 - _failureRate);
            _unanswered = Math.Min(_unanswered + weight, TimeoutsToRest);
            if (_unanswered < TimeoutsToRest)
                return;
            // Queries that were under way together fail together: they are one reason to rest, not many.
            if (_restMs != 0 && nowMs < _restUntilMs - (_restMs / 2))
                return;
            _restMs = _restMs == 0 ? FirstRestMs : Math.Min(_restMs * 2, MaxRestMs);
            _restUntilMs = nowMs + _restMs;
        }
    }

    private void UpdateQuantile(int count)
    {
        Span<double> sorted = stackalloc double[count];
        _samples.AsSpan(0, count).CopyTo(sorted);
        sorted.Sort();
        double p95Ms = sorted[Math.Min(count - 1, (int)(count * 0.95))];
        Volatile.Write(ref _p95Ms, p95Ms);
    }
}
