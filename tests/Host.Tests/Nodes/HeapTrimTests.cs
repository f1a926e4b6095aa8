using MeshDns.Actors.Directory;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Vips;
using MeshDns.Host.Nodes;
using MeshDns.Tests.Shared;

namespace MeshDns.Host.Tests.Nodes;

public sealed class HeapTrimTests
{
    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task What_a_start_leaves_is_collected_and_compacted_once_nothing_changes_any_more()
    {
        var time = new ManualTimeProvider();
        var directory = new MeshDirectory(VipRange.Default, new MeshZones([]), DirectoryFacts.ShardCount, time);
        directory.Apply(DirectoryFacts.Batch(1));
        var (collected, compacted) = (new TaskCompletionSource(), new TaskCompletionSource());
        var trim = new HeapTrim(directory, time, new HeapTrim.Collector(() => HeapTrim.WorthACollection, () => 0, collected.SetResult, compacted.SetResult));
        using var stop = new CancellationTokenSource();
        var run = trim.RunAsync(stop.Token);
        await time.WaitForTimerAsync().WaitAsync(_deadline);
        Assert.False(collected.Task.IsCompleted);
        time.Advance(HeapTrim.Rest);
        await collected.Task.WaitAsync(_deadline);
        await time.WaitForTimerAsync().WaitAsync(_deadline);
        Assert.False(compacted.Task.IsCompleted);
        time.Advance(HeapTrim.Rest);
        await compacted.Task.WaitAsync(_deadline);
        await stop.CancelAsync();
        await run.WaitAsync(_deadline);
    }

    [Theory]
    [InlineData(true, 1, HeapTrim.CompactedBytes, true)]
    [InlineData(true, 1, HeapTrim.CompactedBytes + 1, false)]
    [InlineData(false, HeapTrim.WorthAPause - 1, 1, false)]
    [InlineData(false, HeapTrim.WorthAPause, HeapTrim.CompactedBytes, true)]
    [InlineData(false, HeapTrim.WorthAPause, HeapTrim.CompactedBytes + 1, false)]
    public void Threads_are_stopped_only_for_a_start_or_a_bulk_change_and_only_over_a_small_heap(bool isStart, long allocated, long kept, bool isWorthIt) =>
        Assert.Equal(isWorthIt, HeapTrim.IsWorthAPause(isStart, allocated, kept));
}
