using MeshDns.Contracts.Messages;

namespace MeshDns.Tests.Shared.Judge;

/// <summary>How a command ended, as its client was told in the end.</summary>
public enum CommandOutcome
{
    /// <summary>Acknowledged: durable.</summary>
    Applied,

    /// <summary>Refused for a reason of its own; nothing happened.</summary>
    Refused,

    /// <summary>Nobody could take it; nothing happened.</summary>
    Unavailable,

    /// <summary>The client never learnt the outcome.</summary>
    Unknown,
}

/// <summary>How a query ended.</summary>
public enum AnswerOutcome
{
    /// <summary>NOERROR with addresses.</summary>
    Addresses,

    /// <summary>NOERROR without any.</summary>
    NoData,

    /// <summary>NXDOMAIN.</summary>
    NxDomain,

    /// <summary>SERVFAIL, and every other code.</summary>
    ServFail,

    /// <summary>No answer came.</summary>
    Timeout,
}

/// <summary>What a node was, as the one who ran it knows.</summary>
public enum NodeCondition
{
    /// <summary>It had said that it was ready, and nobody had begun to stop it.</summary>
    Up,

    /// <summary>It was held (SIGSTOP).</summary>
    Paused,
}

/// <summary>One record of a history. All times are milliseconds on the one clock of the observer.</summary>
public abstract record HistoryRecord;

/// <summary>What a command wrote about one document.</summary>
public sealed record CommandDocument
{
    /// <summary>The document, as <c>Kind/namespace/name</c>.</summary>
    public required string Key { get; init; }

    /// <summary>True when the command deletes it.</summary>
    public bool Deleted { get; init; }

    /// <summary>The number of the document's first port: the workload's own mark, larger with every command that writes this document.</summary>
    public int Generation { get; init; }

    /// <summary>The hosts that it declares; of a deletion, those that it declared.</summary>
    public IReadOnlyList<string> Hosts { get; init; } = [];

    /// <summary>Its explicit addresses; empty: every host gets a VIP.</summary>
    public IReadOnlyList<string> Addresses { get; init; } = [];

    /// <summary>The version that the reply gave; 0 where it gave none.</summary>
    public long Version { get; init; }

    /// <summary>False when the reply said that nothing had to be written.</summary>
    public bool Changed { get; init; } = true;
}

/// <summary>A change that a client asked for; the attempts that share an idempotency key are one.</summary>
public sealed record CommandRecord : HistoryRecord
{
    /// <summary>The client's own id, the idempotency key.</summary>
    public required string Id { get; init; }

    /// <summary>The node that gave the last reply.</summary>
    public required string Node { get; init; }

    /// <summary>Just before the first attempt.</summary>
    public required long InvokedAt { get; init; }

    /// <summary>Just after the last reply.</summary>
    public required long CompletedAt { get; init; }

    /// <summary>What it writes.</summary>
    public required IReadOnlyList<CommandDocument> Documents { get; init; }

    /// <summary>How it ended.</summary>
    public required CommandOutcome Outcome { get; init; }

    /// <summary>The IPv4 VIP of each host that the reply named.</summary>
    public IReadOnlyDictionary<string, string> Vips { get; init; } = new Dictionary<string, string>();

    /// <summary>Where the log stood after it, under the one name <see cref="LoggedPast.Name"/>, where the reply says so.</summary>
    public IReadOnlyDictionary<string, long> Position { get; init; } = new Dictionary<string, long>();

    /// <summary>What the reply said besides.</summary>
    public string Detail { get; init; } = "";
}

/// <summary>A query of type A and what came back.</summary>
public sealed record AnswerRecord(string Node, string Name, long AskedAt, long AnsweredAt, AnswerOutcome Outcome, IReadOnlyList<string> Addresses) : HistoryRecord
{
    /// <summary>So long its client may keep it; null where all answers have <see cref="JudgeOptions.TtlMs"/>.</summary>
    public long? TtlMs { get; init; }

    /// <summary>From knowledge older than this the node did not answer; null where all nodes have <see cref="JudgeOptions.MaxAgeMs"/>.</summary>
    public long? MaxAgeMs { get; init; }
}

/// <summary>A change of the settings that all nodes share; the attempts that share an idempotency key are one.</summary>
public sealed record SettingsRecord : HistoryRecord
{
    /// <summary>The client's own id.</summary>
    public required string Id { get; init; }

    /// <summary>Just before the first attempt.</summary>
    public required long InvokedAt { get; init; }

    /// <summary>Just after the last reply.</summary>
    public required long CompletedAt { get; init; }

    /// <summary>What was asked. A change that is to write anything names a value that no other names, so that the judge knows which one wrote it.</summary>
    public required SettingsChange Change { get; init; }

    /// <summary>True when nothing was to be written.</summary>
    public bool DryRun { get; init; }

    /// <summary>How it ended.</summary>
    public required CommandOutcome Outcome { get; init; }

    /// <summary>Why it was refused; null when it was not.</summary>
    public RefusalReason? Reason { get; init; }

    /// <summary>The settings that the reply named; null for none.</summary>
    public SharedSettings? Told { get; init; }

    /// <summary>Where the log stood after it, as the reply says; 0 where it does not.</summary>
    public long Position { get; init; }
}

/// <summary>A fault, from its first effect to the end of the last one that the one who made it can name.</summary>
/// <param name="Kind">Its kind.</param>
/// <param name="From">When it began.</param>
/// <param name="To">When all was repaired.</param>
/// <param name="Nodes">The nodes whose knowledge of changes it may hold back; null: all.</param>
/// <param name="Lossy">True when a standby was promoted that lacked acknowledged changes: what was acknowledged in this time may be lost.</param>
/// <param name="Detail">For the report.</param>
public sealed record FaultRecord(string Kind, long From, long To, IReadOnlyList<string>? Nodes, bool Lossy = false, string Detail = "") : HistoryRecord;

/// <summary>An interval in which a node was so. What is in no interval of <see cref="NodeCondition.Up"/> was down.</summary>
public sealed record NodeRecord(string Node, NodeCondition Condition, long From, long To) : HistoryRecord;

/// <summary>Two hosts with explicit addresses that are only ever written together, in one command.</summary>
public sealed record TwinRecord(string First, string Second) : HistoryRecord;
