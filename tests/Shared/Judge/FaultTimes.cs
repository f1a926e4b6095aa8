namespace MeshDns.Tests.Shared.Judge;

/// <summary>A span of the observer's time.</summary>
internal readonly record struct Span(long From, long To)
{
    public bool Overlaps(long from, long to) => From <= to && from <= To;
}

/// <summary>What the faults and the nodes' own times excuse.</summary>
internal sealed class FaultTimes
{
    private readonly JudgeOptions _options;
    private readonly Span[] _lossy;
    private readonly Dictionary<string, Span[]> _up;
    private readonly Dictionary<string, Span[]> _paused;
    private readonly Dictionary<string, Span[]> _hindered;

    public FaultTimes(History history, JudgeOptions options)
    {
        _options = options;
        _lossy = [.. history.Faults.Where(f => f.Lossy).Select(f => new Span(f.From, f.To))];
        var nodes = history.Nodes.Select(n => n.Node).Distinct().ToArray();
        _up = nodes.ToDictionary(n => n, n => Spans(history, n, NodeCondition.Up));
        _paused = nodes.ToDictionary(n => n, n => Spans(history, n, NodeCondition.Paused).Select(s => s with { To = s.To + options.ResumeGraceMs }).ToArray());
        _hindered = nodes.ToDictionary(n => n, n => (Span[])[.. Merge(history.Faults.Where(f => f.Nodes?.Contains(n) != false).Select(f => new Span(f.From, f.To)).Concat(_paused[n]))]);
    }

    /// <summary>Spans in which acknowledged changes may have been lost, with the time that nodes have to find out.</summary>
    public IEnumerable<Span> Lossy => _lossy.Select(s => s with { To = s.To + _options.SettleMs });

    /// <summary>True when what the command's client was told has to hold: no part of it fell into the time of a database that got lost.</summary>
    public bool IsCertain(CommandRecord command) => IsCertain(command.InvokedAt, command.CompletedAt);

    /// <summary>The same of any time between a question and its answer.</summary>
    public bool IsCertain(long from, long to) => !_lossy.Any(s => s.Overlaps(from, to));

    /// <summary>The start of the node in whose time a query lies whole; null when the node was down or held for a part of it, or just before.</summary>
    public Span? Life(string node, long askedAt, long answeredAt)
    {
        if (!_up.TryGetValue(node, out var lives) || _paused[node].Any(p => p.Overlaps(askedAt, answeredAt))) return null;
        foreach (var life in lives) if (life.From <= askedAt && answeredAt <= life.To) return life;
        return null;
    }

    /// <summary>The start of the node in whose time a query was asked, whatever hindered it then.</summary>
    public Span? LifeAt(string node, long at) => _up.TryGetValue(node, out var lives) && lives.FirstOrDefault(l => l.From <= at && at <= l.To) is { To: > 0 } life ? life : null;

    /// <summary>From when on the node, in this life, has to know what was acknowledged at a time: it had the time to settle without any hindrance.</summary>
    public long SettledAt(string node, Span life, long acknowledgedAt)
    {
        var settled = Settle(node, Math.Max(acknowledgedAt, life.From));
        if (acknowledgedAt >= life.From || _options.SavedMs == 0) return settled;
        // What a former life knew long enough was saved; what it knew from its own start on was in the file already.
        var before = _up[node].Where(l => l.To < life.From).OrderBy(l => l.To).LastOrDefault();
        if (before.To == 0) return settled;
        var known = SettledAt(node, before, acknowledgedAt);
        return known == before.From || known + _options.SavedMs < before.To ? life.From : settled;
    }

    /// <summary>The last time at which nothing hindered the node, and had not for long enough that it knew all there was to know.</summary>
    public long LastClear(string node, long at)
    {
        var last = at;
        foreach (var span in _hindered[node].Reverse()) if (span.From <= last && last <= span.To + _options.SettleMs) last = span.From;
        return last;
    }

    /// <summary>True when a node may answer out of a past that was lost: it was so at the time, or something has hindered the node from learning better since.</summary>
    public bool MayKnowLostPast(string node, long from, long to)
    {
        if (_lossy.Length == 0) return false;
        var since = _hindered.ContainsKey(node) ? LastClear(node, from) : from;
        return Lossy.Any(s => s.Overlaps(since, to));
    }

    private long Settle(string node, long from)
    {
        foreach (var span in _hindered[node]) if (span.To > from && span.From < from + _options.SettleMs) from = span.To;
        return from + _options.SettleMs;
    }

    private static Span[] Spans(History history, string node, NodeCondition condition) =>
        [.. history.Nodes.Where(n => n.Node == node && n.Condition == condition).Select(n => new Span(n.From, n.To)).OrderBy(s => s.From)];

    private static IEnumerable<Span> Merge(IEnumerable<Span> spans)
    {
        Span? open = null;
        foreach (var span in spans.OrderBy(s => s.From))
        {
            if (open is { } o && span.From <= o.To) { open = o with { To = Math.Max(o.To, span.To) }; continue; }
            if (open is { } done) yield return done;
            open = span;
        }
        if (open is { } last) yield return last;
    }
}
