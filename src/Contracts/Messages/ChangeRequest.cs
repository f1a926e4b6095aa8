using System.Text.Json.Serialization;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Services;

namespace MeshDns.Contracts.Messages;

/// <summary>One document to put or delete.</summary>
/// <param name="Key">Which document.</param>
/// <param name="Document">The new document; null deletes it.</param>
/// <param name="IfMatch">The version it must have now; 0 means that it must not exist; null takes any.</param>
/// <param name="Wishes">The VIPs that its hosts had elsewhere, as <c>status.addresses</c> has them; not part of the document. Null for none.</param>
public sealed record DocumentChange(DocumentKey Key, MeshDocument? Document, long? IfMatch = null, IReadOnlyList<HostAddress>? Wishes = null);

/// <summary>A set of document changes that are applied whole or not at all. At most 100,000 documents.</summary>
public sealed record ChangeRequest
{
    /// <summary>The changes, each document at most once.</summary>
    public required IReadOnlyList<DocumentChange> Changes { get; init; }

    /// <summary>Who makes it: <c>api</c>, <c>file:SET</c>, <c>kubernetes:CLUSTER</c>. It owns what it puts.</summary>
    public string Source { get; init; } = "api";

    /// <summary>Take documents over that another source owns.</summary>
    public bool TakeOver { get; init; }

    /// <summary>Deleting a document that is not there is an error (a single DELETE), not a no-op (a manifest).</summary>
    public bool MustExist { get; init; }

    /// <summary>What rested where the documents come from, and is to rest here as well; at most 100,000. Null for nothing; with it there may be no document.</summary>
    public IReadOnlyList<RestingVip>? Rests { get; init; }

    /// <summary>Settings of the cluster to change, in place of documents and rests; null for none.</summary>
    public SettingsChange? Settings { get; init; }

    /// <summary>Decide everything and write nothing.</summary>
    public bool DryRun { get; init; }

    /// <summary>The caller's key for repeating safely; 1 to 128 printable characters.</summary>
    public string? IdempotencyKey { get; init; }
}

/// <summary>How a change ended.</summary>
public enum ChangeOutcome
{
    /// <summary>Durable (or, for a dry run, would be).</summary>
    Applied,

    /// <summary>Refused for a reason of its own; nothing happened.</summary>
    Refused,

    /// <summary>The store or an owner cannot be reached; nothing happened.</summary>
    Unavailable,

    /// <summary>The deadline passed while the append was under way; it may or may not have happened.</summary>
    Unknown,
}

/// <summary>Why a change was refused; the HTTP status follows from it.</summary>
public enum RefusalReason
{
    /// <summary>The request contradicts itself (the same document twice, too many documents).</summary>
    Invalid,

    /// <summary>The document's version is not the one in If-Match.</summary>
    VersionMismatch,

    /// <summary>Another source owns the document.</summary>
    OtherSource,

    /// <summary>The document to delete is not there.</summary>
    NotFound,

    /// <summary>No free VIP is left.</summary>
    PoolExhausted,

    /// <summary>The journal's own guard refused the write: an invariant would have been broken.</summary>
    GuardRefused,

    /// <summary>The idempotency key was used with another request.</summary>
    KeyReused,

    /// <summary>Concurrent changes kept moving the document; try again.</summary>
    Contention,

    /// <summary>A document is too large for the log.</summary>
    TooLarge,

    /// <summary>The change was alone in an append that failed, more than once.</summary>
    Unwritable,
}

/// <summary>What was done to a document.</summary>
public enum DocumentAction
{
    /// <summary>It is new.</summary>
    Created,

    /// <summary>It changed.</summary>
    Configured,

    /// <summary>It was already so; nothing was written.</summary>
    Unchanged,

    /// <summary>It was deleted.</summary>
    Deleted,

    /// <summary>It was not there.</summary>
    Absent,
}

/// <summary>An address that MeshDns assigned to a host, as Istio's <c>status.addresses</c> has it.</summary>
public sealed record HostAddress(HostName Host, string Value);

/// <summary>What became of one document.</summary>
public sealed record DocumentResult
{
    /// <summary>Which document.</summary>
    public required DocumentKey Key { get; init; }

    /// <summary>What was done.</summary>
    public DocumentAction Action { get; init; }

    /// <summary>Its version afterwards; 0 when it is not there.</summary>
    public long Version { get; init; }

    /// <summary>The VIPs that its hosts hold afterwards.</summary>
    public IReadOnlyList<HostAddress> Addresses { get; init; } = [];

    /// <summary>What the caller should know.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];
}

/// <summary>The answer to a <see cref="ChangeRequest"/>.</summary>
public sealed record ChangeReply
{
    /// <summary>How it ended.</summary>
    public required ChangeOutcome Outcome { get; init; }

    /// <summary>Per document, in the request's order, when applied.</summary>
    public IReadOnlyList<DocumentResult> Results { get; init; } = [];

    /// <summary>Why it was refused.</summary>
    public RefusalReason Reason { get; init; }

    /// <summary>A sentence for a person, when it was not applied.</summary>
    public string Detail { get; init; } = "";

    /// <summary>The document that the refusal is about, where it is about one.</summary>
    public DocumentKey? Document { get; init; }

    /// <summary>What the caller should know that is about no document; null for nothing.</summary>
    public IReadOnlyList<string>? Warnings { get; init; }

    /// <summary>The settings of the cluster afterwards, where they were to be changed; null otherwise.</summary>
    public SettingsView? Settings { get; init; }

    /// <summary>The last seq of each stream that it wrote; edges have it when they have read this far.</summary>
    public IReadOnlyDictionary<string, long> Position { get; init; } = new Dictionary<string, long>();

    /// <summary>True when it was given before under the same key: nothing was done again.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool IsReplayed { get; init; }

    /// <summary>Makes a reply that is not <see cref="ChangeOutcome.Applied"/>.</summary>
    public static ChangeReply Refused(RefusalReason reason, string detail, DocumentKey? document = null) =>
        new() { Outcome = ChangeOutcome.Refused, Reason = reason, Detail = detail, Document = document };
}
