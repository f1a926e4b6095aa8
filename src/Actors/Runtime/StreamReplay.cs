using MeshDns.Actors.Directory;
using MeshDns.Actors.Journal;
using MeshDns.Contracts.Events;

namespace MeshDns.Actors.Runtime;

/// <summary>Makes the state of a stream from the journal, under a claim, and looks whether the journal still has what was seen of it.</summary>
internal sealed class StreamReplay<TState, TCommand, TReply>(ActorSystem system, IJournal journal, string stream, IStreamCore<TState, TCommand, TReply> core)
    where TState : class where TReply : class
{
    /// <summary>Raises the epoch of a stream that is the node's; null when it is not. A claim whose reply was lost left a term in the row that only the row tells.</summary>
    public async Task<StreamClaim?> ClaimAnewAsync(NodeIdentity node, CancellationToken cancel)
    {
        var row = (await journal.ReadOwnershipAsync(cancel)).FirstOrDefault(r => r.Stream == stream);
        if (row is null || new NodeIdentity(row.Node, row.Incarnation) != node) return null;
        var claims = await journal.ClaimAsync(node, [new StreamWish(stream, row.Term, row.Epoch)], system.NextTerm(), cancel);
        return claims.Count == 1 ? claims[0] : null;
    }

    /// <summary>Snapshot and replay, up to the seq of the claim. The state is null when it is the snapshot and nothing else, and may stay that.</summary>
    /// <param name="fence">The claim.</param>
    /// <param name="fromStart">True to leave the snapshot out.</param>
    /// <param name="mayStayPacked">True when a snapshot that nothing follows need not be read.</param>
    /// <param name="cancel">Ends it.</param>
    /// <exception cref="InvalidOperationException">The journal is damaged.</exception>
    /// <exception cref="FormatException">The journal is damaged, or a newer version wrote it.</exception>
    /// <exception cref="JournalUnavailableException">The claim is over already, or the journal was rewound meanwhile: claim anew.</exception>
    public async Task<(StreamHistory History, TState? State)> RunAsync(Fence fence, bool fromStart, bool mayStayPacked, CancellationToken cancel)
    {
        var (history, state) = await ReadAsync(fromStart, mayStayPacked, cancel);
        var seq = history.SnapshotSeq;
        foreach (var row in history.Rows)
        {
            if (row.Seq != ++seq) throw new InvalidOperationException($"{stream} has a gap: {row.Seq} where {seq} was expected");
            state = core.Apply(state!, EventCodec.Decode(row.Kind, row.Payload));
        }
        if (seq == fence.Seq) return (history, state);
        // Between the claim and the read another node may have claimed it and written, and a standby that lagged may have been promoted.
        var owner = (await journal.ReadOwnershipAsync(cancel)).FirstOrDefault(r => r.Stream == stream);
        if (owner is null || (owner.Term, owner.Epoch, owner.Seq) != (fence.Term, fence.Epoch, fence.Seq)) throw new JournalUnavailableException($"{stream} was claimed or rewound while it was read");
        throw new InvalidOperationException($"{stream} ends at {seq}, but its ownership row says {fence.Seq}");
    }

    /// <summary>What this node wrote or read must still be there; a failover to a standby that lagged takes it away.</summary>
    public async Task<bool> HasPastAsync(StreamHistory history, IReadOnlyList<StreamPosition> seen, CancellationToken cancel)
    {
        foreach (var known in seen)
        {
            if (known.Seq == 0) continue;
            var at = known.Seq - history.SnapshotSeq - 1;
            var isThere = at >= 0 && at < history.Rows.Count
                ? history.Rows[(int)at] is var row && (row.Term, row.Epoch) == (known.Term, known.Epoch)
                : await journal.ContainsAsync(stream, known, cancel);
            if (isThere) continue;
            system.Log(ActorLogLevel.Alarm, stream, $"the journal no longer has event {known.Seq} of epoch {known.Epoch}: it was rewound", null);
            return false;
        }
        return true;
    }

    // A snapshot only shortens a replay: one that cannot be read is replaced by the events it stood for, and written anew at the next chance.
    private async Task<(StreamHistory History, TState? State)> ReadAsync(bool fromStart, bool mayStayPacked, CancellationToken cancel)
    {
        var history = await journal.ReadAsync(stream, fromStart, cancel);
        if (mayStayPacked && history is { Snapshot: not null, Rows.Count: 0 }) return (history, null);
        try { return (history, history.Snapshot is { } snapshot ? core.Restore(snapshot) : core.Empty); }
        catch (FormatException e)
        {
            system.Log(ActorLogLevel.Alarm, stream, "replays every event, because its snapshot cannot be read", e);
            return (await journal.ReadAsync(stream, fromStart: true, cancel), core.Empty);
        }
    }
}
