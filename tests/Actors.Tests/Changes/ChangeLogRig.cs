using MeshDns.Actors.Changes;
using MeshDns.Actors.Log;
using MeshDns.Actors.Shards;
using MeshDns.Actors.Tests.Log;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Messages;

namespace MeshDns.Actors.Tests.Changes;

/// <summary>Drives the writer of a log by hand: the journal says only what the test says.</summary>
internal sealed class ChangeLogRig
{
    private readonly ChangeLog _log = new(LogRows.Fold, new ChangeDecision(LogRows.Fold, new ChangePlanner(LogRows.Buckets.Count, LogRows.Range)));
    private long _id;

    public ChangeLogState State { get; private set; } = null!;

    public List<ChangeLogOutput> Outputs { get; } = [];

    /// <summary>The rows that are durable.</summary>
    public List<LogRow> Rows { get; } = [];

    public Moment Now { get; private set; } = new(50_000, 1_000_000);

    public long DatabaseMs => 2_000_000 + Now.MonotonicMs;

    public static ChangeLogRig Serving(long quarantineMs = 60_000)
    {
        var rig = new ChangeLogRig();
        rig.Begin(LogRows.TermA, quarantineMs: quarantineMs);
        rig.LookAtEnd();
        rig.Append();
        rig.Outputs.Clear();
        return rig;
    }

    public void Begin(string term, PoisonMemory? poison = null, PastLost? lost = null, MeshState? recovered = null, long quarantineMs = 60_000, long largestTtlMs = 30_000, string clusterDomain = "cluster.local", bool isAlone = false)
    {
        (State, var outputs) = ChangeLog.Begin(new ChangeLogStart
        {
            Recovered = recovered ?? LogRows.Read(Rows).Aggregate(LogRows.Fold.Empty, LogRows.Fold.Apply),
            Term = term,
            Node = "n1",
            Founding = new Founding("c", new SharedSettings(quarantineMs, largestTtlMs, [], clusterDomain), isAlone),
            Poison = poison ?? PoisonMemory.Empty,
            Lost = lost,
        }, Now);
        Outputs.AddRange(outputs);
    }

    public void Pass(long ms) => Now = new Moment(Now.MonotonicMs + ms, Now.WallMs + ms);

    public long Submit(ChangeRequest request, string? key = null, string digest = "d", bool isRetry = false, long sentAt = 0, string? meant = null)
    {
        var id = ++_id;
        Handle(new Submitted(id, request, new SubmittedKey(key ?? $" n1/{id}", digest, isRetry, sentAt), meant ?? State.Start.Term));
        return id;
    }

    public void Handle(ChangeLogInput input)
    {
        (State, var outputs) = _log.Handle(State, input, Now);
        Outputs.AddRange(outputs);
    }

    /// <summary>What is asked to be appended and has not been answered; null for nothing.</summary>
    public Append? Asked => State.UnderWay is { } under ? Outputs.OfType<Append>().Last(a => a.Id == under.Id) : null;

    /// <summary>The append under way becomes durable.</summary>
    public IReadOnlyList<MeshEvent> Append()
    {
        var append = Asked!;
        Rows.AddRange(append.Rows);
        Handle(new Appended(append.Id));
        return LogRows.Read(Rows)[^1].Facts;
    }

    public void FailAppend(bool isCollision = false) => Handle(new AppendFailed(Asked!.Id, isCollision));

    public void LookAtEnd(LogPosition? end = null) => Handle(new LookedAtEnd(State.Looking!.Id, end ?? (Rows.Count == 0 ? LogPosition.Start : Rows[^1].Position), DatabaseMs));

    public ChangeLogAnswer? AnswerTo(long id) => Outputs.OfType<Answer>().LastOrDefault(a => a.Id == id)?.Reply;

    public ChangeReply? ReplyTo(long id) => (AnswerTo(id) as Final)?.Reply;
}
