using MeshDns.Actors.Directory;
using MeshDns.Actors.Journal;

namespace MeshDns.Actors.Tests.Simulation;

/// <summary>
/// One node's connection to a <see cref="SimulatedStore"/>, with faults. Once its node has crashed no call returns; an append that was
/// on its way may still arrive. A node that is held makes no call and learns of no reply until it goes on.
/// </summary>
internal sealed class SimulatedJournal(SimulatedStore store, JournalFaults faults, SimulatedClock clock, Random random, NodeLife? life = null) : IJournal
{
    private readonly NodeLife _life = life ?? new NodeLife();

    public event Action? Appended;

    public event Action? MembersChanged;

    public SimulatedStore Store => store;

    /// <summary>The journal tells that another node appended.</summary>
    public void NoticeAppended() => Appended?.Invoke();

    /// <summary>The journal tells that another node joined, left, claimed or released.</summary>
    public void NoticeMembers() => MembersChanged?.Invoke();

    public Task<IReadOnlyDictionary<string, string>> SettleSettingsAsync(IReadOnlyDictionary<string, string> settings, IReadOnlyCollection<string> adjustable, CancellationToken cancel) =>
        CallAsync(JournalCall.Settings, () => store.Settle(settings), cancel);

    public Task<IReadOnlyList<StreamClaim>> ClaimAsync(NodeIdentity node, IReadOnlyList<StreamWish> wishes, string term, CancellationToken cancel) =>
        CallAsync(JournalCall.Claim, () => store.Claim(node, wishes, term), cancel);

    public Task ReleaseAsync(IReadOnlyList<Fence> streams, CancellationToken cancel) => CallAsync(JournalCall.Release, () => { store.Release(streams); return true; }, cancel);

    public Task<bool> ContainsAsync(string stream, StreamPosition position, CancellationToken cancel) => CallAsync(JournalCall.Read, () => store.Contains(stream, position), cancel);

    public Task<JoinReply> JoinAsync(MemberBeat me, CancellationToken cancel) => CallAsync(JournalCall.Join, () => store.Join(me), cancel);

    public Task<ClusterRead> HeartbeatAsync(MemberBeat me, CancellationToken cancel) => CallAsync(JournalCall.Heartbeat, () => store.Heartbeat(me), cancel);

    public Task LeaveAsync(NodeIdentity node, CancellationToken cancel) => CallAsync(JournalCall.Leave, () => { store.Leave(node); return true; }, cancel);

    public Task<StreamHistory> ReadAsync(string stream, bool fromStart, CancellationToken cancel) => CallAsync(JournalCall.Read, () => store.Read(stream, fromStart), cancel);

    public Task<bool> SaveSnapshotAsync(Fence fence, byte[] snapshot, CancellationToken cancel) => CallAsync(JournalCall.Snapshot, () => store.SaveSnapshot(fence, snapshot), cancel);

    public Task<IReadOnlyList<RememberedReply>> FindRepliesAsync(IReadOnlyList<string> keys, CancellationToken cancel) => CallAsync(JournalCall.Reply, () => store.FindReplies(keys), cancel);

    public Task<FeedRead> ReadFeedAsync(IReadOnlyDictionary<string, StreamPosition> from, CancellationToken cancel) => CallAsync(JournalCall.Feed, () => store.ReadFeed(from), cancel);

    public Task<IReadOnlyList<OwnershipRow>> ReadOwnershipAsync(CancellationToken cancel) => CallAsync<IReadOnlyList<OwnershipRow>>(JournalCall.Ownership, () => [.. store.Ownership], cancel);

    public async Task<AppendResult> AppendAsync(AppendRequest request, CancellationToken cancel)
    {
        faults.Appends.Add(request);
        var fault = await BeforeAsync(JournalCall.Append, cancel);
        if (_life.IsCrashed && random.Next(2) == 0) await _life.RunningAsync();
        switch (fault.Kind)
        {
            case FaultKind.Unavailable: throw new JournalUnavailableException("simulated: the journal is away");
            case FaultKind.DoubtBefore: throw new JournalInDoubtException("simulated: the connection was lost before the commit");
            case FaultKind.GuardRefused: return new AppendResult(AppendOutcome.GuardRefused, "simulated guard step");
            case FaultKind.FencedOut: store.Steal(request.Streams.Select(s => s.Fence.Stream)); break;
            default: break;
        }
        var result = store.Append(request);
        await AfterAsync(fault);
        if (fault.Kind == FaultKind.DoubtAfter) throw new JournalInDoubtException("simulated: the connection was lost after the commit");
        if (result.Outcome == AppendOutcome.Committed) Appended?.Invoke();
        return result;
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private async Task<T> CallAsync<T>(JournalCall call, Func<T> body, CancellationToken cancel)
    {
        var fault = await BeforeAsync(call, cancel);
        if (_life.IsCrashed) await _life.RunningAsync();
        if (fault.Kind is not (FaultKind.None or FaultKind.DoubtAfter)) throw new JournalUnavailableException($"simulated: {call} failed");
        var result = body();
        await AfterAsync(fault);
        return fault.Kind == FaultKind.None ? result : throw new JournalUnavailableException($"simulated: the reply to {call} was lost");
    }

    private async Task<JournalFault> BeforeAsync(JournalCall call, CancellationToken cancel)
    {
        await _life.RunningAsync();
        var fault = faults.Next(call);
        // Another thread does the work in the real one: whatever is ready may run first.
        await Task.Yield();
        cancel.ThrowIfCancellationRequested();
        if (fault.Gate is { } gate) await gate;
        if (fault.Before > TimeSpan.Zero) await Task.Delay(fault.Before, clock, CancellationToken.None);
        return fault;
    }

    private async Task AfterAsync(JournalFault fault)
    {
        if (fault.After > TimeSpan.Zero) await Task.Delay(fault.After, clock);
        await Task.Yield();
        await _life.RunningAsync();
    }
}
