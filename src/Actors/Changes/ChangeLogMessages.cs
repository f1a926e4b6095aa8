using MeshDns.Actors.Log;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Messages;

namespace MeshDns.Actors.Changes;

/// <summary>What happens to the writer of the log.</summary>
internal abstract record ChangeLogInput;

/// <summary>A change arrived.</summary>
/// <param name="Id">Who waits for the reply.</param>
/// <param name="Request">What is asked.</param>
/// <param name="Key">What it is known by.</param>
/// <param name="Meant">The term that the sender means; another one carries nothing out.</param>
internal sealed record Submitted(long Id, ChangeRequest Request, SubmittedKey Key, string Meant) : ChangeLogInput
{
    /// <summary>How long the sender waits still, milliseconds.</summary>
    public long PatienceMs { get; init; } = 10_000;
}

/// <summary>What a change is known by.</summary>
/// <param name="Key">The caller's key, or one of its node's.</param>
/// <param name="Digest">Of the request.</param>
/// <param name="IsRetry">True when another incarnation may have carried the change out.</param>
/// <param name="SentAt">How far the log was, as far as its node knew, when it was first sent: it cannot have been carried out before that.</param>
internal sealed record SubmittedKey(string Key, string Digest, bool IsRetry = false, long SentAt = 0);

/// <summary>A dry run was decided apart.</summary>
internal sealed record DecidedApart(long Id, ChangeReply Reply) : ChangeLogInput;

/// <summary>The append is durable.</summary>
internal sealed record Appended(long Append) : ChangeLogInput;

/// <summary>The append failed, or nobody knows; this incarnation ends, and the next one learns it by replay.</summary>
/// <param name="Append">Which.</param>
/// <param name="IsCollision">True when another incarnation's row was there: then it says nothing about the change.</param>
internal sealed record AppendFailed(long Append, bool IsCollision) : ChangeLogInput;

/// <summary>A look at the log's end has come back.</summary>
/// <param name="Look">Which.</param>
/// <param name="End">The last row.</param>
/// <param name="DatabaseMs">The journal's clock.</param>
internal sealed record LookedAtEnd(long Look, LogPosition End, long DatabaseMs) : ChangeLogInput;

/// <summary>The node's follower has read the journal's clock: a change that comes after a rest need not wait for a look.</summary>
/// <param name="DatabaseMs">The journal's clock.</param>
/// <param name="AskedAt">Just before it was asked.</param>
internal sealed record ClockRead(long DatabaseMs, Moment AskedAt) : ChangeLogInput;

/// <summary>A look failed.</summary>
internal sealed record LookFailed(long Look, string Why) : ChangeLogInput;

/// <summary>A reader has found that the log no longer has what it had read: a past is lost.</summary>
/// <param name="Known">The leases that the reader knew.</param>
internal sealed record PastLost(IReadOnlyList<KnownLease> Known) : ChangeLogInput
{
    /// <summary>With what others knew; one host an address, so that a thousand reports are no more than one.</summary>
    public PastLost With(PastLost? others) => others is null ? this : new([.. others.Known.Concat(Known).DistinctBy(k => k.Index)]);
}

/// <summary>A lease that somebody knew of.</summary>
internal sealed record KnownLease(int Index, Contracts.Names.HostName Host);

/// <summary>Facts of the node itself are to be written: an image that was stored, settings that were changed, a source that began.</summary>
/// <param name="Id">Who waits.</param>
/// <param name="Fact">The fact; its time is set when it is written.</param>
internal sealed record Noted(long Id, MeshEvent Fact) : ChangeLogInput;

/// <summary>Time has passed: patience ends, tables rest.</summary>
internal sealed record Ticked : ChangeLogInput;

/// <summary>The incarnation is to end: hand-over, or its node stops. What is in the append is finished first.</summary>
internal sealed record Stopping : ChangeLogInput;

/// <summary>What the writer of the log wants done, in order.</summary>
internal abstract record ChangeLogOutput;

/// <summary>Append rows, all or none, as the log's next; then say <see cref="Changes.Appended"/> or <see cref="Changes.AppendFailed"/>. Never two at a time.</summary>
internal sealed record Append(long Id, IReadOnlyList<LogRow> Rows) : ChangeLogOutput;

/// <summary>Look at the log's end, once, and at the journal's clock. Never two at a time.</summary>
internal sealed record Look(long Id) : ChangeLogOutput;

/// <summary>Answer a change.</summary>
internal sealed record Answer(long Id, ChangeLogAnswer Reply) : ChangeLogOutput;

/// <summary>Decide a dry run on a state, outside of the writer's turn.</summary>
internal sealed record DecideApart(long Id, MeshState State, ChangeRequest Request, long At) : ChangeLogOutput;

/// <summary>Tell readers how far the log is, with the rows where they are small.</summary>
internal sealed record TellReaders(LogPosition End, IReadOnlyList<LogRow> Rows) : ChangeLogOutput;

/// <summary>Tell an operator, loudly.</summary>
internal sealed record RaiseAlarm(string Text) : ChangeLogOutput;

/// <summary>This incarnation is over; the next one begins with what is remembered of its failures.</summary>
internal sealed record EndTerm(PoisonMemory Poison, string Why) : ChangeLogOutput;

/// <summary>What a change's sender gets.</summary>
internal abstract record ChangeLogAnswer;

/// <summary>The end of it.</summary>
internal sealed record Final(ChangeReply Reply) : ChangeLogAnswer;

/// <summary>This is not the incarnation that was meant; it has done nothing.</summary>
internal sealed record NotMe(string Term) : ChangeLogAnswer;

/// <summary>The incarnation is over. When <paramref name="MayBeDone"/>, only the next one can tell whether the change is in the log.</summary>
internal sealed record TermOver(bool MayBeDone) : ChangeLogAnswer;

/// <summary>A change that waits for its turn.</summary>
/// <param name="Input">What arrived.</param>
/// <param name="ArrivedAt">When.</param>
internal sealed record WaitingChange(Submitted Input, Moment ArrivedAt)
{
    /// <summary>A change of more documents and rests is bulk, and goes alone.</summary>
    public const int BulkAbove = 256;

    public ChangeRequest Request => Input.Request;

    /// <summary>Documents and rests.</summary>
    public int Size => Request.Changes.Count + (Request.Rests?.Count ?? 0);

    public bool IsBulk => Size > BulkAbove;

    /// <summary>True when its batch had something too large for a row: alone it shows whose that is.</summary>
    public bool MustGoAlone { get; init; }

    /// <summary>What its failures are remembered by: a caller's request may come again under another key of its node.</summary>
    public string Mark => Input.Key.Digest;

    public bool IsPatient(Moment now) => now.Since(ArrivedAt) < Input.PatienceMs;
}
