using MeshDns.Actors.Cluster;
using MeshDns.Actors.Journal;
using MeshDns.Actors.Runtime;
using MeshDns.Contracts.Messages;

namespace MeshDns.Actors.Shards;

/// <summary>
/// Carries changes across the owners that they touch. Changes that wait together share one transaction (group commit); which of them
/// is refused is found out before anything is written, and the others go on without it.
/// </summary>
public sealed class ChangeCoordinator : Actor<PendingChange>
{
    private const int MailboxSize = 4096;
    private const int MaxBatch = 256;
    private const int MaxBatchDocuments = 20_000;
    private const int MaxAttempts = 8;

    private readonly ShardRegion _region;
    private readonly IJournal _journal;
    private readonly ChangePlanner _planner;
    private readonly Queue<PendingChange> _later = new();

    /// <summary>Makes the coordinator of a node.</summary>
    public ChangeCoordinator(ActorSystem system, ShardRegion region, IJournal journal, ChangePlanner planner) : base(system, "coordinator", MailboxSize)
    {
        _region = region;
        _journal = journal;
        _planner = planner;
    }

    /// <summary>Carries out a change; the reply says how it ended, whatever happened.</summary>
    /// <param name="request">The change.</param>
    /// <param name="forward">What nodes know it by, when one has handed it to another; null for a change that is only here.</param>
    /// <param name="deadline">After this the reply is that nothing happened, or that it is not known.</param>
    /// <param name="cancel">The same, at once.</param>
    public async Task<ChangeReply> ChangeAsync(ChangeRequest request, ForwardKey? forward, TimeSpan deadline, CancellationToken cancel)
    {
        if (ChangePlanner.Check(request) is { } refused) return refused;
        var pending = new PendingChange(request, forward);
        if (!Tell(pending)) return new ChangeReply { Outcome = ChangeOutcome.Unavailable, Detail = "too many changes are waiting, or the node is stopping" };
        using var timer = System.Time.CreateTimer(static state => ((PendingChange)state!).GiveUp(), pending, deadline, Timeout.InfiniteTimeSpan);
        using var registration = cancel.UnsafeRegister(static state => ((PendingChange)state!).GiveUp(), pending);
        return await pending.Reply;
    }

    /// <inheritdoc/>
    protected override async ValueTask ReceiveAsync(PendingChange message)
    {
        _later.Enqueue(message);
        while (_later.Count > 0)
        {
            while (_later.Count < MaxBatch && TryTake(out var next)) _later.Enqueue(next);
            var batch = TakeBatch();
            try { await RunAsync(batch); }
            catch (OperationCanceledException) when (Stopping.IsCancellationRequested)
            {
                // Only the wait before another attempt ends so, and before an attempt nothing is written.
                foreach (var change in batch) change.Complete(new ChangeReply { Outcome = ChangeOutcome.Unavailable, Detail = "the node is stopping; nothing happened" });
            }
            catch (Exception e)
            {
                // A bug must not leave callers waiting; what was appended, if anything, is not known here.
                System.Log(ActorLogLevel.Alarm, Name, "a batch of changes failed", e);
                foreach (var change in batch) change.Complete(new ChangeReply { Outcome = ChangeOutcome.Unknown, Detail = "an internal error: " + e.Message });
            }
        }
    }

    // Changes of one batch touch different documents and carry different keys, so that each sees the documents as they are;
    // a dry run goes alone, because it must write nothing.
    private List<PendingChange> TakeBatch()
    {
        var batch = new List<PendingChange> { _later.Dequeue() };
        var keys = batch[0].Request.Changes.Select(c => c.Key).ToHashSet();
        var documents = keys.Count;
        while (!batch[0].Request.DryRun && _later.TryPeek(out var next) && !next.Request.DryRun && batch.Count < MaxBatch)
        {
            var request = next.Request;
            if (documents + request.Changes.Count > MaxBatchDocuments || request.Changes.Any(c => keys.Contains(c.Key))) break;
            if (request.IdempotencyKey is { } key && batch.Any(b => b.Request.IdempotencyKey == key)) break;
            batch.Add(_later.Dequeue());
            keys.UnionWith(request.Changes.Select(c => c.Key));
            documents = keys.Count;
        }
        return batch;
    }

    private async Task RunAsync(List<PendingChange> batch)
    {
        await AnswerRepetitionsAsync(batch);
        // A refusal takes at least one change out of the batch, so only contention has to be counted.
        // A stream without owner gets one within a lease, and each caller gives up by itself.
        var away = 0;
        var noWait = true;
        for (var contended = 0; contended < MaxAttempts;)
        {
            batch.RemoveAll(c => c.IsOver);
            if (batch.Count == 0) return;
            var ended = await new ChangeBatch(System, _region, _journal, _planner, batch, noWait).TryAsync();
            if (ended == BatchEnd.Suspect) { await RunAloneAsync(batch); return; }
            if (ended == BatchEnd.OwnerAway) await Task.Delay(System.BackOff(0) * (1 + Math.Min(3, away++)), System.Time, Stopping);
            // Who would not wait for a stream that another batch holds gets in line at once.
            if (ended == BatchEnd.Contended && !noWait) await Task.Delay(System.BackOff(contended++), System.Time, Stopping);
            if (ended == BatchEnd.Contended) noWait = false;
        }
        foreach (var change in batch) change.Complete(ChangeReply.Refused(RefusalReason.Contention, "other changes kept touching the same documents; nothing happened, try again"));
    }

    // The journal's guard refused the batch and does not say whose change it was: alone, each answers for itself.
    private async Task RunAloneAsync(List<PendingChange> batch)
    {
        foreach (var change in batch.Where(c => !c.IsOver).ToArray()) await RunAsync([change]);
    }

    private async Task AnswerRepetitionsAsync(List<PendingChange> batch)
    {
        PendingChange[] keyed = [.. batch.Where(c => c.EarlierKeys.Any())];
        if (keyed.Length == 0) return;
        try
        {
            var found = (await _journal.FindRepliesAsync([.. keyed.SelectMany(c => c.EarlierKeys)], CancellationToken.None)).ToDictionary(r => r.Key);
            foreach (var change in keyed)
                foreach (var key in change.EarlierKeys)
                    if (found.TryGetValue(key, out var remembered)) change.Complete(change.Recall(remembered));
        }
        catch (JournalUnavailableException e)
        {
            foreach (var change in keyed) change.Complete(new ChangeReply { Outcome = ChangeOutcome.Unavailable, Detail = e.Message });
        }
    }
}
