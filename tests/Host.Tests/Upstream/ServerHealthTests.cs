using MeshDns.Host.Upstream.Servers;

namespace MeshDns.Host.Tests.Upstream;

public sealed class ServerHealthTests
{
    [Fact]
    public void Lower_latency_and_fewer_failures_score_better_and_the_untried_comes_first()
    {
        var untried = new ServerHealth();
        var fast = new ServerHealth();
        var slow = new ServerHealth();
        var flaky = new ServerHealth();
        for (int i = 0; i < 20; i++)
        {
            fast.RecordReply(10, isUseful: true);
            slow.RecordReply(30, isUseful: true);
            flaky.RecordReply(10, isUseful: i % 2 == 0);
        }
        Assert.True(untried.Score < fast.Score);
        Assert.True(fast.Score < slow.Score);
        Assert.True(slow.Score < flaky.Score);
    }

    [Fact]
    public void The_p95_is_that_of_the_last_64()
    {
        var health = new ServerHealth();
        for (int i = 0; i < 7; i++)
            health.RecordReply(1000, isUseful: true);
        Assert.Null(health.P95Ms);
        for (int i = 1; i <= 65; i++)
            health.RecordReply(i, isUseful: true);
        Assert.InRange(health.P95Ms!.Value, 60, 65);
    }

    [Fact]
    public void A_server_that_does_not_answer_rests_longer_each_time_and_is_probed_once_a_rest()
    {
        var health = new ServerHealth();
        health.RecordTimeout(0);
        health.RecordTimeout(0);
        Assert.False(health.IsResting);
        health.RecordTimeout(0);
        Assert.True(health.IsResting);
        long nowMs = 0;
        foreach (long restMs in new long[] { 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000 })
        {
            Assert.False(health.TryClaimProbe(nowMs + restMs - 1));
            nowMs += restMs;
            Assert.True(health.TryClaimProbe(nowMs));
            Assert.False(health.TryClaimProbe(nowMs));
            nowMs += restMs;
            health.RecordTimeout(nowMs);
        }
        health.RecordReply(10, isUseful: true);
        Assert.False(health.IsResting);
        Assert.False(health.TryClaimProbe(nowMs + 60_000));
    }

    [Fact]
    public void Timeouts_that_come_together_are_one_reason_to_rest()
    {
        var health = new ServerHealth();
        for (int i = 0; i < 100; i++)
            health.RecordTimeout(i);
        Assert.True(health.TryClaimProbe(1100));
    }

    [Fact]
    public void A_refused_port_is_a_rest_at_once()
    {
        var health = new ServerHealth();
        health.RecordUnreachable(0);
        Assert.True(health.IsResting);
    }

    [Fact]
    public void A_server_passed_over_gets_another_chance_in_time()
    {
        var better = new ServerHealth();
        var worse = new ServerHealth();
        better.RecordReply(10, isUseful: true);
        worse.RecordReply(30, isUseful: true);
        for (int i = 0; i < 100; i++)
            worse.RecordPassedOver();
        Assert.True(worse.Score < better.Score);
    }
}
