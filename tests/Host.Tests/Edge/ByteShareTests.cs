using MeshDns.Host.Edge;

namespace MeshDns.Host.Tests.Edge;

public sealed class ByteShareTests
{
    [Fact]
    public void What_a_part_takes_is_taken_of_the_whole_or_not_at_all()
    {
        var whole = new ByteShare(10);
        var (first, second) = (new ByteShare(8, whole), new ByteShare(8, whole));
        Assert.True(first.TryTake(8, out _));
        Assert.False(first.TryTake(1, out var full));
        Assert.Same(first, full);
        Assert.False(second.TryTake(3, out full));
        Assert.Same(whole, full);
        Assert.Equal((8, 8, 0), (whole.Held, first.Held, second.Held));
        Assert.True(second.TryTake(2, out _));
        first.Give(8);
        Assert.Equal((2, 0, 2), (whole.Held, first.Held, second.Held));
    }

    [Fact]
    public async Task Who_waits_is_let_in_in_turn_and_never_more_than_there_is_room_for()
    {
        var share = new ByteShare(10);
        Assert.True(share.TryTake(10, out _));
        var first = share.WaitAsync(6, CancellationToken.None);
        var second = share.WaitAsync(4, CancellationToken.None);
        var third = share.WaitAsync(1, CancellationToken.None);
        share.Give(5);
        // What the first needs is kept for it.
        Assert.Equal([false, false, false], new[] { first, second, third }.Select(w => w.IsCompleted));
        share.Give(5);
        await Task.WhenAll(first, second);
        Assert.False(third.IsCompleted);
        share.Give(0);
        await third;
    }

    [Fact]
    public async Task Who_gives_up_waiting_does_not_hold_up_those_behind()
    {
        var share = new ByteShare(10);
        Assert.True(share.TryTake(8, out _));
        using var cancel = new CancellationTokenSource();
        var first = share.WaitAsync(6, cancel.Token);
        var second = share.WaitAsync(2, CancellationToken.None);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        await second.WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task Many_at_once_never_hold_more_than_the_bound_and_all_get_through()
    {
        var whole = new ByteShare(100);
        var most = 0L;
        var users = Enumerable.Range(0, 16).Select(i => Task.Run(async () =>
        {
            var part = new ByteShare(60, whole);
            for (var n = 0; n < 5_000; n++)
            {
                var bytes = 1 + ((i + n) % 40);
                while (!part.TryTake(bytes, out var full)) await full!.WaitAsync(bytes, CancellationToken.None);
                InterlockedMax(ref most, whole.Held);
                if (n % 7 == 0) await Task.Yield();
                part.Give(bytes);
            }
            return part.Held;
        })).ToArray();
        Assert.All(await Task.WhenAll(users).WaitAsync(TimeSpan.FromSeconds(60)), held => Assert.Equal(0, held));
        Assert.Equal(0, whole.Held);
        Assert.InRange(most, 1, 100);
    }

    private static void InterlockedMax(ref long most, long value)
    {
        for (var seen = Volatile.Read(ref most); value > seen;) seen = Interlocked.CompareExchange(ref most, value, seen) is var now && now == seen ? value : now;
    }
}
