using MeshDns.Contracts.Names;
using MeshDns.Contracts.Services;

namespace MeshDns.Contracts.Messages;

/// <summary>What an edge without a database says of itself with every question.</summary>
/// <param name="Node">Its name.</param>
/// <param name="Incarnation">The random id of its start.</param>
/// <param name="Address">Its address, for people.</param>
/// <param name="Roles">Its roles.</param>
/// <param name="State"><c>up</c> or <c>draining</c>.</param>
/// <param name="Version">The program's version.</param>
/// <param name="Names">Names in its directory.</param>
/// <param name="AgeMs">How old its knowledge is.</param>
public sealed record EdgeReport(string Node, string Incarnation, string Address, IReadOnlyList<string> Roles, string State, string Version, int Names, long AgeMs);

/// <summary>An edge without a database asks an owner for the rows of the log after its place. Answered by <see cref="FeedReply"/>: at once when there is something, else when the wait is over.</summary>
/// <param name="Number">The last row that it has read; whoever waits for it looks here.</param>
/// <param name="Term">That row's term.</param>
/// <param name="WaitMs">At most so long; 0 to 10,000.</param>
/// <param name="Reader">What it says of itself.</param>
public sealed record ReadFeed(long Number, string Term, int WaitMs, EdgeReport Reader) : NodeRequest;

/// <summary>What is new for a reader.</summary>
/// <param name="Holds">False when the log does not have the reader's place: it begins anew with <see cref="ReadImage"/>.</param>
/// <param name="Rows">The rows after its place, in order.</param>
/// <param name="IsAll">True when these are all that the owner has.</param>
/// <param name="ReadAt">The journal's clock at the read that this stands for, milliseconds since the Unix epoch.</param>
/// <param name="AgeMs">How old the knowledge is when this reply leaves.</param>
/// <param name="HeldMs">How long the request was held before this reply.</param>
/// <param name="Feeds">Where the living owners are asked, so that the edge needs to know one of them only.</param>
/// <param name="Drain">True when the edge is to take itself out.</param>
/// <param name="IsCut">True when the reader's place was cut away below an image: nothing is lost.</param>
public sealed record FeedReply(bool Holds, IReadOnlyList<FeedRow> Rows, bool IsAll, long ReadAt, long AgeMs, long HeldMs, IReadOnlyList<string> Feeds, bool Drain, bool IsCut = false) : NodeReply;

/// <summary>A row of the log.</summary>
public sealed record FeedRow(long Number, string Manifest, string Tag, byte[] Payload);

/// <summary>A part of the newest image at or below a row. Answered by <see cref="FeedImage"/>.</summary>
/// <param name="AtMost">The row's number.</param>
/// <param name="Part">The part's name.</param>
public sealed record ReadImage(long AtMost, string Part) : NodeRequest;

/// <summary>A part of an image.</summary>
/// <param name="Number">The row up to which the image speaks; 0 when there is none.</param>
/// <param name="Term">That row's term.</param>
/// <param name="Bytes">The part; empty when there is no image.</param>
public sealed record FeedImage(long Number, string Term, byte[] Bytes) : NodeReply;

/// <summary>Carry out a change of an edge's API. Answered by <see cref="ChangeCarried"/>. Safe to repeat only under the caller's key.</summary>
/// <param name="Request">The change.</param>
/// <param name="DeadlineMs">When to give up; 1 to 60,000.</param>
public sealed record EdgeChange(ChangeRequest Request, int DeadlineMs) : NodeRequest;

/// <summary>Wait until every live edge has read this far. Answered by <see cref="FeedAwaited"/>.</summary>
public sealed record EdgeWait(IReadOnlyDictionary<string, long> Position, int WaitMs) : NodeRequest;

/// <summary>A document.</summary>
public sealed record EdgeGetDocument(DocumentKey Key) : NodeRequest;

/// <summary>One page of the documents of a kind.</summary>
public sealed record EdgeListDocuments(DocumentKind Of, PageRequest Page) : NodeRequest;

/// <summary>A page of documents; of one document, it or none.</summary>
public sealed record DocumentPage(IReadOnlyList<DocumentRecord> Items, string? Next) : NodeReply;

/// <summary>A declared host.</summary>
public sealed record EdgeGetHost(HostName Host) : NodeRequest;

/// <summary>One page of the declared hosts.</summary>
public sealed record EdgeListHosts(PageRequest Page) : NodeRequest;

/// <summary>A page of hosts; of one host, it or none.</summary>
public sealed record HostPage(IReadOnlyList<HostRecord> Items, string? Next) : NodeReply;

/// <summary>A VIP by its index.</summary>
public sealed record EdgeGetVip(int Index) : NodeRequest;

/// <summary>One page of the VIPs that are not free.</summary>
public sealed record EdgeListVips(PageRequest Page) : NodeRequest;

/// <summary>A page of VIPs; of one VIP, it or none.</summary>
public sealed record VipPage(IReadOnlyList<VipRecord> Items, string? Next) : NodeReply;

/// <summary>One page of what rests.</summary>
public sealed record EdgeListRests(PageRequest Page) : NodeRequest;

/// <summary>A page of what rests.</summary>
public sealed record RestPage(IReadOnlyList<RestingVip> Items, string? Next) : NodeReply;

/// <summary>The cluster as the owner sees it.</summary>
public sealed record EdgeGetCluster : NodeRequest;

/// <summary>The cluster.</summary>
public sealed record ClusterReply(ClusterView View) : NodeReply;

/// <summary>The settings of the cluster.</summary>
public sealed record EdgeGetSettings : NodeRequest;

/// <summary>The settings.</summary>
public sealed record SettingsReply(SettingsView View) : NodeReply;

/// <summary>Take a node out.</summary>
public sealed record EdgeDrain(string Node) : NodeRequest;

/// <summary>Whether the node is known; then it is drained.</summary>
public sealed record Drained(bool IsKnown) : NodeReply;

/// <summary>What is declared of names that a stale replica does not know.</summary>
/// <param name="Names">The name that was asked, and the wildcards that would match it; 1 to 256.</param>
public sealed record EdgeFind(IReadOnlyList<HostName> Names) : NodeRequest;

/// <summary>What is declared of names, as facts for a directory.</summary>
/// <param name="Facts">Empty when none is declared; null when nobody who knows has answered in time.</param>
public sealed record FactList(IReadOnlyList<FactMessage>? Facts) : NodeReply;

/// <summary>A fact of a stream, as the journal writes events.</summary>
public sealed record FactMessage(string Stream, string Kind, byte[] Payload);

/// <summary>What an edge said of itself, and how long ago: one that has gone over to another owner is known to both for a while.</summary>
public sealed record KnownReader(EdgeReport Report, long SilentMs);
