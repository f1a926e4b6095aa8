using MeshDns.Contracts.Dns;
using MeshDns.Host.Upstream.Cache;

namespace MeshDns.Host.Upstream.Replies;

/// <summary>Answers that say SERVFAIL and why.</summary>
internal static class FailureAnswers
{
    private const uint MaxLifetimeSeconds = 5;
    private const long MemoryMs = 60_000;

    /// <summary>A failure that is served and not kept.</summary>
    public static CachedAnswer Uncached(UpstreamQuestion question, ForwardFailure failure, long nowMs) => Create(question, failure, nowMs, 0, 0);

    /// <summary>A failure to be kept 1, 2, 4 and at most 5 seconds, longer with each in a row (RFC 9520 section 3.2).</summary>
    public static CachedAnswer Cached(UpstreamQuestion question, ForwardFailure failure, CachedAnswer? previous, long nowMs)
    {
        bool isInRow = previous is not null && (previous.Kind != AnswerKind.Failure || nowMs - previous.StoredAtMs < MemoryMs);
        int failures = isInRow ? Math.Min(previous!.Failures, 8) : 0;
        return Create(question, failure, nowMs, Math.Min(1u << failures, MaxLifetimeSeconds), failures + 1);
    }

    private static CachedAnswer Create(UpstreamQuestion question, ForwardFailure failure, long nowMs, uint lifetimeSeconds, int failures)
    {
        var message = new byte[DnsLimits.HeaderSize + question.Name.Length + 4];
        var writer = new MessageWriter(message);
        writer.TryWriteQuestion(question.Name, question.Type, question.Class);
        DnsHeader.SetFlags(message, DnsFlags.Response | DnsFlags.RecursionAvailable);
        DnsHeader.SetRcode(message, Rcode.ServFail);
        return new CachedAnswer
        {
            Message = message,
            QuestionEnd = message.Length,
            Kind = AnswerKind.Failure,
            ExtendedError = failure.Code,
            ExtendedErrorText = failure.Text,
            StoredAtMs = nowMs,
            LifetimeSeconds = lifetimeSeconds,
            Failures = failures,
        };
    }
}
