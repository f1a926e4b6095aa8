using MeshDns.Contracts.Dns;
using MeshDns.Contracts.Vips;

namespace MeshDns.Host.Upstream;

/// <summary>Why there is no answer: what the client's EDE says (RFC 8914).</summary>
internal readonly record struct RunFailure(EdeCode Code, byte[] Text);

/// <summary>
/// The policy for one question: which server when. The best first; the next as soon as one fails, when it takes longer than its p95 (a hedge), or when
/// its patience ends. All that were asked are listened to until the first answer. Knows no socket: a <see cref="ServerLink"/> is asked.
/// </summary>
internal sealed class QueryRun(ServerSet servers, Inquiry inquiry, UpstreamClock clock, HedgeBudget budget, UpstreamCounters counters, VipRange vips)
{
    private const int MaxAttempts = 16;

    private readonly List<Task<Attempt>> _running = [];
    private readonly HashSet<ServerLink> _spent = [];
    private ServerLink[] _order = [];
    private int _next;
    private RunFailure _failure = new(EdeCode.NetworkError, [.. "no upstream is reachable"u8]);

    /// <summary>The answer, or the failure once every server was tried or the deadline passed. Does not throw.</summary>
    public async Task<(CachedAnswer? Answer, RunFailure Failure)> RunAsync()
    {
        budget.Earn();
        _order = servers.Order();
        ProbeResting();
        while (true)
        {
            ServerLink? latest = StartNext();
            if (_running.Count == 0)
                return (null, _failure);
            if (await WaitAsync(latest) is not { } ended)
                continue;
            _running.Remove(ended);
            (CachedAnswer? answer, bool isFinal) = Take(await ended);
            if (answer is null && !isFinal)
                continue;
            inquiry.IsSettled = true;
            return (answer, _failure);
        }
    }

    private bool HasNext => PeekNext() is not null;

    private ServerLink? PeekNext()
    {
        int most = Math.Min(MaxAttempts, _order.Length * servers.Rounds);
        while (_next < most && _spent.Contains(_order[_next % _order.Length]))
            _next++;
        return _next < most && clock.NowMs < inquiry.DeadlineMs ? _order[_next % _order.Length] : null;
    }

    private ServerLink? StartNext()
    {
        ServerLink? link = PeekNext();
        if (link is null)
            return null;
        bool isRetry = _next++ >= _order.Length;
        _running.Add(link.AskAsync(inquiry, PatienceWith(link), isRetry));
        return link;
    }

    // The next attempt to end; null when it is time to ask another server.
    private async Task<Task<Attempt>?> WaitAsync(ServerLink? latest)
    {
        if (latest is null || !HasNext)
            return await Task.WhenAny(_running);
        bool isHedge = _running.Count == 1 && PeekNext() != latest && budget.HasCredit;
        TimeSpan patience = PatienceWith(latest);
        TimeSpan delay = isHedge && latest.HedgeDelay() < patience ? latest.HedgeDelay() : patience;
        using var answered = new CancellationTokenSource();
        Task tick = Task.Delay(delay, clock.Time, answered.Token);
        Task first = await Task.WhenAny([.. _running, tick]);
        if (first != tick)
        {
            await answered.CancelAsync();
            return (Task<Attempt>)first;
        }
        if (isHedge)
        {
            budget.Spend();
            counters.Hedges.Add();
        }
        return null;
    }

    // At most half the deadline, so that there is always time for a second try.
    private TimeSpan PatienceWith(ServerLink link)
    {
        TimeSpan patience = servers.Patience ?? link.Patience();
        TimeSpan half = inquiry.Remaining(clock.NowMs) / 2;
        return patience < half ? patience : half;
    }

    private (CachedAnswer? Answer, bool IsFinal) Take(in Attempt attempt)
    {
        switch (attempt.End)
        {
            case AttemptEnd.Answer:
                return Filter(attempt);
            case AttemptEnd.ServFail or AttemptEnd.Refused:
                _spent.Add(attempt.Server);
                _failure = UpstreamReply.ExtendedError(attempt.Reply) ?? new(EdeCode.NoReachableAuthority, [.. "every upstream failed or refused"u8]);
                break;
            case AttemptEnd.TimedOut:
                _failure = new(EdeCode.NoReachableAuthority, [.. "no upstream answered in time"u8]);
                break;
        }
        return (null, false);
    }

    private (CachedAnswer? Answer, bool IsFinal) Filter(in Attempt attempt)
    {
        _spent.Add(attempt.Server);
        FilterVerdict verdict = AnswerFilter.Apply(attempt.Reply, inquiry.Question, vips, clock.NowMs, out CachedAnswer? answer, out int stripped);
        for (int i = 0; i < stripped; i++)
            counters.StrippedRecords.Add();
        if (verdict == FilterVerdict.ChainTooLong)
        {
            counters.ChainsTooLong.Add();
            _failure = new(EdeCode.InvalidData, [.. "CNAME chain too long"u8]);
            return (null, true);
        }
        if (verdict != FilterVerdict.Answer)
            _failure = new(EdeCode.InvalidData, [.. "upstream sent a referral or a broken message"u8]);
        return (answer, false);
    }

    // The answer to a probe is not waited for; a settled inquiry ends with the server's patience.
    private void ProbeResting()
    {
        foreach (ServerLink link in _order.AsSpan(1))
        {
            if (!link.Health.TryClaimProbe(clock.NowMs))
                continue;
            _ = link.AskAsync(inquiry.ToProbe(), PatienceWith(link));
        }
    }
}
