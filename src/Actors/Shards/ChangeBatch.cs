using System.Text.Json;
using MeshDns.Actors.Cluster;
using MeshDns.Actors.Journal;
using MeshDns.Actors.Runtime;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Services;

namespace MeshDns.Actors.Shards;

/// <summary>How an attempt at a batch ended.</summary>
internal enum BatchEnd
{
    /// <summary>Every change that is left has its reply.</summary>
    Done,

    /// <summary>A change was refused and has its reply; the others are to be tried again at once.</summary>
    Refused,

    /// <summary>A document or an owner moved meanwhile; try again after a while.</summary>
    Contended,

    /// <summary>The guard refused a batch of several changes; try each alone.</summary>
    Suspect,
}

/// <summary>
/// One attempt at a batch: plan, Prepare in stream order with <c>vips</c> last, one append, then Commit, Release or Recover.
/// Stream order makes deadlock between coordinators impossible.
/// </summary>
internal sealed class ChangeBatch(ActorSystem system, ShardRegion region, IJournal journal, ChangePlanner planner, IReadOnlyList<PendingChange> changes)
{
    private static readonly TimeSpan _askDeadline = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan _appendDeadline = TimeSpan.FromSeconds(30);

    private readonly Guid _batch = Guid.NewGuid();
    private readonly ChangePlan?[] _plans = new ChangePlan?[changes.Count];
    private readonly List<(string Stream, Func<Guid, TimeSpan, Task> Commit, Action<Guid> Release, Action<Guid> Recover)> _held = [];
    private readonly List<StreamAppend> _appends = [];
    private readonly ChangeEffects _effects = new(changes.Count);

    public async Task<BatchEnd> TryAsync()
    {
        ChangeReply?[] replies;
        try
        {
            if (!Plan()) return BatchEnd.Done;
            if (await PrepareShardsAsync() is { } shardsEnd) return End(shardsEnd);
            if (await PrepareAllocatorAsync() is { } vipsEnd) return End(vipsEnd);
            replies = MakeReplies();
        }
        catch (MeshUnavailableException e)
        {
            return CompleteAll(new ChangeReply { Outcome = ChangeOutcome.Unavailable, Detail = e.Message });
        }
        catch
        {
            // A bug before the append: nothing was written, and nobody is to wait for the holds to run out.
            ReleaseAll();
            throw;
        }
        if (changes is [{ Request.DryRun: true }])
        {
            ReleaseAll();
            changes[0].Complete(replies[0]! with { Position = new Dictionary<string, long>() });
            return BatchEnd.Done;
        }
        return await AppendAsync(replies);
    }

    /// <summary>The remembered reply, if the request is the same one.</summary>
    public static ChangeReply Recall(PendingChange change, RememberedReply remembered) => remembered.RequestHash == change.RequestHash()
        ? JsonSerializer.Deserialize(remembered.Reply, ReplyJson.Default.ChangeReply)!
        : ChangeReply.Refused(RefusalReason.KeyReused, "this Idempotency-Key was used with another request within the last 24 hours");

    // False when no change is left that has anything to write. A reply to be remembered is something to write, also for a change that
    // changes nothing: done again later, it could undo what came in between.
    private bool Plan()
    {
        var at = system.Time.GetUtcNow().ToUnixTimeMilliseconds();
        var left = false;
        for (var i = 0; i < changes.Count; i++)
        {
            var current = new Dictionary<DocumentKey, StoredDocument>();
            foreach (var change in changes[i].Request.Changes)
                if (region.Document(change.Key) is { } stored) current[change.Key] = stored;
            var plan = planner.Plan(changes[i].Request, current, at);
            if (plan.Refused is { } refused) changes[i].Complete(refused);
            else if (plan.Commands.Count == 0 && changes[i].Request is { IdempotencyKey: null } or { DryRun: true }) changes[i].Complete(_effects.Reply(plan, i, region.Allocator.View.State));
            else
            {
                _plans[i] = plan;
                left = true;
            }
        }
        return left;
    }

    private async Task<BatchEnd?> PrepareShardsAsync()
    {
        var byStream = new SortedDictionary<string, List<ChangeCommand<ShardCommand>>>(StringComparer.Ordinal);
        for (var i = 0; i < changes.Count; i++)
            foreach (var (stream, command) in _plans[i]?.Commands ?? new Dictionary<string, ShardCommand>())
            {
                if (!byStream.TryGetValue(stream, out var commands)) byStream.Add(stream, commands = []);
                commands.Add(new ChangeCommand<ShardCommand>(i, command));
            }
        foreach (var (stream, commands) in byStream)
        {
            var prepared = await PrepareAsync(region.ByStream[stream], commands);
            foreach (var reply in prepared.Replies) if (reply.Reply is { } shard) _effects.Take(reply.Change, shard);
            if (Refused(prepared) is { } end) return end;
        }
        return null;
    }

    private async Task<BatchEnd?> PrepareAllocatorAsync()
    {
        var commands = new List<ChangeCommand<VipCommand>>();
        for (var i = 0; i < changes.Count; i++)
            if (_plans[i] is { } plan && _effects.Demands(plan, i) is { Count: > 0 } demands) commands.Add(new ChangeCommand<VipCommand>(i, new VipCommand(demands, 0)));
        if (commands.Count == 0) return null;
        var prepared = await PrepareAsync(region.Allocator, commands);
        foreach (var reply in prepared.Replies) if (reply.Reply is { } vips) _effects.Take(reply.Change, vips, reply.Events);
        return Refused(prepared);
    }

    private async Task<Prepared<TReply>> PrepareAsync<TState, TCommand, TReply>(IStreamOwner<TState, TCommand, TReply> owner, IReadOnlyList<ChangeCommand<TCommand>> commands)
        where TState : class where TReply : class
    {
        // Held from here on, even when the reply is lost: then the release, or the owner's own limit, ends it.
        _held.Add((owner.Stream, owner.CommitAsync, owner.Release, owner.Recover));
        var prepared = await owner.PrepareAsync(_batch, commands, _askDeadline, CancellationToken.None);
        if (prepared.Append is { } append) _appends.Add(append);
        return prepared;
    }

    private BatchEnd? Refused<TReply>(Prepared<TReply> prepared) where TReply : class
    {
        BatchEnd? end = null;
        foreach (var reply in prepared.Replies)
        {
            if (reply.Refused is not { } refusal) continue;
            if (refusal.Reason == RefusalReason.Contention) { end = BatchEnd.Contended; continue; }
            changes[reply.Change].Complete(ChangeReply.Refused(refusal.Reason, refusal.Detail));
            end ??= BatchEnd.Refused;
        }
        return end;
    }

    private ChangeReply?[] MakeReplies()
    {
        var position = _appends.ToDictionary(a => a.Fence.Stream, a => a.Fence.Seq + a.Events.Count);
        var ledger = region.Allocator.View.State;
        return [.. _plans.Select((plan, i) => plan is null ? null : _effects.Reply(plan, i, ledger) with { Position = position })];
    }

    private async Task<BatchEnd> AppendAsync(ChangeReply?[] replies)
    {
        if (!BeginAppend()) return End(BatchEnd.Refused);
        try
        {
            var remembered = changes.Select((c, i) => (Change: c, Reply: replies[i])).Where(c => c.Reply is not null && c.Change.Request.IdempotencyKey is not null)
                .Select(c => new RememberedReply(c.Change.Request.IdempotencyKey!, c.Change.RequestHash(), JsonSerializer.SerializeToUtf8Bytes(c.Reply!, ReplyJson.Default.ChangeReply)));
            var result = await journal.AppendAsync(new AppendRequest(_appends, [.. remembered]), CancellationToken.None).WaitAsync(_appendDeadline, system.Time);
            return result.Outcome == AppendOutcome.Committed ? await CommittedAsync(replies) : await RefusedByJournalAsync(result);
        }
        catch (JournalUnavailableException e)
        {
            return CompleteAll(new ChangeReply { Outcome = ChangeOutcome.Unavailable, Detail = e.Message });
        }
        catch (Exception e) when (e is JournalInDoubtException or TimeoutException)
        {
            foreach (var held in _held) held.Recover(_batch);
            foreach (var change in changes) change.Complete(new ChangeReply { Outcome = ChangeOutcome.Unknown, Detail = e.Message });
            return BatchEnd.Done;
        }
    }

    // All or none: a caller that gave up is left out, and the batch is prepared again without it.
    private bool BeginAppend()
    {
        var all = true;
        for (var i = 0; i < changes.Count; i++)
            if (_plans[i] is not null && !changes[i].TryBeginAppend()) all = false;
        if (!all) foreach (var change in changes.Where(c => !c.IsOver)) change.EndAppend();
        return all;
    }

    private async Task<BatchEnd> CommittedAsync(ChangeReply?[] replies)
    {
        // Durable whatever the owners say now; waiting for them lets a caller, and the next batch, read what was written.
        try { await Task.WhenAll(_held.Select(h => h.Commit(_batch, _askDeadline))); }
        catch (MeshUnavailableException e) { system.Log(ActorLogLevel.Warning, "coordinator", "a change is durable, but an owner is late: " + e.Message, null); }
        for (var i = 0; i < changes.Count; i++) if (replies[i] is { } reply) changes[i].Complete(reply);
        return BatchEnd.Done;
    }

    private async Task<BatchEnd> RefusedByJournalAsync(AppendResult result)
    {
        foreach (var held in _held)
            if (result.Outcome == AppendOutcome.Fenced && held.Stream == result.Subject) held.Recover(_batch);
            else held.Release(_batch);
        foreach (var change in changes) change.EndAppend();
        switch (result.Outcome)
        {
            case AppendOutcome.Fenced:
                system.Log(ActorLogLevel.Warning, "coordinator", $"the fence of {result.Subject} did not hold", null);
                return BatchEnd.Contended;
            case AppendOutcome.KeyTaken:
                var taken = changes.First(c => c.Request.IdempotencyKey == result.Subject);
                if (await journal.FindReplyAsync(result.Subject, CancellationToken.None) is { } remembered) taken.Complete(Recall(taken, remembered));
                return BatchEnd.Contended;
            default:
                if (changes.Count > 1) return BatchEnd.Suspect;
                system.Log(ActorLogLevel.Alarm, "coordinator", $"the lease tables refused a change that the allocator had allowed: {result.Subject}", null);
                changes[0].Complete(ChangeReply.Refused(RefusalReason.GuardRefused, "the journal's lease tables refused the change; see the node's log and run 'meshdns verify'"));
                return BatchEnd.Done;
        }
    }

    private BatchEnd CompleteAll(ChangeReply reply)
    {
        ReleaseAll();
        foreach (var change in changes) change.Complete(reply);
        return BatchEnd.Done;
    }

    private BatchEnd End(BatchEnd end)
    {
        ReleaseAll();
        return end;
    }

    private void ReleaseAll()
    {
        foreach (var held in _held) held.Release(_batch);
    }
}
