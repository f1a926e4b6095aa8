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

    [Fact]
    public async Task What_passive_shards_let_go_is_collected()
    {
        var time = new ManualTimeProvider();
        var directory = new MeshDirectory(VipRange.Default, new MeshZones([]), DirectoryFacts.ShardCount, time);
        var collected = new TaskCompletionSource();
        var trim = new HeapTrim(directory, time, new HeapTrim.Collector(() => 0, () => 0, collected.SetResult, () => Assert.Fail("nothing was allocated")));
        using var stop = new CancellationTokenSource();
        var run = trim.RunAsync(stop.Token);
        trim.LetGo((int)(HeapTrim.WorthACollection / 3));
        while (!collected.Task.IsCompleted)
        {
            await Task.WhenAny(time.WaitForTimerAsync(), collected.Task).WaitAsync(_deadline);
            time.Advance(HeapTrim.Rest);
        }
        await stop.CancelAsync();
        await run.WaitAsync(_deadline);
    }

    [Fact]
    public void The_runtimes_collector_can_be_asked_for_everything()
    {
        HeapTrim.Collector.Runtime.Collect();
        HeapTrim.Collector.Runtime.Compact();
        Assert.InRange(HeapTrim.Collector.Runtime.Kept(), 1, HeapTrim.Collector.Runtime.Allocated());
    }

    [Theory]
    [InlineData(false, HeapTrim.WorthACollection, 0, true)]
    [InlineData(false, HeapTrim.WorthACollection - 1, 0, false)]
    [InlineData(false, 0, HeapTrim.WorthACollection / 3, true)]
    [InlineData(false, 2, (HeapTrim.WorthACollection / 3) - 1, false)]
    [InlineData(true, HeapTrim.WorthAfterStart, 0, true)]
    [InlineData(true, HeapTrim.WorthAfterStart - 1, 0, false)]
    public void What_was_allocated_and_what_passive_shards_let_go_are_worth_a_collection_together(bool isStart, long allocated, long passivated, bool isWorthIt) =>
        Assert.Equal(isWorthIt, HeapTrim.IsWorthACollection(isStart, allocated, passivated));

    [Theory]
    [InlineData(true, 1, HeapTrim.CompactedBytes, true)]
    [InlineData(true, 1, HeapTrim.CompactedBytes + 1, false)]
    [InlineData(false, HeapTrim.WorthAPause - 1, 1, false)]
    [InlineData(false, HeapTrim.WorthAPause, HeapTrim.CompactedBytes, true)]
    [InlineData(false, HeapTrim.WorthAPause, HeapTrim.CompactedBytes + 1, false)]
    public void Threads_are_stopped_only_for_a_start_or_a_bulk_change_and_only_over_a_small_heap(bool isStart, long allocated, long kept, bool isWorthIt) =>
        Assert.Equal(isWorthIt, HeapTrim.IsWorthAPause(isStart, allocated, kept));
}
