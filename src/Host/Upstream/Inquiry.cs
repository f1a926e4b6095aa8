namespace MeshDns.Host.Upstream;

/// <summary>One question on its way to one or more servers, with the one deadline that all attempts share.</summary>
internal sealed class Inquiry(UpstreamQuestion question, LoopMarking marking, long deadlineMs)
{
    private byte[]? _marked;
    private byte[]? _edns;
    private byte[]? _plain;
    private bool _isSettled;

    /// <summary>The question.</summary>
    public UpstreamQuestion Question { get; } = question;

    /// <summary>When the answer is no longer of use, on the <see cref="UpstreamClock"/>.</summary>
    public long DeadlineMs { get; } = deadlineMs;

    /// <summary>True once it has its answer; attempts still under way then end at their own timeout, which they wait for only to score the server.</summary>
    public bool IsSettled
    {
        get => Volatile.Read(ref _isSettled);
        set => Volatile.Write(ref _isSettled, value);
    }

    /// <summary>The query as bytes, its id open. Senders copy it.</summary>
    /// <param name="edns">With an OPT record.</param>
    /// <param name="sample">The server's turn to get the loop mark.</param>
    /// <param name="nowMs">The time on the <see cref="UpstreamClock"/>.</param>
    public byte[] Query(bool edns, MarkSample sample, long nowMs)
    {
        if (!edns)
            return _plain ??= Question.ToQuery(edns: false, default);
        return marking.IsAlways || sample.TryTake(nowMs)
            ? _marked ??= Question.ToQuery(edns: true, marking.Option)
            : _edns ??= Question.ToQuery(edns: true, default);
    }

    /// <summary>The same question for a server that is only tried: nobody waits for the answer.</summary>
    public Inquiry ToProbe() => new(Question, marking, DeadlineMs) { IsSettled = true };

    /// <summary>What is left until the deadline; at least a millisecond.</summary>
    public TimeSpan Remaining(long nowMs) => TimeSpan.FromMilliseconds(Math.Max(1, DeadlineMs - nowMs));
}
