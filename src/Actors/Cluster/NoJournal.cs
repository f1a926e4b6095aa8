using MeshDns.Actors.Directory;
using MeshDns.Actors.Journal;

namespace MeshDns.Actors.Cluster;

/// <summary>The journal of a node without database access: there is none.</summary>
internal sealed class NoJournal : IJournal
{
    public event Action? Appended
    {
        add { }
        remove { }
    }

    public event Action? MembersChanged
    {
        add { }
        remove { }
    }

    public Task<IReadOnlyDictionary<string, string>> SettleSettingsAsync(IReadOnlyDictionary<string, string> settings, IReadOnlyCollection<string> adjustable, CancellationToken cancel) => None<IReadOnlyDictionary<string, string>>();

    public Task<IReadOnlyList<StreamClaim>> ClaimAsync(NodeIdentity node, IReadOnlyList<StreamWish> wishes, string term, CancellationToken cancel) => None<IReadOnlyList<StreamClaim>>();

    public Task ReleaseAsync(IReadOnlyList<Fence> streams, CancellationToken cancel) => None<bool>();

    public Task<StreamHistory> ReadAsync(string stream, bool fromStart, CancellationToken cancel) => None<StreamHistory>();

    public Task<AppendResult> AppendAsync(AppendRequest request, CancellationToken cancel) => None<AppendResult>();

    public Task<bool> SaveSnapshotAsync(Fence fence, byte[] snapshot, CancellationToken cancel) => None<bool>();

    public Task<IReadOnlyList<RememberedReply>> FindRepliesAsync(IReadOnlyList<string> keys, CancellationToken cancel) => None<IReadOnlyList<RememberedReply>>();

    public Task<FeedRead> ReadFeedAsync(IReadOnlyDictionary<string, StreamPosition> from, CancellationToken cancel) => None<FeedRead>();

    public Task<IReadOnlyList<OwnershipRow>> ReadOwnershipAsync(CancellationToken cancel) => None<IReadOnlyList<OwnershipRow>>();

    public Task<bool> ContainsAsync(string stream, StreamPosition position, CancellationToken cancel) => None<bool>();

    public Task<JoinReply> JoinAsync(MemberBeat me, CancellationToken cancel) => None<JoinReply>();

    public Task<ClusterRead> HeartbeatAsync(MemberBeat me, CancellationToken cancel) => None<ClusterRead>();

    public Task LeaveAsync(NodeIdentity node, CancellationToken cancel) => None<bool>();

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static Task<T> None<T>() => Task.FromException<T>(new JournalUnavailableException("this node has no journal"));
}
