using MeshDns.Actors.Cluster;
using MeshDns.Actors.Journal;
using MeshDns.Actors.Runtime;
using MeshDns.Contracts.Events;
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

    /// <summary>A document moved meanwhile; try again after a while.</summary>
    Contended,

    /// <summary>A stream has no owner just now; try again soon, for as long as the callers wait.</summary>
    OwnerAway,

    /// <summary>The guard refused a batch of several changes; try each alone.</summary>
    Suspect,
}

/// <summary>
/// One attempt at a batch: plan, Prepare in shards and then in <c>vips</c>, one append, then Commit, Release or Recover. An attempt either waits for no other batch's
/// shards, or asks for them in stream order: both make deadlock between coordinators impossible. Whoever waits for <c>vips</c> has all the rest.
/// </summary>
internal sealed class ChangeBatch(ActorSystem system, ShardRegion region, IJournal journal, ChangePlanner planner, IReadOnlyList<PendingChange> changes, bool noWait)
{
    private static readonly TimeSpan _askDeadline = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan _appendDeadline = TimeSpan.FromSeconds(30);

    // What an owner waits for the outcome: long enough for the append, short enough that a coordinator's death does not hold a stream for long.
    private static readonly TimeSpan _hold = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan _holdPerDocument = TimeSpan.FromMilliseconds(0.5);

    private readonly Guid _batch = Guid.NewGuid();
    private readonly ChangePlan?[] _plans = new ChangePlan?[changes.Count];
    // Streams that may hold the batch, with the node that was asked; a node that is asked again later is told the same thing twice.
    private readonly List<(string Stream, string Node)> _held = [];
    private readonly List<StreamAppend> _appends = [];
    private readonly ChangeEffects _effects = new(changes.Count);

    public async Task<BatchEnd> TryAsync()
    {
        ChangeReply?[] replies;
        try
        {
            if (await PlanAsync() is { } planned) return planned;
            if (await PrepareShardsAsync() is { } shardsEnd) return End(shardsEnd);
            if (await PrepareAllocatorAsync() is { } vipsEnd) return End(vipsEnd);
            replies = await MakeRepliesAsync();
        }
        catch (OwnerAwayException e)
        {
            system.Log(ActorLogLevel.Information, "coordinator", "waits for an owner: " + e.Message, null);
            foreach (var change in changes) change.WaitsFor(e.Message);
            return End(BatchEnd.OwnerAway);
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

    // Null when a change is left that has something to write. A reply to be remembered is something to write, also for a change that
    // changes nothing: done again later, it could undo what came in between.
    private async Task<BatchEnd?> PlanAsync()
    {
        var at = system.Time.GetUtcNow().ToUnixTimeMilliseconds();
        var stored = await region.DocumentsAsync([.. changes.SelectMany(c => c.Request.Changes).Select(c => c.Key)], isConfirmed: false, _askDeadline, CancellationToken.None);
        ChangePlan[] plans = [.. changes.Select(c => planner.Plan(c.Request, stored, at))];
        if (!await IsConfirmedAsync(plans, stored)) return BatchEnd.Contended;
        var unchanged = new List<(int Change, ChangePlan Plan)>();
        var left = false;
        for (var i = 0; i < changes.Count; i++)
        {
            if (plans[i].Refused is { } refused) changes[i].Complete(refused);
            else if (plans[i].Commands.Count == 0 && changes[i].Request.Rests is null && !changes[i].EarlierKeys.Any()) unchanged.Add((i, plans[i]));
            else
            {
                _plans[i] = plans[i];
                left = true;
            }
        }
        await _effects.ReadLeasesAsync(region, unchanged.Select(u => u.Plan), _askDeadline);
        foreach (var (i, plan) in unchanged) changes[i].Complete(_effects.Reply(plan, i, region.Range));
        return left ? null : BatchEnd.Done;
    }

    // What will be written is checked again by its shard and by the fence. What is refused, or is so already, is not: an owner that was paused, or cut
    // off, would say so of a state that is long gone.
    private async Task<bool> IsConfirmedAsync(ChangePlan[] plans, IReadOnlyDictionary<DocumentKey, StoredDocument> stored)
    {
        DocumentKey[] unwritten = [.. plans.SelectMany((plan, i) => plan.Refused is not null
            ? changes[i].Request.Changes.Select(c => c.Key)
            : plan.Documents.Where(d => d.Action is DocumentAction.Absent or DocumentAction.Unchanged).Select(d => d.Change.Key)).Distinct()];
        if (unwritten.Length == 0) return true;
        var confirmed = await region.DocumentsAsync(unwritten, isConfirmed: true, _askDeadline, CancellationToken.None);
        return unwritten.All(key => confirmed.GetValueOrDefault(key)?.Version == stored.GetValueOrDefault(key)?.Version);
    }

    private async Task<BatchEnd?> PrepareShardsAsync()
    {
        var byStream = new SortedDictionary<string, List<ShardPart>>(StringComparer.Ordinal);
        for (var i = 0; i < changes.Count; i++)
            foreach (var (stream, command) in _plans[i]?.Commands ?? new Dictionary<string, ShardCommand>())
            {
                if (!byStream.TryGetValue(stream, out var parts)) byStream.Add(stream, parts = []);
                parts.Add(new ShardPart(i, command));
            }
        ShardWork[] works = [.. byStream.Select(s => new ShardWork(s.Key, s.Value))];
        // Held from here on, even when the reply is lost: then the release, or the owner's own limit, ends it.
        foreach (var work in works) _held.Add((work.Stream, region.OwnerOf(work.Stream)));
        BatchEnd? end = null;
        foreach (var prepared in await region.PrepareAsync(_batch, Hold, works, noWait, _askDeadline))
        {
            foreach (var reply in prepared.Replies) if (reply.Reply is { } shard) _effects.Take(reply.Change, shard);
            if (prepared.Append is { } append) _appends.Add(append);
            end = Refused(prepared) ?? end;
        }
        return end ?? (_appends.Count == works.Length ? null : BatchEnd.Contended);
    }

    private async Task<BatchEnd?> PrepareAllocatorAsync()
    {
        var parts = new List<VipPart>();
        for (var i = 0; i < changes.Count; i++)
            if (_plans[i] is { } plan && (_effects.Demands(plan, i), changes[i].Request.Rests) is var (demands, rests) && (demands.Count > 0 || rests is not null)) parts.Add(new VipPart(i, new VipCommand(demands, 0, rests)));
        if (parts.Count == 0) return null;
        _held.Add((Streams.Vips, region.OwnerOf(Streams.Vips)));
        var prepared = await region.PrepareAsync(_batch, Hold, parts, _askDeadline);
        if (prepared.Append is { } append) _appends.Add(append);
        foreach (var reply in prepared.Replies) if (reply.Reply is { } vips) _effects.Take(reply.Change, vips, reply.Events);
        return Refused(prepared);
    }

    private TimeSpan Hold => _hold + (changes.Sum(c => c.Request.Changes.Count) * _holdPerDocument);

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

    private async Task<ChangeReply?[]> MakeRepliesAsync()
    {
        var position = _appends.ToDictionary(a => a.Fence.Stream, a => a.Fence.Seq + a.Events.Count);
        await _effects.ReadLeasesAsync(region, _plans.OfType<ChangePlan>(), _askDeadline);
        return [.. _plans.Select((plan, i) => plan is null ? null : _effects.Reply(plan, i, region.Range) with { Position = position })];
    }

    private async Task<BatchEnd> AppendAsync(ChangeReply?[] replies)
    {
        if (!BeginAppend()) return End(BatchEnd.Refused);
        try
        {
            var remembered = changes.SelectMany((c, i) => replies[i] is { } reply ? c.Remember(reply) : []);
            var result = await journal.AppendAsync(new AppendRequest(_appends, [.. remembered]), CancellationToken.None).WithinAsync(_appendDeadline, system.Time);
            return result.Outcome == AppendOutcome.Committed ? await CommittedAsync(replies) : await RefusedByJournalAsync(result);
        }
        catch (JournalUnavailableException e)
        {
            return CompleteAll(new ChangeReply { Outcome = ChangeOutcome.Unavailable, Detail = e.Message });
        }
        catch (Exception e) when (e is JournalInDoubtException or TimeoutException)
        {
            Settle(_held, BatchOutcome.Recover);
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
        try { await Task.WhenAll(ByNode(_held).Select(h => region.AskAsync<Done>(h.Node, new SettleBatch(_batch, h.Streams, BatchOutcome.Commit), _askDeadline, CancellationToken.None))); }
        catch (MeshUnavailableException e)
        {
            system.Log(ActorLogLevel.Warning, "coordinator", "a change is durable, but an owner is late: " + e.Message, null);
            Settle(_held, BatchOutcome.Commit);
        }
        for (var i = 0; i < changes.Count; i++) if (replies[i] is { } reply) changes[i].Complete(reply);
        return BatchEnd.Done;
    }

    private async Task<BatchEnd> RefusedByJournalAsync(AppendResult result)
    {
        Settle(_held.Where(h => result.Outcome == AppendOutcome.Fenced && h.Stream == result.Subject), BatchOutcome.Recover);
        Settle(_held.Where(h => result.Outcome != AppendOutcome.Fenced || h.Stream != result.Subject), BatchOutcome.Release);
        foreach (var change in changes) change.EndAppend();
        switch (result.Outcome)
        {
            case AppendOutcome.Fenced:
                system.Log(ActorLogLevel.Warning, "coordinator", $"the fence of {result.Subject} did not hold", null);
                return BatchEnd.Contended;
            case AppendOutcome.KeyTaken:
                var taken = changes.First(c => c.Keys.Contains(result.Subject));
                if (await journal.FindRepliesAsync([result.Subject], CancellationToken.None) is [var remembered]) taken.Complete(taken.Recall(remembered));
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

    private void ReleaseAll() => Settle(_held, BatchOutcome.Release);

    // Not awaited: an owner that is not told finds out by itself when its hold ends.
    private void Settle(IEnumerable<(string Stream, string Node)> held, BatchOutcome outcome)
    {
        foreach (var (node, streams) in ByNode(held)) _ = region.TellAsync(node, new SettleBatch(_batch, streams, outcome));
    }

    private static IEnumerable<(string Node, string[] Streams)> ByNode(IEnumerable<(string Stream, string Node)> held) =>
        held.GroupBy(h => h.Node, h => h.Stream).Select(g => (g.Key, g.ToArray()));
}
