using MeshDns.Actors.Changes;
using MeshDns.Actors.Log;
using MeshDns.Contracts.Messages;

namespace MeshDns.Actors.Cluster;

/// <summary>
/// The changes of a node's API: each has a key, and is handed to the actor system that the node has, and when that ends to the next one under the same key, for as long as its caller waits.
/// </summary>
internal sealed class NodeChanges(MeshParts parts, MeshEngine engine)
{
    private static readonly TimeSpan _again = TimeSpan.FromMilliseconds(50);

    // So long a change waits for an allocator although it is known why there is none.
    private static readonly TimeSpan _hope = TimeSpan.FromSeconds(1);

    private readonly string _incarnation = parts.NextTerm();
    private long _count;

    /// <summary>Carries out a change; the reply says how it ended, whatever happened.</summary>
    public async Task<ChangeReply> MakeAsync(ChangeRequest request, TimeSpan deadline, CancellationToken cancel)
    {
        var begun = parts.Time.GetTimestamp();
        var name = request.IdempotencyKey ?? $"{ReplyMemory.NodePrefix}{_incarnation}-{Interlocked.Increment(ref _count)}";
        var key = new SubmittedKey(name, RequestDigest.Of(request), SentAt: parts.Following.Position.Number);
        var mayBeDone = false;
        while (!engine.IsDraining || mayBeDone)
        {
            var left = deadline - parts.Time.GetElapsedTime(begun);
            if (left <= TimeSpan.Zero || cancel.IsCancellationRequested) break;
            if (!mayBeDone && engine.Life is not { HasAllocator: true } && (parts.Following.Trouble ?? engine.Trouble ?? parts.Memory.Trouble) is { } trouble && parts.Time.GetElapsedTime(begun) > _hope)
                return new ChangeReply { Outcome = ChangeOutcome.Unavailable, Detail = "nothing happened: " + trouble };
            if (engine.Life is { HasAllocator: true } life)
            {
                if (await life.ChangeAsync(new StartChange(request, key, left, mayBeDone), cancel) is { } reply) return Explained(reply);
                mayBeDone = true;
            }
            if (engine.IsDraining) break;
            await Task.Delay(_again, parts.Time, CancellationToken.None);
        }
        return mayBeDone ? new ChangeReply { Outcome = ChangeOutcome.Unknown, Detail = "this node left its cluster while the change was under way; it may or may not have happened" }
            : new ChangeReply { Outcome = ChangeOutcome.Unavailable, Detail = engine.IsDraining ? "this node is draining" : "nothing happened: " + (engine.Life is null ? "this node is not a member of its cluster just now" : "no allocator could be reached") };
    }

    // Why the outcome of an append is open is known where the allocator is.
    private ChangeReply Explained(ChangeReply reply) =>
        reply.Outcome is ChangeOutcome.Unavailable or ChangeOutcome.Unknown && parts.Memory.Trouble is { } trouble && reply.Detail?.Contains(trouble, StringComparison.Ordinal) != true ? reply with { Detail = $"{reply.Detail}: {trouble}" } : reply;
}
