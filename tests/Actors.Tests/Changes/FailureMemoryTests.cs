using MeshDns.Actors.Changes;
using MeshDns.Contracts.Messages;

namespace MeshDns.Actors.Tests.Changes;

/// <summary>What is remembered of changes that failed, and of those that were refused.</summary>
public sealed class FailureMemoryTests
{
    [Fact]
    public void Two_failures_alone_between_written_starts_are_poison()
    {
        var once = PoisonMemory.Empty.Failed(["a"]).Started();
        Assert.Equal((true, false), (once.GoesAlone("a"), once.IsPoisonous("a")));
        Assert.True(once.Failed(["a"]).Started().IsPoisonous("a"));
        // Not before the next start shows that it was no outage.
        Assert.False(once.Failed(["a"]).IsPoisonous("a"));
    }

    [Fact]
    public void Failures_in_company_ban_nobody()
    {
        var memory = PoisonMemory.Empty;
        for (var i = 0; i < 5; i++) memory = memory.Failed(["a", "b"]).Started();
        Assert.Equal((true, true, false, false), (memory.GoesAlone("a"), memory.GoesAlone("b"), memory.IsPoisonous("a"), memory.IsPoisonous("b")));
    }

    [Fact]
    public void An_outage_bans_nobody()
    {
        var memory = PoisonMemory.Empty;
        for (var i = 0; i < 5; i++) memory = memory.Failed(["a"]).Outage().Started();
        Assert.False(memory.IsPoisonous("a"));
        Assert.True(memory.GoesAlone("a"));
    }

    [Fact]
    public void What_was_appended_after_all_is_cleared() => Assert.False(PoisonMemory.Empty.Failed(["a"]).Started().Cleared("a").GoesAlone("a"));

    [Fact]
    public void No_more_than_a_thousand_are_suspected()
    {
        var memory = PoisonMemory.Empty.Failed([.. Enumerable.Range(0, 1001).Select(i => "m" + i)]);
        Assert.Equal((true, false), (memory.GoesAlone("m999"), memory.GoesAlone("m1000")));
        // One that is known counts on.
        Assert.True(memory.Failed(["m0"]).Started().Failed(["m0"]).Started().IsPoisonous("m0"));
    }

    [Fact]
    public void A_refusal_is_of_one_request_under_one_key()
    {
        var memory = RefusalMemory.Empty.With("k", "d", Refusal("first"));
        Assert.Equal("first", memory.Find("k", "d")!.Detail);
        Assert.Null(memory.Find("k", "other"));
        Assert.Null(memory.Find("other", "d"));
        Assert.Equal("second", memory.With("k", "d", Refusal("second")).Find("k", "d")!.Detail);
    }

    [Fact]
    public void The_newest_refusals_are_kept()
    {
        var memory = RefusalMemory.Empty;
        for (var i = 0; i < RefusalMemory.Most; i++) memory = memory.With("k" + i, "d", Refusal(""));
        // Refused again: it is a new one, and k1 the oldest.
        memory = memory.With("k0", "d", Refusal("")).With("last", "d", Refusal(""));
        Assert.Equal(RefusalMemory.Most, memory.Count);
        Assert.NotNull(memory.Find("k0", "d"));
        Assert.Null(memory.Find("k1", "d"));
        Assert.NotNull(memory.Find("last", "d"));
    }

    private static ChangeReply Refusal(string detail) => ChangeReply.Refused(RefusalReason.PoolExhausted, detail);
}
