using System.Text.Json;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Messages;

namespace MeshDns.Actors.Journal;

/// <summary>Who writes: a node's name and the random id of this start of it.</summary>
public sealed record NodeIdentity(string Node, string Incarnation);

/// <summary>
/// The right to append to a stream: an append is accepted only while the journal's ownership row has exactly these values.
/// </summary>
/// <param name="Stream">The stream.</param>
/// <param name="Node">The owner's name.</param>
/// <param name="Incarnation">The owner's incarnation.</param>
/// <param name="Term">The random term of the claim.</param>
/// <param name="Epoch">Raised by every claim and every recovery.</param>
/// <param name="Seq">The last seq of the stream.</param>
public readonly record struct Fence(string Stream, string Node, string Incarnation, string Term, long Epoch, long Seq);

/// <summary>A stream that a node would own, and what the node saw of its ownership row: the claim is granted only while the row is still so.</summary>
/// <param name="Stream">The stream.</param>
/// <param name="SeenTerm">The term of the row; empty for no row.</param>
/// <param name="SeenEpoch">The epoch of the row; 0 for no row.</param>
public readonly record struct StreamWish(string Stream, string SeenTerm, long SeenEpoch);

/// <summary>A claim that the journal granted.</summary>
/// <param name="Fence">What appends must show from now on.</param>
/// <param name="Now">The journal's clock at the claim, milliseconds since the Unix epoch.</param>
/// <param name="Timeline">Which history the database is on; another one after a failover. Empty where there is only one.</param>
public sealed record StreamClaim(Fence Fence, long Now, string Timeline = "");

/// <summary>What a stream's owner replays: the last snapshot, then the rows after it.</summary>
/// <param name="Snapshot">The snapshot's payload; null for none.</param>
/// <param name="SnapshotSeq">The seq that the snapshot includes; 0 for none.</param>
/// <param name="Rows">The rows after the snapshot, in order.</param>
public sealed record StreamHistory(byte[]? Snapshot, long SnapshotSeq, IReadOnlyList<JournalRow> Rows);

/// <summary>A row of the journal.</summary>
public readonly record struct JournalRow(long Seq, string Term, long Epoch, string Kind, byte[] Payload);

/// <summary>Events for one stream, under its fence.</summary>
public sealed record StreamAppend(Fence Fence, IReadOnlyList<MeshEvent> Events);

/// <summary>The reply to remember for a caller that repeats a request, or for a node that forwarded it.</summary>
/// <param name="Key">The caller's key, or a node's.</param>
/// <param name="RequestHash">A hash of the request, to tell a repetition from a mistake; empty under a node's key.</param>
/// <param name="Reply">The reply as JSON, compressed or not; journals keep it as it is.</param>
public sealed record RememberedReply(string Key, string RequestHash, byte[] Reply)
{
    /// <summary>What is to be remembered of a reply.</summary>
    public static RememberedReply Of(string key, string requestHash, ChangeReply reply) =>
        new(key, requestHash, IsForwardKey(key) ? JsonSerializer.SerializeToUtf8Bytes(reply, ReplyJson.Default.ChangeReply) : ReplyStore.Pack(reply));

    /// <summary>The reply.</summary>
    public ChangeReply Read() => ReplyStore.Unpack(Reply);

    /// <summary>True for a node's key (docs/adr/0018): kept for minutes, apart from the callers', in stores that nodes share.</summary>
    public bool IsForwarded => IsForwardKey(Key);

    /// <summary>True for a key that nodes know a forwarded change by: it begins with a blank, which no caller's key does.</summary>
    public static bool IsForwardKey(string key) => key.StartsWith(' ');
}

/// <summary>One transaction: all of it or nothing.</summary>
public sealed record AppendRequest(IReadOnlyList<StreamAppend> Streams, IReadOnlyList<RememberedReply> Replies);

/// <summary>How an append ended, when that is known.</summary>
public enum AppendOutcome
{
    /// <summary>Durable.</summary>
    Committed,

    /// <summary>A fence did not hold: <see cref="AppendResult.Subject"/> is the stream. Nothing happened.</summary>
    Fenced,

    /// <summary>The lease tables refused it: an invariant would have been broken. Nothing happened.</summary>
    GuardRefused,

    /// <summary>An idempotency key is taken: <see cref="AppendResult.Subject"/> is the key. Nothing happened.</summary>
    KeyTaken,
}

/// <summary>How an append ended.</summary>
public sealed record AppendResult(AppendOutcome Outcome, string Subject = "");

/// <summary>A stream as the ownership table has it; the node is empty when its last owner has released it.</summary>
public sealed record OwnershipRow(string Stream, string Node, string Incarnation, string Term, long Epoch, long Seq);

/// <summary>What a feed reader gets of one stream.</summary>
/// <param name="Stream">The stream.</param>
/// <param name="Reset">True when the reader must drop what it has of it: its position is not in the journal, or it began from nothing.</param>
/// <param name="Snapshot">A snapshot to begin from, when reset and there is one.</param>
/// <param name="SnapshotPosition">The position that the snapshot stands for.</param>
/// <param name="Rows">Rows after the position or the snapshot.</param>
public sealed record StreamFeed(string Stream, bool Reset, byte[]? Snapshot, Directory.StreamPosition SnapshotPosition, IReadOnlyList<JournalRow> Rows);

/// <summary>One read of all streams in one database snapshot.</summary>
/// <param name="Streams">Streams with something new.</param>
/// <param name="Now">The journal's clock at the read, milliseconds since the Unix epoch.</param>
/// <param name="Standing">How long it stays the whole truth, of a journal that <see cref="IJournal.IsExclusive"/>; else null: it grows old from the read on.</param>
public sealed record FeedRead(IReadOnlyList<StreamFeed> Streams, long Now, Standing? Standing = null);

/// <summary>
/// The truth: an append-only log of streams with fenced writers, in SQL. Reads and writes throw
/// <see cref="JournalUnavailableException"/> when nothing happened, and an append throws <see cref="JournalInDoubtException"/>
/// when it may have.
/// </summary>
public interface IJournal : IAsyncDisposable
{
    /// <summary>
    /// True when only this process can write, for as long as the journal is open: then nobody joins, claims or commits unseen, <see cref="Appended"/> tells of
    /// every append, and nothing has to be asked for again and again.
    /// </summary>
    bool IsExclusive => false;

    /// <summary>Raised after a commit, of this process at once and of others when the journal tells; must return at once. Readers poll anyway.</summary>
    event Action? Appended;

    /// <summary>Raised when another process joined, left, claimed or released, where the journal can tell; must return at once. Members beat anyway.</summary>
    event Action? MembersChanged;

    /// <summary>Writes the cluster's settings if there are none; returns the stored ones.</summary>
    /// <param name="settings">What this node was told.</param>
    /// <param name="adjustable">Settings that nodes must agree on but that no event depends on: a store that only this node can use takes them over.</param>
    /// <param name="cancel">Ends it.</param>
    Task<IReadOnlyDictionary<string, string>> SettleSettingsAsync(IReadOnlyDictionary<string, string> settings, IReadOnlyCollection<string> adjustable, CancellationToken cancel);

    /// <summary>
    /// Claims streams, each in one compare-and-set that raises the epoch and writes a new term: whoever held it can no longer append. Granted are
    /// those whose row is as the wish says and whose owner is this very node, nobody, or not a live member by the journal's clock; the others are
    /// left out of the reply.
    /// </summary>
    Task<IReadOnlyList<StreamClaim>> ClaimAsync(NodeIdentity node, IReadOnlyList<StreamWish> wishes, string term, CancellationToken cancel);

    /// <summary>Gives streams up: their rows have no owner from now on, and whoever wants them may claim them. A fence that does not hold is passed over; its seq does not matter.</summary>
    Task ReleaseAsync(IReadOnlyList<Fence> streams, CancellationToken cancel);

    /// <summary>Reads what the owner of a stream replays. Only after a claim, or an append in doubt could still change it.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="fromStart">True to leave the snapshot out and read every row.</param>
    /// <param name="cancel">Ends it.</param>
    Task<StreamHistory> ReadAsync(string stream, bool fromStart, CancellationToken cancel);

    /// <summary>Appends to all streams in one transaction, each under its fence, with the lease tables kept in step.</summary>
    Task<AppendResult> AppendAsync(AppendRequest request, CancellationToken cancel);

    /// <summary>Stores a snapshot under the fence; false when the fence does not hold.</summary>
    Task<bool> SaveSnapshotAsync(Fence fence, byte[] snapshot, CancellationToken cancel);

    /// <summary>The replies remembered under these keys, as far as there are any.</summary>
    Task<IReadOnlyList<RememberedReply>> FindRepliesAsync(IReadOnlyList<string> keys, CancellationToken cancel);

    /// <summary>Reads everything after a position vector, in one database snapshot.</summary>
    Task<FeedRead> ReadFeedAsync(IReadOnlyDictionary<string, Directory.StreamPosition> from, CancellationToken cancel);

    /// <summary>The ownership table.</summary>
    Task<IReadOnlyList<OwnershipRow>> ReadOwnershipAsync(CancellationToken cancel);

    /// <summary>True when the stream has exactly this event; a position that it once had and has no longer tells that the journal was rewound.</summary>
    Task<bool> ContainsAsync(string stream, Directory.StreamPosition position, CancellationToken cancel);

    /// <summary>
    /// Makes this node a member, or says why not. A live row of the same name with another incarnation refuses, unless
    /// <see cref="MemberBeat.Previous"/> is that incarnation (a restart on the same data directory); so does a live member of another protocol.
    /// </summary>
    Task<JoinReply> JoinAsync(MemberBeat me, CancellationToken cancel);

    /// <summary>
    /// Says that this node is alive, for one lease from now by the journal's clock, and reads who else is and who owns what, in one round trip and one database
    /// snapshot. Nothing is written when the node's row is another incarnation's: <see cref="ClusterRead.IsMember"/> is false then.
    /// </summary>
    Task<ClusterRead> HeartbeatAsync(MemberBeat me, CancellationToken cancel);

    /// <summary>Removes this node's row at once; of another incarnation nothing.</summary>
    Task LeaveAsync(NodeIdentity node, CancellationToken cancel);
}

/// <summary>The journal cannot be reached or refuses to work (disk full, locked); nothing happened.</summary>
public class JournalUnavailableException : Exception
{
    /// <summary>Says why.</summary>
    public JournalUnavailableException(string message, Exception inner) : base(message, inner) { }

    /// <summary>Says why.</summary>
    public JournalUnavailableException(string message) : base(message) { }

    /// <summary>For serializers.</summary>
    public JournalUnavailableException() { }
}

/// <summary>The journal will not work with this node before somebody changes something: a newer program made its tables, or its configuration is refused.</summary>
public sealed class JournalRefusedException : JournalUnavailableException
{
    /// <summary>Says why.</summary>
    public JournalRefusedException(string message, Exception inner) : base(message, inner) { }

    /// <summary>Says why.</summary>
    public JournalRefusedException(string message) : base(message) { }

    /// <summary>For serializers.</summary>
    public JournalRefusedException() { }
}

/// <summary>The connection or the deadline was lost while an append was under way; a recovery learns whether it happened.</summary>
public sealed class JournalInDoubtException : Exception
{
    /// <summary>Says why.</summary>
    public JournalInDoubtException(string message, Exception inner) : base(message, inner) { }

    /// <summary>Says why.</summary>
    public JournalInDoubtException(string message) : base(message) { }

    /// <summary>For serializers.</summary>
    public JournalInDoubtException() { }
}
