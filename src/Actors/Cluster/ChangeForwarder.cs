using MeshDns.Actors.Journal;
using MeshDns.Actors.Runtime;
using MeshDns.Actors.Shards;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Messages;

namespace MeshDns.Actors.Cluster;

/// <summary>
/// Hands changes to the coordinator of the node that owns <c>vips</c>, so that the changes of all nodes share its transactions; what cannot go there, or comes back
/// without an answer, this node's own coordinator carries out. Whatever is lost on the way, a change takes effect once at most (docs/adr/0018).
/// </summary>
internal sealed class ChangeForwarder(ActorSystem system, NodeIdentity me, ShardRegion region, IClusterMap map, LocalStreams local, IJournal journal, ChangeCoordinator coordinator)
{
    // A large change has a transaction to itself anyway, and would only be copied once more.
    private const int MaxDocuments = 256;

    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan _closeDeadline = TimeSpan.FromSeconds(1);

    // After a failure the next changes do not wait for the same node again.
    private static readonly TimeSpan _rest = TimeSpan.FromSeconds(1);

    private long _count;
    private long _restsUntil;

    /// <summary>Carries out a change; the reply says how it ended, whatever happened.</summary>
    public async Task<ChangeReply> ChangeAsync(ChangeRequest request, TimeSpan deadline, CancellationToken cancel)
    {
        if (Target(request) is not { } target) return await coordinator.ChangeAsync(request, null, deadline, cancel);
        var begin = system.Time.GetTimestamp();
        var key = $" {me.Incarnation}-{Interlocked.Increment(ref _count)}";
        var (reply, isHeard) = await ForwardAsync(target.Node, request, key, target.Epoch, deadline, cancel);
        if (reply is { Outcome: ChangeOutcome.Applied or ChangeOutcome.Refused }) return reply;
        Volatile.Write(ref _restsUntil, system.Time.GetTimestamp() + (long)(_rest.TotalSeconds * system.Time.TimestampFrequency));
        if (cancel.IsCancellationRequested) return Unknown("the caller gave up while another node was carrying the change out");
        var left = deadline - system.Time.GetElapsedTime(begin);
        if (left <= TimeSpan.Zero) left = TimeSpan.FromMilliseconds(1);
        return isHeard ? await coordinator.ChangeAsync(request, null, left, cancel)
            : await CloseAsync(key, await coordinator.ChangeAsync(request, new ForwardKey(key, IsRetry: true), left, cancel));
    }

    // Null when this node is to do it itself.
    private (string Node, long Epoch)? Target(ChangeRequest request)
    {
        if (request.DryRun || request.Changes.Count > MaxDocuments || local.Allocator.IsOwner || system.Time.GetTimestamp() < Volatile.Read(ref _restsUntil)) return null;
        var current = map.Current;
        return current.OwnerOf(Streams.Vips) is { } owner && owner.Node.Node != me.Node ? (owner.Node.Node, current.Stream(Streams.Vips)!.Epoch) : null;
    }

    // The reply, if there was one, and whether it is certain that nothing happened and nothing will unless the reply says so.
    private async Task<(ChangeReply? Reply, bool IsHeard)> ForwardAsync(string node, ChangeRequest request, string key, long epoch, TimeSpan deadline, CancellationToken cancel)
    {
        var share = deadline / 2 < _patience ? deadline / 2 : _patience;
        // It gives up a little before it is given up, so that it can still say so.
        var ask = new ForwardChange(request, key, epoch, (int)(share.TotalMilliseconds * 0.9));
        try
        {
            var reply = (await region.AskAsync<ChangeCarried>(node, ask, share, cancel)).Reply;
            return (reply, reply.Outcome != ChangeOutcome.Unknown);
        }
        catch (OwnerAwayException e) { return (null, !e.IsUnheard); }
        catch (MeshUnavailableException) { return (null, false); }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested) { return (null, false); }
    }

    // An answer that wrote nothing takes the key, so that what was forwarded cannot happen after it; or it is not certain.
    private async Task<ChangeReply> CloseAsync(string key, ChangeReply reply)
    {
        if (reply.Outcome is ChangeOutcome.Applied or ChangeOutcome.Unknown) return reply;
        try
        {
            var closing = new AppendRequest([], [RememberedReply.Of(key, "", reply)]);
            var result = await journal.AppendAsync(closing, CancellationToken.None).WithinAsync(_closeDeadline, system.Time);
            if (result.Outcome == AppendOutcome.Committed) return reply;
            if (await journal.FindRepliesAsync([key], CancellationToken.None).WithinAsync(_closeDeadline, system.Time) is [var first]) return first.Read();
        }
        catch (Exception e) when (e is JournalUnavailableException or JournalInDoubtException or TimeoutException) { return Unknown(e.Message); }
        return Unknown("another node may have carried the change out");
    }

    private static ChangeReply Unknown(string why) => new() { Outcome = ChangeOutcome.Unknown, Detail = why };
}
