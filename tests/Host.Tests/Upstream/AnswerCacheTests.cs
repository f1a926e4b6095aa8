using FsCheck;
using FsCheck.Fluent;
using MeshDns.Contracts.Dns;
using MeshDns.Host.Upstream.Cache;

namespace MeshDns.Host.Tests.Upstream;

public sealed class AnswerCacheTests
{
    private static byte[] Key(int number) => [0, 0, 0, 0, 1, 0, 1, .. MeshDns.Tests.Shared.FakeRecord.Name($"n{number}.example.")];

    private static CachedAnswer Answer(int size, uint lifetime = 60, long nowMs = 0, AnswerKind kind = AnswerKind.Positive) => new()
    {
        Message = new byte[Math.Max(size, DnsLimits.HeaderSize)],
        QuestionEnd = DnsLimits.HeaderSize,
        Kind = kind,
        StoredAtMs = nowMs,
        LifetimeSeconds = lifetime,
    };

    [Fact]
    public void The_bound_in_bytes_is_never_exceeded_and_every_byte_is_accounted_for()
    {
        const long capacity = 64 * 1024;
        var step = from key in Gen.Choose(0, 300)
                   from size in Gen.Choose(12, 20_000)
                   from isHit in Gen.Elements(true, false)
                   from lifetime in Gen.Elements(60u, 60u, 60u, 0u)
                   select (key, size, isHit, lifetime);
        Prop.ForAll(step.ListOf(400).ToArbitrary(), steps =>
        {
            var cache = new AnswerCache(capacity);
            foreach ((int key, int size, bool isHit, uint lifetime) in steps)
            {
                if (isHit)
                    cache.Find(Key(key), out _);
                else
                    cache.Store(Key(key), Answer(size, lifetime));
                if (cache.Bytes > capacity)
                    return false;
            }
            long held = Enumerable.Range(0, 301).Select(Key).Select(key => cache.Find(key, out _) is { } answer ? AnswerCache.SizeOf(key, answer) : 0L).Sum();
            return held == cache.Bytes;
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void A_flood_of_names_asked_once_leaves_the_hot_ones_alone()
    {
        var cache = new AnswerCache(256 * 1024);
        for (int i = 0; i < 50; i++)
            cache.Store(Key(i), Answer(200));
        for (int flood = 1000; flood < 50_000; flood++)
        {
            cache.Store(Key(flood), Answer(200));
            cache.Find(Key(flood % 50), out _);
        }
        Assert.All(Enumerable.Range(0, 50), i => Assert.NotNull(cache.Find(Key(i), out _)));
        Assert.True(cache.Evictions > 40_000);
    }

    [Fact]
    public void A_key_that_returns_soon_after_it_left_goes_to_the_main_queue()
    {
        var evicted = new List<CacheNode>();
        var queue = new S3Fifo(10_000, evicted.Add);
        var first = new CacheNode([1], 1);
        queue.TryAdmit(first, 1000);
        for (ulong i = 2; !first.IsEvicted; i++)
            queue.TryAdmit(new CacheNode([0], i), 1000);
        var again = new CacheNode([1], 1);
        queue.TryAdmit(again, 1000);
        Assert.True(again.IsInMain);
    }

    [Fact]
    public void Remembered_hashes_are_bounded()
    {
        var queue = new S3Fifo(64 * 1024, _ => { });
        for (ulong i = 0; i < 10_000; i++)
            queue.TryAdmit(new CacheNode([0], i), 500);
        Assert.InRange(queue.Ghosts, 1, 64);
    }

    [Fact]
    public void A_failure_does_not_push_out_what_may_still_be_served()
    {
        var cache = new AnswerCache(1 << 20);
        CachedAnswer answer = cache.Store(Key(1), Answer(100));
        CachedAnswer failure = Answer(50, lifetime: 5, nowMs: 100_000, AnswerKind.Failure);
        Assert.Same(answer, cache.Store(Key(1), failure));
        Assert.True(answer.IsInFailureWindow(104_999));
        Assert.False(answer.IsInFailureWindow(105_000));
        long tooLate = 60_000 + CachedAnswer.StaleMs;
        CachedAnswer last = Answer(50, lifetime: 5, nowMs: tooLate, AnswerKind.Failure);
        Assert.Same(last, cache.Store(Key(1), last));
        Assert.Same(last, cache.Find(Key(1), out _));
    }

    [Theory]
    [InlineData(100, 0u, false)]
    [InlineData(100, 0u, true)]
    [InlineData(1 << 19, 60u, false)]
    public void An_answer_that_is_not_kept_takes_away_the_one_it_replaces(int size, uint lifetime, bool isDenial)
    {
        var cache = new AnswerCache(1 << 20);
        cache.Store(Key(1), Answer(100));
        cache.Store(Key(2), Answer(100));
        long bytes = cache.Bytes;
        CachedAnswer passing = Answer(size, lifetime, nowMs: 70_000, isDenial ? AnswerKind.Negative : AnswerKind.Positive);
        Assert.Same(passing, cache.Store(Key(1), passing));
        Assert.Null(cache.Find(Key(1), out _));
        Assert.Equal((1, bytes / 2, 0L), (cache.Count, cache.Bytes, cache.Evictions));
        CachedAnswer failure = Answer(50, lifetime: 1, nowMs: 71_000, AnswerKind.Failure);
        Assert.Same(failure, cache.Store(Key(1), failure));
    }

    [Fact]
    public void What_is_kept_and_taken_away_by_turns_leaves_nothing_behind()
    {
        var queue = new S3Fifo(1 << 20, _ => Assert.Fail("There is room."));
        for (ulong i = 0; i < 100_000; i++)
        {
            var node = new CacheNode([0], i % 7);
            Assert.True(queue.TryAdmit(node, 500));
            queue.Remove(node);
            Assert.True(node.IsEvicted);
        }
        Assert.Equal((0L, 0), (queue.Bytes, queue.Nodes));
    }

    [Fact]
    public void A_served_ttl_never_grows_and_ends_with_the_lifetime()
    {
        var ages = from lifetime in Gen.Choose(1, 86_400) from a in Gen.Choose(0, 90_000_000) from b in Gen.Choose(0, 90_000_000) select (lifetime, Math.Min(a, b), Math.Max(a, b));
        Prop.ForAll(ages.ToArbitrary(), sample =>
        {
            (int lifetime, int early, int late) = sample;
            CachedAnswer answer = Answer(12, (uint)lifetime);
            bool counts = answer.AgeSeconds(early) <= answer.AgeSeconds(late);
            bool leaves = !answer.IsFresh(early) || answer.AgeSeconds(early) < lifetime;
            return counts && leaves && (answer.IsFresh(early) || !answer.IsFresh(late));
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void Exactly_one_claims_and_one_starts_a_refresh()
    {
        CachedAnswer answer = Answer(12);
        Assert.Equal([true, false, false], Enumerable.Range(0, 3).Select(_ => answer.TryClaimRefresh()));
        Assert.Equal([true, false], Enumerable.Range(0, 2).Select(_ => answer.TryStartRefresh()));
        Assert.False(answer.TryClaimRefresh());
    }
}
