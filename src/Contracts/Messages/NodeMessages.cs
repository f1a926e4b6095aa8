using System.Text.Json.Serialization;

namespace MeshDns.Contracts.Messages;

/// <summary>
/// What a node without a database asks of an owner at its feed. Closed: the kinds below. Each is safe to repeat. New fields are optional and a kind's name is never used again (docs/adr/0012).
/// </summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "kind")]
[JsonDerivedType(typeof(ReadFeed), "read-feed.3")]
[JsonDerivedType(typeof(ReadImage), "read-image.1")]
[JsonDerivedType(typeof(EdgeChange), "edge-change.1")]
[JsonDerivedType(typeof(EdgeWait), "edge-wait.1")]
[JsonDerivedType(typeof(EdgeGetDocument), "edge-get-document.1")]
[JsonDerivedType(typeof(EdgeListDocuments), "edge-list-documents.1")]
[JsonDerivedType(typeof(EdgeGetHost), "edge-get-host.1")]
[JsonDerivedType(typeof(EdgeListHosts), "edge-list-hosts.1")]
[JsonDerivedType(typeof(EdgeGetVip), "edge-get-vip.1")]
[JsonDerivedType(typeof(EdgeListVips), "edge-list-vips.1")]
[JsonDerivedType(typeof(EdgeListRests), "edge-list-rests.1")]
[JsonDerivedType(typeof(EdgeGetCluster), "edge-get-cluster.1")]
[JsonDerivedType(typeof(EdgeGetSettings), "edge-get-settings.1")]
[JsonDerivedType(typeof(EdgeDrain), "edge-drain.1")]
[JsonDerivedType(typeof(EdgeFind), "edge-find.1")]
public abstract record NodeRequest;

/// <summary>What an owner answers. Closed: the kinds below.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "kind")]
[JsonDerivedType(typeof(NodeRefusal), "refused.2")]
[JsonDerivedType(typeof(FeedAwaited), "feed-awaited.1")]
[JsonDerivedType(typeof(FeedReply), "feed.3")]
[JsonDerivedType(typeof(FeedImage), "image.1")]
[JsonDerivedType(typeof(ChangeCarried), "changed.1")]
[JsonDerivedType(typeof(DocumentPage), "document-page.1")]
[JsonDerivedType(typeof(HostPage), "host-page.1")]
[JsonDerivedType(typeof(VipPage), "vip-page.1")]
[JsonDerivedType(typeof(RestPage), "rest-page.1")]
[JsonDerivedType(typeof(ClusterReply), "cluster.1")]
[JsonDerivedType(typeof(SettingsReply), "settings.1")]
[JsonDerivedType(typeof(Drained), "drained.1")]
[JsonDerivedType(typeof(FactList), "facts.1")]
public abstract record NodeReply;

/// <summary>The request was not carried out: the node cannot do it now. Nothing happened.</summary>
public sealed record NodeRefusal(string Detail) : NodeReply;

/// <summary>The nodes that had not read so far in time; empty when all had.</summary>
public sealed record FeedAwaited(IReadOnlyList<string> Behind) : NodeReply;

/// <summary>How the change ended.</summary>
public sealed record ChangeCarried(ChangeReply Reply) : NodeReply;
