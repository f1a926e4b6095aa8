using MeshDns.Actors.Log;

namespace MeshDns.Actors.Tests.Log;

public sealed class ReplyMemoryTests
{
    private static readonly ReplyMemory _small = new(LifetimeMs: 1000, Most: 3, MostBytes: 100);

    [Fact]
    public void A_reply_is_kept_for_its_lifetime_and_then_the_memory_says_up_to_where_it_has_forgotten()
    {
        var memory = _small.After(7, 5000, [Reply("a")]);
        Assert.NotNull(memory.After(8, 5999, []).Find("a"));
        Assert.Equal(0, memory.After(8, 5999, []).ForgottenAt);
        var later = memory.After(9, 6000, []);
        Assert.Null(later.Find("a"));
        Assert.Equal((0, 7L), (later.Count, later.ForgottenAt));
    }

    [Fact]
    public void The_oldest_go_when_there_are_too_many()
    {
        var memory = _small.After(1, 0, [Reply("a"), Reply("b")]).After(2, 0, [Reply("c"), Reply("d")]);
        Assert.Equal(["b", "c", "d"], memory.All.Select(r => r.Reply.Key));
        Assert.Equal(1, memory.ForgottenAt);
    }

    [Fact]
    public void The_oldest_go_when_they_are_too_large_but_the_newest_stays_whatever_its_size()
    {
        var memory = _small.After(1, 0, [Reply("a", 60)]).After(2, 0, [Reply("b", 60)]);
        Assert.Equal(["b"], memory.All.Select(r => r.Reply.Key));
        Assert.Equal(["c"], memory.After(3, 0, [Reply("c", 101)]).All.Select(r => r.Reply.Key));
        // What went has given its bytes back.
        Assert.Equal(["b", "d"], memory.After(3, 0, [Reply("d", 40)]).All.Select(r => r.Reply.Key));
    }

    [Fact]
    public void The_first_reply_under_a_key_stays()
    {
        var memory = _small.After(1, 0, [new RememberedKey("a", "first", [1])]).After(2, 0, [new RememberedKey("a", "second", [2])]);
        Assert.Equal("first", memory.Find("a")!.Digest);
        Assert.Equal(1, memory.Count);
    }

    [Fact]
    public void A_memory_that_was_written_down_forgets_as_the_first_one_does()
    {
        var memory = _small.After(1, 0, [Reply("a"), Reply("b")]).After(2, 10, [Reply("c"), Reply("d", 30)]);
        var read = ReplyMemory.Of(_small, memory.All, memory.ForgottenAt);
        foreach (var (number, at) in new[] { (3L, 10L), (4L, 999L), (5L, 1000L), (6L, 1010L) })
        {
            (memory, read) = (memory.After(number, at, [Reply("x" + number, 20)]), read.After(number, at, [Reply("x" + number, 20)]));
            Assert.Equal(memory.All.Select(r => (r.Number, r.At, r.Reply.Key)), read.All.Select(r => (r.Number, r.At, r.Reply.Key)));
            Assert.Equal(memory.ForgottenAt, read.ForgottenAt);
        }
    }

    [Fact]
    public void A_key_that_is_written_down_twice_is_damage() =>
        Assert.Throws<FormatException>(() => ReplyMemory.Of(_small, [(1, 0, Reply("a")), (2, 0, Reply("a"))], 0));

    [Fact]
    public void No_callers_key_is_a_nodes() => Assert.Equal((true, false), (ReplyMemory.IsNodes(" n1/7"), ReplyMemory.IsNodes("n1/7")));

    private static RememberedKey Reply(string key, int bytes = 10) => new(key, "digest", new byte[bytes]);
}
