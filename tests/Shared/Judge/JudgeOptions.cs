namespace MeshDns.Tests.Shared.Judge;

/// <summary>What the judged cluster was configured with, and how much time the judge gives it. Milliseconds.</summary>
public sealed record JudgeOptions
{
    /// <summary>A change has to be on a node so long after its acknowledgement, counted from when the node was last hindered.</summary>
    public long SettleMs { get; init; } = 3000;

    /// <summary>A node that was paused is excused for so long after it.</summary>
    public long ResumeGraceMs { get; init; } = 2000;

    /// <summary>What a node knew for so long when it went down, it knows at once when it is up again (it saves its directory). 0: it may have forgotten everything.</summary>
    public long SavedMs { get; init; }

    /// <summary><c>dns.ttl</c>.</summary>
    public long TtlMs { get; init; } = 30_000;

    /// <summary>Knowledge older than this need not be answered from: <c>directory.max-age</c>.</summary>
    public long MaxAgeMs { get; init; } = 86_400_000 - 60_000;

    /// <summary>True where a node asks an owner for names that its directory lacks: then two names' answers of one node need not be of one view.</summary>
    public bool AsksOwners { get; init; }
}

/// <summary>A promise that was broken.</summary>
/// <param name="Promise">Its number in the design; 0 for the order of the change feed and 7 for a change that is half there or that left a trace though refused.</param>
/// <param name="Sentence">What was seen.</param>
/// <param name="At">When, by the observer's clock; null where only the journal shows it.</param>
public sealed record Breach(int Promise, string Sentence, long? At = null)
{
    public override string ToString() => $"{(Promise == 0 ? "change feed" : $"promise {Promise}")}: {Sentence}{(At is { } at ? $" (at {at})" : "")}";
}
