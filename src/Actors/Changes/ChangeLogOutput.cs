using MeshDns.Actors.Log;
using MeshDns.Contracts.Messages;

namespace MeshDns.Actors.Changes;

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
