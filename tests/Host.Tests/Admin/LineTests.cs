using MeshDns.Host.Admin;
using MeshDns.Tests.Shared;

namespace MeshDns.Host.Tests.Admin;

/// <summary>Who finds no place waits in the order of asking, bounded by number and by time.</summary>
public sealed class LineTests
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(20);
    private readonly ManualTimeProvider _time = new();

    [Fact]
    public async Task Places_are_given_in_the_order_of_asking()
    {
        var line = NewLine(places: 2, waiting: 10);
        var (one, two) = (await line.EnterAsync(default), await line.EnterAsync(default));
        var waiting = Enumerable.Range(0, 5).Select(_ => line.EnterAsync(default)).ToArray();
        Assert.Equal(5, line.Waiting);
        one.Dispose();
        one.Dispose();
        var first = await waiting[0];
        Assert.All(waiting[1..], w => Assert.False(w.IsCompleted));
        two.Dispose();
        var second = await waiting[1];
        for (var i = 2; i < 5; i++)
        {
            (i == 2 ? first : i == 3 ? second : await waiting[2]).Dispose();
            await waiting[i];
            Assert.All(waiting[(i + 1)..], w => Assert.False(w.IsCompleted));
        }
        Assert.Equal((0, 0), (line.Waiting, line.Refused));
    }

    [Fact]
    public async Task A_line_that_is_full_refuses_at_once()
    {
        var line = NewLine(places: 1, waiting: 2);
        var place = await line.EnterAsync(default);
        var waiting = new[] { line.EnterAsync(default), line.EnterAsync(default) };
        var refused = await Assert.ThrowsAsync<ProblemException>(() => line.EnterAsync(default));
        Assert.Equal((503, "1 things are under way and 2 wait already"), (refused.Problem.Status, refused.Problem.Detail));
        place.Dispose();
        (await waiting[0]).Dispose();
        (await waiting[1]).Dispose();
        Assert.Equal(1, line.Refused);
    }

    [Fact]
    public async Task Who_has_waited_too_long_is_refused_and_his_place_in_the_line_is_free()
    {
        var line = NewLine(places: 1, waiting: 1);
        var place = await line.EnterAsync(default);
        var late = line.EnterAsync(default);
        _time.Advance(_patience - TimeSpan.FromTicks(1));
        Assert.False(late.IsCompleted);
        _time.Advance(TimeSpan.FromTicks(1));
        Assert.Equal("1 things were under way for 20 s", (await Assert.ThrowsAsync<ProblemException>(() => late)).Problem.Detail);
        var next = line.EnterAsync(default);
        place.Dispose();
        (await next).Dispose();
        (await line.EnterAsync(default)).Dispose();
    }

    [Fact]
    public async Task Who_hangs_up_leaves_the_line()
    {
        var line = NewLine(places: 1, waiting: 1);
        var place = await line.EnterAsync(default);
        using var gone = new CancellationTokenSource();
        var waiting = line.EnterAsync(gone.Token);
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        Assert.Equal((0, 0), (line.Waiting, line.Refused));
        place.Dispose();
        (await line.EnterAsync(default)).Dispose();
    }

    [Fact]
    public async Task A_place_is_never_lost_nor_given_twice()
    {
        var line = NewLine(places: 3, waiting: 1000);
        var (inside, most) = (0, 0);
        await Task.WhenAll(Enumerable.Range(0, 300).Select(i => Task.Run(async () =>
        {
            using var gone = new CancellationTokenSource();
            if (i % 3 == 0) gone.CancelAfter(TimeSpan.FromMilliseconds(1));
            try
            {
                using var place = await line.EnterAsync(gone.Token);
                var now = Interlocked.Increment(ref inside);
                InterlockedMax(ref most, now);
                await Task.Yield();
                Interlocked.Decrement(ref inside);
            }
            catch (OperationCanceledException) { }
        })));
        Assert.InRange(most, 1, 3);
        Assert.Equal(0, line.Waiting);
        var all = new[] { line.EnterAsync(default), line.EnterAsync(default), line.EnterAsync(default) };
        Assert.All(all, place => Assert.True(place.IsCompletedSuccessfully));
        Assert.False(line.EnterAsync(default).IsCompleted);
    }

    [Fact]
    public void Whoever_connects_finds_a_connection_that_may_be_closed_for_his()
    {
        var bounds = new AdminBounds();
        var kinds = new[] { bounds.Reads, bounds.Lists, bounds.Scrapes, bounds.Changes, bounds.LargeChanges };
        Assert.InRange(kinds.Sum() + (kinds.Length * bounds.Waiting), 1, bounds.Connections - 100);
    }

    private Line NewLine(int places, int waiting) => new("things", places, waiting, _patience, _time);

    private static void InterlockedMax(ref int most, int value)
    {
        for (var seen = Volatile.Read(ref most); seen < value; seen = Volatile.Read(ref most))
            if (Interlocked.CompareExchange(ref most, value, seen) == seen) return;
    }
}
