using System.Collections.Immutable;
using MeshDns.Actors.Log;
using MeshDns.Contracts.Messages;

namespace MeshDns.Actors.Changes;

/// <summary>How a new incarnation begins.</summary>
internal sealed record ChangeLogStart
{
    /// <summary>What replay gave.</summary>
    public required MeshState Recovered { get; init; }

    /// <summary>The incarnation's own term.</summary>
    public required string Term { get; init; }

    /// <summary>The node that it runs on.</summary>
    public required string Node { get; init; }

    /// <summary>What an empty log is founded with.</summary>
    public required Founding Founding { get; init; }

    /// <summary>What earlier incarnations in this process remember.</summary>
    public PoisonMemory Poison { get; init; } = PoisonMemory.Empty;

    /// <summary>Leases that a reader knew of a past that the log no longer has; null when none is known to be lost.</summary>
    public PastLost? Lost { get; init; }
}

/// <summary>What an empty log begins with; a log that is there keeps its own.</summary>
/// <param name="ClusterId">Drawn when the tables were made.</param>
/// <param name="Settings">What all nodes share.</param>
/// <param name="IsAlone">True of a node alone on its file, whose settings hold at each start; a cluster's are facts of the log.</param>
internal sealed record Founding(string ClusterId, SharedSettings Settings, bool IsAlone = false);

/// <summary>Where an incarnation stands.</summary>
internal enum TermPhase
{
    /// <summary>It looks at the log's end and at its clock.</summary>
    Looking,

    /// <summary>Its start is being written; it answers nothing.</summary>
    Starting,

    /// <summary>It serves.</summary>
    Serving,

    /// <summary>It is over.</summary>
    Over,
}

/// <summary>Everything that the writer of the log knows. Immutable.</summary>
internal sealed record ChangeLogState
{
    /// <summary>How it began.</summary>
    public required ChangeLogStart Start { get; init; }

    /// <summary>What is durable.</summary>
    public required MeshState Mesh { get; init; }

    public TermPhase Phase { get; init; }

    /// <summary>The journal's clock at the last look; null before the first.</summary>
    public LogClock? Clock { get; init; }

    /// <summary>By how much quarantines are to be lengthened with the next transaction: the clocks have parted.</summary>
    public long ClockStepMs { get; init; }

    /// <summary>Changes that wait, in the order in which they came.</summary>
    public ImmutableList<WaitingChange> Waiting { get; init; } = [];

    public ImmutableQueue<Noted> Notes { get; init; } = [];

    /// <summary>What readers know of a past that is gone, all of them together, until it is written; null for nothing.</summary>
    public PastLost? Lost { get; init; }

    /// <summary>The append under way.</summary>
    public AppendUnderWay? UnderWay { get; init; }

    /// <summary>Replies that wrote nothing and wait for a look that begins after them.</summary>
    public ImmutableList<(long Id, ChangeReply Reply)> Unconfirmed { get; init; } = [];

    /// <summary>The look under way.</summary>
    public LookUnderWay? Looking { get; init; }

    /// <summary>True after a look that failed, until some time has passed.</summary>
    public bool LookIsDeferred { get; init; }

    /// <summary>Refusals of this term.</summary>
    public RefusalMemory Refusals { get; init; } = RefusalMemory.Empty;

    public PoisonMemory Poison { get; init; } = PoisonMemory.Empty;

    /// <summary>Dry runs that are being decided, and those that wait.</summary>
    public int ApartRunning { get; init; }

    public ImmutableQueue<WaitingChange> ApartWaiting { get; init; } = [];

    /// <summary>The tables at the last sweep, and when it was.</summary>
    public BucketTables? Swept { get; init; }

    public Moment SweptAt { get; init; }

    public long LastId { get; init; }

    /// <summary>True when it is to end after the append under way.</summary>
    public bool IsStopping { get; init; }
}

/// <summary>An append and what hangs on it.</summary>
/// <param name="Id">Which.</param>
/// <param name="After">The state once it is durable.</param>
/// <param name="Written">The rows.</param>
/// <param name="Replies">What is answered then, with the marks of the changes.</param>
internal sealed record AppendUnderWay(long Id, MeshState After, WrittenTransaction Written, IReadOnlyList<(long Id, string Mark, ChangeReply Reply)> Replies);

/// <summary>A look and the replies that wait for it.</summary>
internal sealed record LookUnderWay(long Id, Moment AskedAt, long From, ImmutableList<(long Id, ChangeReply Reply)> Confirms);
