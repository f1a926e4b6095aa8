using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Services;

namespace MeshDns.Actors.Protocol;

/// <summary>
/// What actors of different nodes say to each other. Closed: the kinds of <see cref="MeshWire"/>, which alone cross the wire. New fields are optional, and a kind's name is never used again (docs/adr/0012).
/// </summary>
internal abstract record MeshMessage;

/// <summary>An incarnation of the allocator serves; said to every owner's door at least every half second. Its reference is the sender's.</summary>
internal sealed record AllocatorHello(string Term, long Epoch, string Node) : MeshMessage;

/// <summary>A change, for the incarnation that is named and no other.</summary>
/// <param name="Id">The sender's.</param>
/// <param name="Request">What is asked.</param>
/// <param name="Key">What it is known by: the caller's key, or one of its node's.</param>
/// <param name="Digest">Of the request.</param>
/// <param name="IsRetry">True when another incarnation may have carried it out.</param>
/// <param name="SentAt">How far the log was when it was first sent.</param>
/// <param name="Meant">The term that is meant.</param>
/// <param name="PatienceMs">How long the sender waits still.</param>
internal sealed record SubmitChange(long Id, ChangeRequest Request, string Key, string Digest, bool IsRetry, long SentAt, string Meant, long PatienceMs) : MeshMessage;

/// <summary>What an incarnation says of a change. With no reply it says that it is not the one that was meant, or that its term is over.</summary>
/// <param name="Id">The sender's.</param>
/// <param name="Term">Who says it.</param>
/// <param name="Reply">How it ended; null when it has not been carried out here, or nobody knows.</param>
/// <param name="IsOver">True when the term is over.</param>
/// <param name="MayBeDone">True when only the next term can tell.</param>
internal sealed record ChangeAnswered(long Id, string Term, ChangeReply? Reply, bool IsOver = false, bool MayBeDone = false) : MeshMessage;

/// <summary>The log has gone on.</summary>
/// <param name="Number">Its end.</param>
/// <param name="Term">That row's term.</param>
/// <param name="Rows">The newest rows where they are small; else none.</param>
internal sealed record LogMoved(long Number, string Term, IReadOnlyList<WireRow> Rows) : MeshMessage;

/// <summary>A row of the log.</summary>
internal sealed record WireRow(long Number, string Manifest, string Tag, byte[] Payload);

/// <summary>A node has found that the log no longer has what it had read; what it knew to be leased.</summary>
internal sealed record PastReported(IReadOnlyList<WireLease> Known) : MeshMessage;

/// <summary>A lease that somebody knew of.</summary>
internal sealed record WireLease(int Index, HostName Host);

/// <summary>A part of a message that is too large for a frame.</summary>
/// <param name="Id">The sender's, the same for all parts.</param>
/// <param name="Index">From 0.</param>
/// <param name="Count">How many there are.</param>
/// <param name="Kind">Of the whole.</param>
/// <param name="Bytes">The next bytes of it.</param>
internal sealed record MessagePart(long Id, int Index, int Count, string Kind, byte[] Bytes) : MeshMessage;

/// <summary>A question with a number, by which its answer is known.</summary>
internal abstract record NodeQuestion(long Id, int PatienceMs) : MeshMessage;

/// <summary>Wait until the node's directory, and the edges that read from it, have a row; answered by <see cref="RowAwaited"/>.</summary>
internal sealed record AwaitRow(long Id, int PatienceMs, long Number) : NodeQuestion(Id, PatienceMs);

/// <summary>Give up what the node runs and take no more changes; answered by <see cref="NodeDrained"/>.</summary>
internal sealed record DrainOrder(long Id, int PatienceMs, string? Reader = null) : NodeQuestion(Id, PatienceMs);

/// <summary>Say how the node is; answered by <see cref="NodeReported"/>.</summary>
internal sealed record ReportOrder(long Id, int PatienceMs) : NodeQuestion(Id, PatienceMs);

/// <summary>Something of one bucket, for its shard.</summary>
internal abstract record ShardQuestion(long Id, int PatienceMs, string Shard) : NodeQuestion(Id, PatienceMs);

/// <summary>Documents by key; answered by <see cref="FoundDocuments"/>.</summary>
internal sealed record FindDocuments(long Id, int PatienceMs, string Shard, IReadOnlyList<DocumentKey> Keys) : ShardQuestion(Id, PatienceMs, Shard);

/// <summary>What is declared of hosts, and what they lease; answered by <see cref="FoundHosts"/>.</summary>
internal sealed record FindHosts(long Id, int PatienceMs, string Shard, IReadOnlyList<HostName> Hosts) : ShardQuestion(Id, PatienceMs, Shard);

/// <summary>A page of documents; answered by <see cref="FoundDocuments"/>.</summary>
internal sealed record ListDocuments(long Id, int PatienceMs, string Shard, DocumentKind Of, PageRequest Page) : ShardQuestion(Id, PatienceMs, Shard);

/// <summary>A page of hosts' names; answered by <see cref="FoundNames"/>.</summary>
internal sealed record ListHosts(long Id, int PatienceMs, string Shard, PageRequest Page) : ShardQuestion(Id, PatienceMs, Shard);

/// <summary>Wake up, and say where; answered by <see cref="ShardPlace"/>.</summary>
internal sealed record WakeShard(long Id, int PatienceMs, string Shard) : ShardQuestion(Id, PatienceMs, Shard);

/// <summary>An answer to a question.</summary>
internal abstract record NodeAnswer(long Id) : MeshMessage;

/// <summary>It cannot be said now.</summary>
internal sealed record NotKnown(long Id, string Why) : NodeAnswer(Id);

/// <summary>Documents in order.</summary>
/// <param name="Id">The question's.</param>
/// <param name="Documents">Those found.</param>
/// <param name="IsCut">True when there are more, that had no room.</param>
/// <param name="IsConfirmed">False when the journal could not be looked at: they may be old.</param>
internal sealed record FoundDocuments(long Id, IReadOnlyList<StoredDocument> Documents, bool IsCut, bool IsConfirmed) : NodeAnswer(Id);

/// <summary>Hosts with their declarations, and the node on which their shard is.</summary>
internal sealed record FoundHosts(long Id, IReadOnlyList<FoundHost> Hosts, bool IsConfirmed, string Node) : NodeAnswer(Id);

/// <summary>A declared host.</summary>
/// <param name="Host">Its name.</param>
/// <param name="Declarations">Oldest first; empty when it only leases.</param>
/// <param name="Lease">The VIP that it leases; null for none.</param>
internal sealed record FoundHost(HostName Host, IReadOnlyList<HostDeclaration> Declarations, int? Lease);

/// <summary>Hosts' names in order.</summary>
internal sealed record FoundNames(long Id, IReadOnlyList<HostName> Hosts, bool IsCut, bool IsConfirmed) : NodeAnswer(Id);

/// <summary>Where a shard is, and the last row of its bucket.</summary>
internal sealed record ShardPlace(long Id, string Shard, string Node, long Row) : NodeAnswer(Id);

/// <summary>Who has not read so far in time.</summary>
internal sealed record RowAwaited(long Id, IReadOnlyList<string> Behind) : NodeAnswer(Id);

/// <summary>It is done; false when the reader is not known here.</summary>
internal sealed record NodeDrained(long Id, bool IsKnown) : NodeAnswer(Id);

/// <summary>How a node is, and the nodes without a database that read from it.</summary>
internal sealed record NodeReported(long Id, string Node, string Address, IReadOnlyList<string> Roles, string Version, MemberReport Report, IReadOnlyList<KnownReader>? Edges = null) : NodeAnswer(Id);
