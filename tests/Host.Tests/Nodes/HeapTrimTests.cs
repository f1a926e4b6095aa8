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
    public async Task What_shards_and_tables_that_rest_leave_behind_is_collected()
    {
        var time = new ManualTimeProvider();
        var directory = new MeshDirectory(VipRange.Default, new MeshZones([]), DirectoryFacts.ShardCount, time);
        var collected = new TaskCompletionSource();
        var trim = new HeapTrim(directory, time, new HeapTrim.Collector(() => 0, () => 0, collected.SetResult, () => Assert.Fail("nothing was allocated")));
        using var stop = new CancellationTokenSource();
        var run = trim.RunAsync(stop.Token);
        trim.LeftBehind(HeapTrim.WorthACollection / 2);
        trim.LeftBehind(HeapTrim.WorthACollection / 2);
        while (!collected.Task.IsCompleted)
        {
            await Task.WhenAny(time.WaitForTimerAsync(), collected.Task).WaitAsync(_deadline);
            time.Advance(HeapTrim.Rest);
        }
        await stop.CancelAsync();
        await run.WaitAsync(_deadline);
    }

    [Fact]
    public async Task A_heap_too_large_to_compact_after_the_start_is_compacted_once_it_has_shrunk()
    {
        var time = new ManualTimeProvider();
        var directory = new MeshDirectory(VipRange.Default, new MeshZones([]), DirectoryFacts.ShardCount, time);
        directory.Apply(DirectoryFacts.Batch(1));
        var kept = HeapTrim.CompactedBytes + 1;
        var (collections, compacted) = (0, new TaskCompletionSource());
        var trim = new HeapTrim(directory, time, new HeapTrim.Collector(() => HeapTrim.WorthAfterStart, () => Volatile.Read(ref kept), () => Interlocked.Increment(ref collections), compacted.SetResult));
        using var stop = new CancellationTokenSource();
        var run = trim.RunAsync(stop.Token);
        await PassAsync(() => Volatile.Read(ref collections) == 1);
        await time.WaitForTimerAsync().WaitAsync(_deadline);
        time.Advance(HeapTrim.Rest);
        Volatile.Write(ref kept, HeapTrim.CompactedBytes);
        trim.LeftBehind(HeapTrim.WorthACollection);
        await PassAsync(() => compacted.Task.IsCompleted);
        Assert.Equal(2, collections);
        await stop.CancelAsync();
        await run.WaitAsync(_deadline);

        async Task PassAsync(Func<bool> isOver)
        {
            while (!isOver())
            {
                await Task.WhenAny(time.WaitForTimerAsync(), Task.Delay(20)).WaitAsync(_deadline);
                time.Advance(HeapTrim.Rest);
            }
        }
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
    [InlineData(false, 0, HeapTrim.WorthACollection, true)]
    [InlineData(false, 2, HeapTrim.WorthACollection - 3, false)]
    [InlineData(true, HeapTrim.WorthAfterStart, 0, true)]
    [InlineData(true, HeapTrim.WorthAfterStart - 1, 0, false)]
    public void What_was_allocated_and_what_was_left_behind_are_worth_a_collection_together(bool isStart, long allocated, long leftBehind, bool isWorthIt) =>
        Assert.Equal(isWorthIt, HeapTrim.IsWorthACollection(isStart, allocated, leftBehind));

    [Theory]
    [InlineData(true, 1, HeapTrim.CompactedBytes, true)]
    [InlineData(true, 1, HeapTrim.CompactedBytes + 1, false)]
    [InlineData(false, HeapTrim.WorthAPause - 1, 1, false)]
    [InlineData(false, HeapTrim.WorthAPause, HeapTrim.CompactedBytes, true)]
    [InlineData(false, HeapTrim.WorthAPause, HeapTrim.CompactedBytes + 1, false)]
    public void Threads_are_stopped_only_for_a_start_or_a_bulk_change_and_only_over_a_small_heap(bool isStart, long allocated, long kept, bool isWorthIt) =>
        Assert.Equal(isWorthIt, HeapTrim.IsWorthAPause(isStart, allocated, kept));
}
