using MeshDns.Contracts.Names;
using MeshDns.Contracts.Services;

namespace MeshDns.Contracts.Messages;

/// <summary>One step of a change inside a shard.</summary>
public abstract record ShardStep;

/// <summary>Puts a document that was at <paramref name="ReadVersion"/> when the change was planned (0: it was not there).</summary>
public sealed record PutDocument(MeshDocument Document, string Source, long ReadVersion) : ShardStep;

/// <summary>Deletes a document that was at <paramref name="ReadVersion"/> when the change was planned.</summary>
public sealed record DeleteDocument(DocumentKey Key, long ReadVersion) : ShardStep;

/// <summary>A document declares a host, or says something new about it.</summary>
public sealed record DeclareHost(HostName Host, HostDeclaration Declaration) : ShardStep;

/// <summary>A document no longer declares a host.</summary>
public sealed record WithdrawHost(HostName Host, DocumentKey Document) : ShardStep;

/// <summary>What one change asks of one shard; done whole or not at all.</summary>
/// <param name="Steps">In order.</param>
/// <param name="At">Now, milliseconds since the Unix epoch.</param>
public sealed record ShardCommand(IReadOnlyList<ShardStep> Steps, long At);

/// <summary>What a shard answers.</summary>
/// <param name="Demands">What hosts want of the VIP pool now, where that changed.</param>
/// <param name="Versions">The new version of each document that was put or deleted.</param>
/// <param name="Warnings">What the caller should know, by host.</param>
public sealed record ShardReply(IReadOnlyList<VipDemand> Demands, IReadOnlyDictionary<DocumentKey, long> Versions, IReadOnlyList<VipWarning> Warnings);

/// <summary>A document as its shard keeps it.</summary>
/// <param name="Document">The document.</param>
/// <param name="Version">Its version.</param>
/// <param name="Source">Who owns it.</param>
/// <param name="Created">Milliseconds since the Unix epoch.</param>
/// <param name="Updated">Milliseconds since the Unix epoch.</param>
public sealed record StoredDocument(MeshDocument Document, long Version, string Source, long Created, long Updated);
