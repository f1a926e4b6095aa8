using MeshDns.Actors.Log;
using MeshDns.Contracts.Messages;

namespace MeshDns.Actors.Changes;

/// <summary>An incarnation of the allocator, as nodes know it.</summary>
/// <param name="Term">Its term.</param>
/// <param name="Epoch">Its number: a larger one is newer.</param>
internal sealed record KnownTerm(string Term, long Epoch);

/// <summary>What the sender of a change wants done.</summary>
internal abstract record ChangeCallOutput;

/// <summary>Send the change to an incarnation, once.</summary>
internal sealed record SendTo(KnownTerm To, bool IsRetry, long PatienceMs) : ChangeCallOutput;

/// <summary>It is over; the reply is the caller's.</summary>
internal sealed record CallEnded(ChangeReply Reply) : ChangeCallOutput;

/// <summary>
/// One change at the node whose API it came to, as a state machine. It is sent to the incarnation that the node knows, and again, under the same key, to each newer one for as long as the caller waits, so that
/// the allocator's death costs a change the takeover and not an error. 503 means that nothing happened and nothing will; where a copy may have been carried out, or may still be, it is 504.
/// </summary>
/// <remarks>
/// Only the newest incarnation that it was sent to may say that nothing was done: an older one's refusal says nothing of what the newer does with its copy. What is durable is durable whoever says so.
/// </remarks>
internal sealed record ChangeCall
{
    private ChangeCall(Moment begunAt, long patienceMs)
    {
        BegunAt = begunAt;
        PatienceMs = patienceMs;
    }

    private Moment BegunAt { get; }

    private long PatienceMs { get; }

    private KnownTerm? Newest { get; init; }

    private KnownTerm? SentTo { get; init; }

    // True while a copy is somewhere, or was where nobody told what became of it.
    private bool IsOpen { get; init; }

    private bool WasUncertain { get; init; }

    private bool IsOver { get; init; }

    private string Why { get; init; } = "no allocator could be reached";

    /// <summary>A change arrived at a node.</summary>
    /// <param name="now">Now.</param>
    /// <param name="patienceMs">So long the caller waits.</param>
    /// <param name="known">The incarnation that the node knows; null for none that it can reach.</param>
    /// <param name="mayBeDone">True when it was sent before, by another actor system of the node, and nobody has said what became of it.</param>
    public static (ChangeCall Call, ChangeCallOutput? Output) Begin(Moment now, long patienceMs, KnownTerm? known, bool mayBeDone = false) =>
        (new ChangeCall(now, patienceMs) { WasUncertain = mayBeDone }).Meet(known, now);

    /// <summary>The node has learnt of an incarnation that it can reach; null: of the last one, that it cannot.</summary>
    public (ChangeCall Call, ChangeCallOutput? Output) Meet(KnownTerm? known, Moment now)
    {
        if (IsOver) return (this, null);
        if (known is null) return (this with { Newest = null }, null);
        var call = this with { Newest = known };
        if (SentTo is { } sent && known.Epoch <= sent.Epoch) return (call, null);
        var left = PatienceMs - now.Since(BegunAt);
        if (left <= 0) return call.Pass(now);
        call = call with { SentTo = known, WasUncertain = WasUncertain || IsOpen, IsOpen = true };
        return (call, new SendTo(known, IsRetry: call.WasUncertain, left));
    }

    /// <summary>An incarnation answered.</summary>
    public (ChangeCall Call, ChangeCallOutput? Output) Take(string term, ChangeLogAnswer answer, Moment now)
    {
        if (IsOver) return (this, null);
        if (answer is Final { Reply: { Outcome: ChangeOutcome.Applied } applied } && WroteSomething(applied)) return End(applied);
        if (term != SentTo?.Term) return (this, null);
        return answer switch
        {
            Final { Reply.Outcome: ChangeOutcome.Unavailable } final => (this with { IsOpen = false }).End(final.Reply),
            Final final => End(final.Reply),
            TermOver { MayBeDone: true } => this.Pass(now),
            // Nothing was done there; another incarnation may be known by now.
            _ => (this with { IsOpen = false, Why = "the allocator was changing its place" }).Again(now),
        };
    }

    /// <summary>Time has passed.</summary>
    public (ChangeCall Call, ChangeCallOutput? Output) Pass(Moment now)
    {
        if (IsOver || now.Since(BegunAt) < PatienceMs) return (this, null);
        return End(new ChangeReply { Outcome = ChangeOutcome.Unavailable, Detail = $"nothing happened: {Why}" });
    }

    private (ChangeCall, ChangeCallOutput?) Again(Moment now) => Newest is { } known && known.Epoch > SentTo!.Epoch ? Meet(known, now) : Pass(now);

    // "Nothing happened" is said only when that is known of every copy.
    private (ChangeCall, ChangeCallOutput?) End(ChangeReply reply)
    {
        if (reply.Outcome == ChangeOutcome.Unavailable && (IsOpen || WasUncertain))
            reply = new ChangeReply { Outcome = ChangeOutcome.Unknown, Detail = "the deadline passed, and an allocator that was asked has not said what became of the change; it may or may not have happened" };
        return (this with { IsOver = true }, new CallEnded(reply));
    }

    private static bool WroteSomething(ChangeReply reply) => reply.IsReplayed || reply.Results.Any(r => r.Action is DocumentAction.Created or DocumentAction.Configured or DocumentAction.Deleted);
}
