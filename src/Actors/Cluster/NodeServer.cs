using MeshDns.Actors.Journal;
using MeshDns.Actors.Runtime;
using MeshDns.Actors.Shards;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Messages;

namespace MeshDns.Actors.Cluster;

/// <summary>What a node with streams does for others and, through the same door, for itself.</summary>
internal sealed class NodeServer(ActorSystem system, IJournal journal, MeshOptions options, LocalStreams local, Func<Task<bool>> isAliveAsync, FeedRelay relay, NodeDuties duties) : INodeServer
{
    private static readonly TimeSpan _askDeadline = TimeSpan.FromSeconds(5);

    private readonly LocalReads _reads = new(options, local, system.Time);

    public async Task<NodeReply> HandleAsync(NodeRequest request, CancellationToken cancel)
    {
        try { return await DispatchAsync(request, cancel); }
        catch (OwnerAwayException e) { return new NodeRefusal(NodeFault.NotOwner, e.Message); }
        catch (Exception e) when (e is MeshUnavailableException or JournalUnavailableException or JournalInDoubtException) { return new NodeRefusal(NodeFault.Unavailable, e.Message); }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested) { throw; }
        catch (Exception e)
        {
            // A bug here must not end the connection of another node.
            system.Log(ActorLogLevel.Alarm, "node", $"a {request.GetType().Name} failed", e);
            return new NodeRefusal(NodeFault.Unavailable, "an internal error; see the log of " + options.Node);
        }
    }

    private async Task<NodeReply> DispatchAsync(NodeRequest request, CancellationToken cancel)
    {
        // Settling is always right; what is asked of an owner is only right while nobody else can be one.
        if (request is not (SettleBatch or AwaitFeed or DrainNode or ReadFeed) && !await isAliveAsync()) throw new MeshUnavailableException($"{options.Node} has not reached the journal for a lease");
        switch (request)
        {
            case PrepareShards prepare: return await PrepareAsync(prepare, cancel);
            case PrepareVips prepare: return await PrepareAsync(prepare, cancel);
            case SettleBatch settle: return await SettleAsync(settle);
            case ReadDocuments read:
                if (read.Confirm) await ConfirmAsync(read.Keys.Select(k => local.Shards[Streams.ShardOf(k, options.Shards)].Stream), cancel);
                return new DocumentList(_reads.Documents(read.Keys));
            case PageDocuments page: return new DocumentList(_reads.Documents(page));
            case ReadHosts read:
                if (read.Confirm) await ConfirmAsync(read.Hosts.Select(h => local.OwnerOf(h).Stream), cancel);
                return new HostFactList(_reads.Hosts(read.Hosts));
            case PageHosts page: return new HostNameList(_reads.Hosts(page));
            case ReadHostVips read:
                if (read.Confirm) await ConfirmAsync([local.Allocator.Stream], cancel);
                return new VipList(_reads.VipsOf(read.Hosts));
            case ReadVip read: return new VipList(_reads.Vip(read.Index));
            case PageVips page: return new VipList(_reads.Vips(page.Page));
            case PageRests page: return new RestList(_reads.Rests(page.Page));
            case ReadUsage: return new UsageReply(_reads.Usage());
            case TellRewound rewound:
                _ = local.Allocator.View;
                system.Log(ActorLogLevel.Alarm, "journal", $"the journal no longer has the past of {rewound.Streams.Count} streams that a reader had seen: every free VIP rests for one quarantine", null);
                if (!local.Allocator.Rewound()) throw new MeshUnavailableException("the allocator is overloaded");
                return new Done();
            case AwaitFeed wait: return new FeedAwaited(await duties.AwaitFeedAsync(wait.Position, TimeSpan.FromMilliseconds(Math.Clamp(wait.WaitMs, 0, 10_000)), cancel));
            case DrainNode:
                await duties.DrainAsync();
                return new Done();
            case ReadFeed feed: return await relay.ServeAsync(feed, cancel);
            case CarryChange carry: return new ChangeCarried(await duties.ChangeAsync(carry.Request, TimeSpan.FromMilliseconds(Math.Clamp(carry.DeadlineMs, 1, 60_000)), cancel));
            case ForwardChange forward:
                if (local.Allocator.Epoch != forward.Epoch) throw new OwnerAwayException($"{options.Node} does not own {local.Allocator.Stream} at epoch {forward.Epoch}");
                if (!RememberedReply.IsForwardKey(forward.Key) || forward.Key.Length > 128) throw new MeshUnavailableException("this is no key of a node");
                return new ChangeCarried(await duties.ForwardedAsync(forward.Request, new ForwardKey(forward.Key, IsRetry: false), TimeSpan.FromMilliseconds(Math.Clamp(forward.DeadlineMs, 1, 60_000)), cancel));
            default: throw new MeshUnavailableException($"{options.Node} does not know the request {request.GetType().Name}");
        }
    }

    private async Task<NodeReply> PrepareAsync(PrepareShards prepare, CancellationToken cancel)
    {
        var hold = TimeSpan.FromMilliseconds(Math.Clamp(prepare.HoldMs, 1, 600_000));
        var prepared = await local.PrepareAsync(prepare.Batch, hold, prepare.Shards, prepare.NoWait, _askDeadline, cancel);
        return new ShardsPrepared([.. prepared.Select(PreparedMessages.Of)]);
    }

    private async Task<NodeReply> PrepareAsync(PrepareVips prepare, CancellationToken cancel)
    {
        var hold = TimeSpan.FromMilliseconds(Math.Clamp(prepare.HoldMs, 1, 600_000));
        return PreparedMessages.Of(await local.Allocator.PrepareAsync(prepare.Batch, [.. prepare.Parts.Select(p => new ChangeCommand<VipCommand>(p.Change, p.Command))], hold, _askDeadline, cancel));
    }

    private async Task<NodeReply> SettleAsync(SettleBatch settle)
    {
        var commits = new List<Task>();
        foreach (var stream in settle.Streams)
        {
            if (stream == local.Allocator.Stream) Settle(local.Allocator);
            else if (local.ShardOf.TryGetValue(stream, out var shard)) Settle(shard);
        }
        await Task.WhenAll(commits);
        return new Done();

        void Settle<TState, TCommand, TReply>(StreamActor<TState, TCommand, TReply> actor) where TState : class where TReply : class
        {
            switch (settle.Outcome)
            {
                case BatchOutcome.Commit: commits.Add(actor.CommitAsync(settle.Batch, _askDeadline)); break;
                case BatchOutcome.Release: actor.Release(settle.Batch); break;
                default: actor.Recover(settle.Batch); break;
            }
        }
    }

    // An owner that was paused, or cut off, may not know yet that it is none, and one whose database lost something has a state that never was: only the
    // journal says. What is read after this was true at some moment of the question.
    private async Task ConfirmAsync(IEnumerable<string> streams, CancellationToken cancel)
    {
        var asked = streams.Distinct().ToDictionary(s => s, s => local.ByStream[s].Fence());
        var rows = (await journal.ReadOwnershipAsync(cancel)).ToDictionary(r => r.Stream);
        foreach (var (stream, before) in asked)
        {
            var row = rows.GetValueOrDefault(stream);
            if (before is not { } held || row is null || (row.Term, row.Epoch) != (held.Term, held.Epoch)) throw new OwnerAwayException($"{stream} is not owned by {options.Node} any more");
            if (row.Seq < held.Seq)
            {
                local.ByStream[stream].Rewound();
                throw new OwnerAwayException($"{stream} was rewound");
            }
            // Somebody's append is durable, and this owner has not been told yet.
            if (local.ByStream[stream].Fence() is not { } now || now.Epoch != held.Epoch || now.Seq < row.Seq) throw new OwnerAwayException($"{stream} is just taking on a change");
        }
    }
}

/// <summary>What a node does beyond its streams.</summary>
/// <param name="AwaitFeedAsync">Waits until its directory, and the edges that read from it, have read this far; names those that have not.</param>
/// <param name="DrainAsync">Gives all streams up.</param>
/// <param name="ChangeAsync">Carries a change.</param>
/// <param name="ForwardedAsync">Carries a change that another node forwarded.</param>
internal sealed record NodeDuties(
    Func<IReadOnlyDictionary<string, long>, TimeSpan, CancellationToken, Task<IReadOnlyList<string>>> AwaitFeedAsync,
    Func<Task> DrainAsync,
    Func<ChangeRequest, TimeSpan, CancellationToken, Task<ChangeReply>> ChangeAsync,
    Func<ChangeRequest, ForwardKey, TimeSpan, CancellationToken, Task<ChangeReply>> ForwardedAsync);
