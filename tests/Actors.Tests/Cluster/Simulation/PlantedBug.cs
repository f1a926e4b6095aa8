using MeshDns.Actors.Directory;
using MeshDns.Actors.Journal;
using MeshDns.Actors.Tests.Simulation;

namespace MeshDns.Actors.Tests.Cluster.Simulation;

/// <summary>A mistake put in on purpose, outside of the code under test, to see that the judge notices.</summary>
internal enum BugKind
{
    None,
    ReplyBeforeAppend,
    NoFence,
    NoQuarantine,
    ApplyWithoutCommit,
    EpochNotRaised,
    SplitTransaction,
    ForwardWithoutKey,
}

/// <summary>Where the mistake sits.</summary>
internal sealed record PlantedBug(BugKind Kind)
{
    public static PlantedBug None { get; } = new(BugKind.None);

    /// <summary>A journal with the mistake in it, or the journal as it is.</summary>
    public IJournal Spoil(ClusterWorld world, SimulatedJournal journal) => Kind is BugKind.ReplyBeforeAppend or BugKind.ApplyWithoutCommit or BugKind.SplitTransaction or BugKind.ForwardWithoutKey ? new SpoiltJournal(journal, Kind, world) : journal;

    private sealed class SpoiltJournal(IJournal inner, BugKind kind, ClusterWorld world) : IJournal
    {
        public event Action? Appended
        {
            add => inner.Appended += value;
            remove => inner.Appended -= value;
        }

        public event Action? MembersChanged
        {
            add => inner.MembersChanged += value;
            remove => inner.MembersChanged -= value;
        }

        public async Task<AppendResult> AppendAsync(AppendRequest request, CancellationToken cancel)
        {
            if (kind == BugKind.ForwardWithoutKey) request = request with { Replies = [.. request.Replies.Where(r => !r.IsForwarded)] };
            var isTaken = kind == BugKind.ReplyBeforeAppend || (kind == BugKind.ApplyWithoutCommit && world.Random.Next(20) == 0);
            if (!isTaken) return await inner.AppendAsync(request, cancel);
            if (kind == BugKind.ReplyBeforeAppend) _ = LaterAsync();
            await Task.Yield();
            return new AppendResult(AppendOutcome.Committed);

            async Task LaterAsync()
            {
                try { await inner.AppendAsync(request, cancel); }
                catch (Exception e) when (e is JournalUnavailableException or JournalInDoubtException) { }
            }
        }

        // The last stream that has something new has to wait for the next read.
        public async Task<FeedRead> ReadFeedAsync(IReadOnlyDictionary<string, StreamPosition> from, CancellationToken cancel)
        {
            var read = await inner.ReadFeedAsync(from, cancel);
            return kind == BugKind.SplitTransaction && read.Streams.Count > 1 ? read with { Streams = [.. read.Streams.SkipLast(1)] } : read;
        }

        public Task<IReadOnlyDictionary<string, string>> SettleSettingsAsync(IReadOnlyDictionary<string, string> settings, IReadOnlyCollection<string> adjustable, CancellationToken cancel) => inner.SettleSettingsAsync(settings, adjustable, cancel);

        public Task<IReadOnlyList<StreamClaim>> ClaimAsync(NodeIdentity node, IReadOnlyList<StreamWish> wishes, string term, CancellationToken cancel) => inner.ClaimAsync(node, wishes, term, cancel);

        public Task ReleaseAsync(IReadOnlyList<Fence> streams, CancellationToken cancel) => inner.ReleaseAsync(streams, cancel);

        public Task<StreamHistory> ReadAsync(string stream, bool fromStart, CancellationToken cancel) => inner.ReadAsync(stream, fromStart, cancel);

        public Task<bool> SaveSnapshotAsync(Fence fence, byte[] snapshot, CancellationToken cancel) => inner.SaveSnapshotAsync(fence, snapshot, cancel);

        public Task<IReadOnlyList<RememberedReply>> FindRepliesAsync(IReadOnlyList<string> keys, CancellationToken cancel) => inner.FindRepliesAsync(keys, cancel);

        public Task<IReadOnlyList<OwnershipRow>> ReadOwnershipAsync(CancellationToken cancel) => inner.ReadOwnershipAsync(cancel);

        public Task<bool> ContainsAsync(string stream, StreamPosition position, CancellationToken cancel) => inner.ContainsAsync(stream, position, cancel);

        public Task<JoinReply> JoinAsync(MemberBeat me, CancellationToken cancel) => inner.JoinAsync(me, cancel);

        public Task<ClusterRead> HeartbeatAsync(MemberBeat me, CancellationToken cancel) => inner.HeartbeatAsync(me, cancel);

        public Task LeaveAsync(NodeIdentity node, CancellationToken cancel) => inner.LeaveAsync(node, cancel);

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
