using System.Text.Json.Serialization;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Services;

namespace MeshDns.Contracts.Messages;

/// <summary>
/// What one node asks of another. Closed: the kinds below. Each is safe to repeat. New fields are optional and a kind's name is never used again (docs/adr/0012).
/// </summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "kind")]
[JsonDerivedType(typeof(PrepareShards), "prepare-shards.1")]
[JsonDerivedType(typeof(PrepareVips), "prepare-vips.1")]
[JsonDerivedType(typeof(SettleBatch), "settle.1")]
[JsonDerivedType(typeof(ReadDocuments), "read-documents.1")]
[JsonDerivedType(typeof(PageDocuments), "page-documents.1")]
[JsonDerivedType(typeof(ReadHosts), "read-hosts.1")]
[JsonDerivedType(typeof(PageHosts), "page-hosts.1")]
[JsonDerivedType(typeof(ReadHostVips), "read-host-vips.1")]
[JsonDerivedType(typeof(ReadVip), "read-vip.1")]
[JsonDerivedType(typeof(PageVips), "page-vips.1")]
[JsonDerivedType(typeof(PageRests), "page-rests.1")]
[JsonDerivedType(typeof(ReadUsage), "read-usage.1")]
[JsonDerivedType(typeof(AwaitFeed), "await-feed.1")]
[JsonDerivedType(typeof(DrainNode), "drain.1")]
[JsonDerivedType(typeof(TellRewound), "rewound.1")]
[JsonDerivedType(typeof(ReadFeed), "read-feed.1")]
[JsonDerivedType(typeof(CarryChange), "change.1")]
[JsonDerivedType(typeof(ForwardChange), "forward.1")]
public abstract record NodeRequest;

/// <summary>What a node answers. Closed: the kinds below.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "kind")]
[JsonDerivedType(typeof(NodeRefusal), "refused.1")]
[JsonDerivedType(typeof(Done), "done.1")]
[JsonDerivedType(typeof(ShardsPrepared), "shards-prepared.1")]
[JsonDerivedType(typeof(VipsPrepared), "vips-prepared.1")]
[JsonDerivedType(typeof(DocumentList), "documents.1")]
[JsonDerivedType(typeof(HostFactList), "hosts.1")]
[JsonDerivedType(typeof(HostNameList), "host-names.1")]
[JsonDerivedType(typeof(VipList), "vips.1")]
[JsonDerivedType(typeof(RestList), "rests.1")]
[JsonDerivedType(typeof(UsageReply), "usage.1")]
[JsonDerivedType(typeof(FeedAwaited), "feed-awaited.1")]
[JsonDerivedType(typeof(FeedReply), "feed.1")]
[JsonDerivedType(typeof(ChangeCarried), "changed.1")]
public abstract record NodeReply;

/// <summary>Why a node did not do what it was asked.</summary>
public enum NodeFault
{
    /// <summary>It does not own the stream; whoever asks should read the owners again.</summary>
    NotOwner,

    /// <summary>It cannot do it now: not recovered, overloaded, its lease is over, or the store is away. Nothing happened.</summary>
    Unavailable,
}

/// <summary>The request was not carried out.</summary>
public sealed record NodeRefusal(NodeFault Fault, string Detail) : NodeReply;

/// <summary>It is done.</summary>
public sealed record Done : NodeReply;

/// <summary>Prepare a batch in shards of one node, in the order given; the first that refuses ends it.</summary>
/// <param name="Batch">The batch.</param>
/// <param name="HoldMs">How long an owner waits for the outcome before it finds out by itself.</param>
/// <param name="Shards">In stream order.</param>
/// <param name="NoWait">True when a stream that another batch holds is to be answered with <see cref="RefusalReason.Contention"/> at once; then all shards are asked, and all answer.</param>
public sealed record PrepareShards(Guid Batch, int HoldMs, IReadOnlyList<ShardWork> Shards, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] bool NoWait = false) : NodeRequest;

/// <summary>What a batch asks of one shard.</summary>
public sealed record ShardWork(string Stream, IReadOnlyList<ShardPart> Parts);

/// <summary>What one change of a batch asks of a shard.</summary>
public sealed record ShardPart(int Change, ShardCommand Command);

/// <summary>Prepare a batch in the allocator.</summary>
public sealed record PrepareVips(Guid Batch, int HoldMs, IReadOnlyList<VipPart> Parts) : NodeRequest;

/// <summary>What one change of a batch asks of the allocator.</summary>
public sealed record VipPart(int Change, VipCommand Command);

/// <summary>The right to append to a stream, as its owner hands it to a coordinator.</summary>
public sealed record FenceMessage(string Stream, string Node, string Incarnation, string Term, long Epoch, long Seq);

/// <summary>An event in the form in which the journal keeps it.</summary>
public sealed record EventMessage(string Kind, byte[] Payload);

/// <summary>What shards answered, in the order asked; shorter when one of them refused a change. Those named are held.</summary>
public sealed record ShardsPrepared(IReadOnlyList<ShardPrepared> Shards) : NodeReply;

/// <summary>What one shard answered.</summary>
/// <param name="Fence">The right to append; null when a change was refused, and then nothing is held.</param>
/// <param name="Parts">Per change, in the order asked.</param>
public sealed record ShardPrepared(FenceMessage? Fence, IReadOnlyList<ShardPartPrepared> Parts);

/// <summary>What became of one change in a shard.</summary>
public sealed record ShardPartPrepared(int Change, IReadOnlyList<EventMessage> Events, ShardOutcome? Outcome, RefusedPart? Refused);

/// <summary>A shard's reply, for the wire.</summary>
public sealed record ShardOutcome(IReadOnlyList<VipDemand> Demands, IReadOnlyList<DocumentVersion> Versions, IReadOnlyList<VipWarning> Warnings);

/// <summary>A document's new version.</summary>
public sealed record DocumentVersion(DocumentKey Key, long Version);

/// <summary>Why a change was refused.</summary>
public sealed record RefusedPart(RefusalReason Reason, string Detail);

/// <summary>What the allocator answered.</summary>
public sealed record VipsPrepared(FenceMessage? Fence, IReadOnlyList<VipPartPrepared> Parts) : NodeReply;

/// <summary>What became of one change in the allocator.</summary>
public sealed record VipPartPrepared(int Change, IReadOnlyList<EventMessage> Events, VipReply? Outcome, RefusedPart? Refused);

/// <summary>How a batch ended for those who hold it.</summary>
public enum BatchOutcome
{
    /// <summary>It is durable: take it on.</summary>
    Commit,

    /// <summary>Nothing was appended: forget it.</summary>
    Release,

    /// <summary>Nobody knows, or the fence did not hold: raise the epoch and replay.</summary>
    Recover,
}

/// <summary>Tells owners how a batch ended. Answered by <see cref="Done"/> when the owners have taken it on.</summary>
public sealed record SettleBatch(Guid Batch, IReadOnlyList<string> Streams, BatchOutcome Outcome) : NodeRequest;

/// <summary>Documents by key; those that are not there are left out. All of shards of the node that is asked; with <paramref name="Confirm"/> it asks the journal first whether it still owns them and has all of them.</summary>
public sealed record ReadDocuments(IReadOnlyList<DocumentKey> Keys, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] bool Confirm = false) : NodeRequest;

/// <summary>One page of the documents in these streams, one more than the limit when there are more.</summary>
public sealed record PageDocuments(IReadOnlyList<string> Streams, DocumentKind Of, PageRequest Page) : NodeRequest;

/// <summary>Documents.</summary>
public sealed record DocumentList(IReadOnlyList<StoredDocument> Documents) : NodeReply;

/// <summary>What is declared of hosts; those that are not declared are left out.</summary>
/// <param name="Hosts">All of shards of the node that is asked.</param>
/// <param name="Confirm">True when the answer must be of an owner that has just looked whether it still is.</param>
public sealed record ReadHosts(IReadOnlyList<HostName> Hosts, bool Confirm = false) : NodeRequest;

/// <summary>Declared hosts.</summary>
public sealed record HostFactList(IReadOnlyList<HostFact> Hosts) : NodeReply;

/// <summary>A declared host, the stream that owns it, and its declarations, oldest first.</summary>
public sealed record HostFact(HostName Host, string Stream, IReadOnlyList<HostDeclaration> Declarations);

/// <summary>One page of the hosts in these streams, one more than the limit when there are more.</summary>
public sealed record PageHosts(IReadOnlyList<string> Streams, PageRequest Page) : NodeRequest;

/// <summary>Host names.</summary>
public sealed record HostNameList(IReadOnlyList<HostName> Hosts) : NodeReply;

/// <summary>The VIPs that hosts lease, or rested last; hosts with neither are left out.</summary>
/// <param name="Hosts">The hosts.</param>
/// <param name="Confirm">True when the answer must be of an owner that has just looked whether it still is.</param>
public sealed record ReadHostVips(IReadOnlyList<HostName> Hosts, bool Confirm = false) : NodeRequest;

/// <summary>A VIP by its index.</summary>
public sealed record ReadVip(int Index) : NodeRequest;

/// <summary>One page of the VIPs that are not free.</summary>
public sealed record PageVips(PageRequest Page) : NodeRequest;

/// <summary>VIPs. Of a page, one more than the limit when there are more.</summary>
public sealed record VipList(IReadOnlyList<VipRecord> Vips) : NodeReply;

/// <summary>One page of what rests, one more than the limit when there are more.</summary>
public sealed record PageRests(PageRequest Page) : NodeRequest;

/// <summary>What rests.</summary>
public sealed record RestList(IReadOnlyList<RestingVip> Rests) : NodeReply;

/// <summary>How full the pool is.</summary>
public sealed record ReadUsage : NodeRequest;

/// <summary>How full the pool is.</summary>
public sealed record UsageReply(VipUsage Usage) : NodeReply;

/// <summary>Wait until the node's directory, and the edges that read from it, have read this far.</summary>
public sealed record AwaitFeed(IReadOnlyDictionary<string, long> Position, int WaitMs) : NodeRequest;

/// <summary>The nodes that had not read so far in time; empty when all had.</summary>
public sealed record FeedAwaited(IReadOnlyList<string> Behind) : NodeReply;

/// <summary>Give up all streams and take no more changes.</summary>
public sealed record DrainNode : NodeRequest;

/// <summary>The journal no longer has what a reader had read: every free VIP is to rest for one period. For the allocator's owner.</summary>
/// <param name="Streams">The streams whose past is gone.</param>
public sealed record TellRewound(IReadOnlyList<string> Streams) : NodeRequest;

/// <summary>A position in one stream.</summary>
public sealed record PositionMessage(string Stream, string Term, long Epoch, long Seq);

/// <summary>An edge without database access asks an owner node for what is new. Answered at once when there is something, else when the wait is over.</summary>
/// <param name="Position">How far it has read.</param>
/// <param name="WaitMs">At most so long; 0 to 10,000.</param>
/// <param name="Reader">What it says of itself.</param>
public sealed record ReadFeed(IReadOnlyList<PositionMessage> Position, int WaitMs, EdgeReport Reader) : NodeRequest;

/// <summary>What an edge without database access says of itself.</summary>
public sealed record EdgeReport(string Node, string Address, IReadOnlyList<string> Roles, string State, string Version, int Names, long AgeMs, int ForMs = 0);

/// <summary>What is new for a reader.</summary>
/// <param name="Streams">Streams with something new.</param>
/// <param name="ReadAt">The journal's clock at the read that this stands for, milliseconds since the Unix epoch.</param>
/// <param name="AgeMs">How old the knowledge is when this reply leaves.</param>
/// <param name="HeldMs">How long the request was held before this reply.</param>
/// <param name="Map">Who is a member and who owns what.</param>
public sealed record FeedReply(IReadOnlyList<FeedStream> Streams, long ReadAt, long AgeMs, long HeldMs, MapMessage Map) : NodeReply;

/// <summary>What is new in one stream.</summary>
/// <param name="Stream">The stream.</param>
/// <param name="Reset">True when the reader must drop what it has of it.</param>
/// <param name="Snapshot">A snapshot to begin from.</param>
/// <param name="SnapshotPosition">The position that the snapshot stands for.</param>
/// <param name="Rows">Rows after the position or the snapshot.</param>
public sealed record FeedStream(string Stream, bool Reset, byte[]? Snapshot, PositionMessage? SnapshotPosition, IReadOnlyList<FeedRow> Rows);

/// <summary>A row of the journal.</summary>
public sealed record FeedRow(long Seq, string Term, long Epoch, string Kind, byte[] Payload);

/// <summary>Members and owners, as a node with database access saw them last.</summary>
public sealed record MapMessage(IReadOnlyList<MapMember> Members, IReadOnlyList<MapStream> Streams);

/// <summary>A live member.</summary>
public sealed record MapMember(string Node, string Incarnation, string Address, string Roles, string Version, string Report);

/// <summary>A stream and its owner; empty for none.</summary>
public sealed record MapStream(string Stream, string Owner, string Incarnation, long Epoch, long Seq);

/// <summary>Carry out a change for a node that has no database access.</summary>
public sealed record CarryChange(ChangeRequest Request, int DeadlineMs) : NodeRequest;

/// <summary>Carry out a change for a node that has a coordinator too, so that the whole cluster shares group commits (docs/adr/0018). Answered by <see cref="ChangeCarried"/>; never forwarded again.</summary>
/// <param name="Request">The change.</param>
/// <param name="Key">What the asking node knows it by: a blank, then up to 127 printable characters. Of all attempts with one key one takes effect at most.</param>
/// <param name="Epoch">The epoch of <c>vips</c> as the asking node knows it; an owner at another one refuses.</param>
/// <param name="DeadlineMs">When to give up.</param>
public sealed record ForwardChange(ChangeRequest Request, string Key, long Epoch, int DeadlineMs) : NodeRequest;

/// <summary>How the change ended.</summary>
public sealed record ChangeCarried(ChangeReply Reply) : NodeReply;
