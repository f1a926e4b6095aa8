using MeshDns.Actors.Directory;
using MeshDns.Actors.Journal;
using MeshDns.Host.Telemetry;

namespace MeshDns.Host.Nodes;

/// <summary>A journal whose appends are counted and timed.</summary>
internal sealed class MeasuredJournal(IJournal inner, TimeProvider time) : IJournal
{
    private readonly CounterFamily _appends = new(MeshMetrics.JournalAppendsTotal);
    private readonly Histogram _duration = Histogram.ForRoundTrips();

    public bool IsExclusive => inner.IsExclusive;

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

    public void Collect(MetricsText text)
    {
        _appends.Collect(text);
        text.Histogram(MeshMetrics.JournalAppendSeconds, _duration);
    }

    public async Task<AppendResult> AppendAsync(AppendRequest request, CancellationToken cancel)
    {
        var begin = time.GetTimestamp();
        var outcome = "failed";
        try
        {
            var result = await inner.AppendAsync(request, cancel);
            outcome = result.Outcome.ToString().ToLowerInvariant();
            return result;
        }
        finally
        {
            _duration.Observe(time.GetElapsedTime(begin));
            _appends.With(outcome).Increment();
        }
    }

    public Task<IReadOnlyDictionary<string, string>> SettleSettingsAsync(
        IReadOnlyDictionary<string, string> settings, IReadOnlyCollection<string> adjustable, CancellationToken cancel) => inner.SettleSettingsAsync(settings, adjustable, cancel);

    public Task<IReadOnlyList<StreamClaim>> ClaimAsync(NodeIdentity node, IReadOnlyList<StreamWish> wishes, string term, CancellationToken cancel) => inner.ClaimAsync(node, wishes, term, cancel);

    public Task ReleaseAsync(IReadOnlyList<Fence> streams, CancellationToken cancel) => inner.ReleaseAsync(streams, cancel);

    public Task<bool> ContainsAsync(string stream, StreamPosition position, CancellationToken cancel) => inner.ContainsAsync(stream, position, cancel);

    public Task<JoinReply> JoinAsync(MemberBeat me, CancellationToken cancel) => inner.JoinAsync(me, cancel);

    public Task<ClusterRead> HeartbeatAsync(MemberBeat me, CancellationToken cancel) => inner.HeartbeatAsync(me, cancel);

    public Task LeaveAsync(NodeIdentity node, CancellationToken cancel) => inner.LeaveAsync(node, cancel);

    public Task<StreamHistory> ReadAsync(string stream, bool fromStart, CancellationToken cancel) => inner.ReadAsync(stream, fromStart, cancel);

    public Task<bool> SaveSnapshotAsync(Fence fence, byte[] snapshot, CancellationToken cancel) => inner.SaveSnapshotAsync(fence, snapshot, cancel);

    public Task<IReadOnlyList<RememberedReply>> FindRepliesAsync(IReadOnlyList<string> keys, CancellationToken cancel) => inner.FindRepliesAsync(keys, cancel);

    public Task<FeedRead> ReadFeedAsync(IReadOnlyDictionary<string, StreamPosition> from, CancellationToken cancel) => inner.ReadFeedAsync(from, cancel);

    public Task<IReadOnlyList<OwnershipRow>> ReadOwnershipAsync(CancellationToken cancel) => inner.ReadOwnershipAsync(cancel);

    public ValueTask DisposeAsync() => inner.DisposeAsync();
}
