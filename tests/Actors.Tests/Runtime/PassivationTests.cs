using System.Text;
using MeshDns.Actors.Runtime;
using MeshDns.Actors.Tests.Simulation;

namespace MeshDns.Actors.Tests.Runtime;

public sealed class PassivationTests
{
    private static readonly TimeSpan _after = TimeSpan.FromMinutes(2);

    [Fact]
    public void A_state_that_nobody_uses_is_packed_and_comes_back_as_it_was() => Simulated.Run(1, async world =>
    {
        var rig = await new StreamRig(world, passivateAfter: _after).StartAsync();
        await rig.ChangeAsync("a");
        await world.PassAsync(_after * 0.9);
        Assert.False(rig.Owner.IsPassive);
        await world.PassAsync(_after * 1.2);
        Assert.True(rig.Owner.IsPassive);
        Assert.True(rig.Owner.IsReady);
        Assert.Equal(1, rig.Owner.View.Fence.Seq);
        Assert.True(rig.Owner.IsPassive);
        Assert.Equal(["a"], rig.Names);
        Assert.False(rig.Owner.IsPassive);
        await world.PassAsync(_after * 3);
        Assert.True(rig.Owner.IsPassive);
        await rig.ChangeAsync("b");
        Assert.Equal(["a", "b"], rig.Names);
    });

    [Fact]
    public void A_state_that_is_used_stays_active() => Simulated.Run(2, async world =>
    {
        var rig = await new StreamRig(world, passivateAfter: _after).StartAsync();
        await rig.ChangeAsync("a");
        for (var i = 0; i < 10; i++)
        {
            await world.PassAsync(_after * 0.9);
            Assert.False(rig.Owner.IsPassive);
            Assert.Single(rig.Names);
        }
        Assert.Empty(rig.Packed);
    });

    [Fact]
    public void A_held_stream_stays_active() => Simulated.Run(3, async world =>
    {
        var rig = await new StreamRig(world, passivateAfter: TimeSpan.FromSeconds(1)).StartAsync();
        var batch = Guid.NewGuid();
        var prepared = await rig.PrepareAsync(batch, "a");
        await rig.AppendAsync(prepared);
        await world.PassAsync(StreamRig.Hold / 2);
        Assert.False(rig.Owner.IsPassive);
        await rig.Owner.CommitAsync(batch, StreamRig.Deadline);
        Assert.Equal(["a"], rig.Names);
    });

    [Fact]
    public void A_state_that_was_only_read_is_packed_again_for_nothing() => Simulated.Run(4, async world =>
    {
        var rig = await new StreamRig(world, passivateAfter: _after).StartAsync();
        await rig.ChangeAsync("a");
        await world.PassAsync(_after * 3);
        Assert.Single(rig.Names);
        await world.PassAsync(_after * 3);
        Assert.True(rig.Owner.IsPassive);
        Assert.Single(rig.Packed);
        Assert.Equal(1, rig.Faults.Calls[JournalCall.Snapshot]);
    });

    [Fact]
    public void The_next_start_finds_the_snapshot_and_leaves_it_as_it_is() => Simulated.Run(5, async world =>
    {
        var first = await new StreamRig(world, passivateAfter: _after).StartAsync();
        await first.ChangeAsync("a");
        await world.PassAsync(_after * 3);
        Assert.Equal(1, first.Store.Read(StreamRig.Stream).SnapshotSeq);
        var second = await new StreamRig(world, first.Store, passivateAfter: _after).StartAsync();
        Assert.True(second.Owner.IsPassive);
        Assert.Empty(second.Packed);
        await second.ChangeAsync("b");
        Assert.Equal(["a", "b"], second.Names);
    });

    [Fact]
    public void What_a_replay_made_rests_soon_when_nobody_asks() => Simulated.Run(6, async world =>
    {
        var first = await new StreamRig(world).StartAsync();
        await first.ChangeAsync("a");
        var second = await new StreamRig(world, first.Store, passivateAfter: _after).StartAsync();
        Assert.False(second.Owner.IsPassive);
        await world.PassAsync(TimeSpan.FromSeconds(4));
        Assert.True(second.Owner.IsPassive);
    });

    [Fact]
    public void A_few_changes_of_a_large_state_are_not_worth_a_snapshot() => Simulated.Run(7, async world =>
    {
        var rig = await new StreamRig(world, passivateAfter: _after).StartAsync();
        for (var i = 0; i < 200; i++) await rig.ChangeAsync("n" + i);
        await world.PassAsync(_after * 3);
        Assert.Equal(200, rig.Store.Read(StreamRig.Stream).SnapshotSeq);
        await rig.ChangeAsync("one-more");
        await world.PassAsync(_after * 3);
        Assert.True(rig.Owner.IsPassive);
        Assert.Equal(200, rig.Store.Read(StreamRig.Stream).SnapshotSeq);
    });

    [Theory]
    [InlineData("{ damaged")]
    [InlineData("null")]
    [InlineData("""{"documents":[null]}""")]
    [InlineData("""{"hosts":[{"host":"a.example","declarations":null}]}""")]
    [InlineData("""{"hosts":[{"host":"a..example","declarations":[]}]}""")]
    [InlineData("""{"hosts":[{"host":"a.example","declarations":[]},{"host":"a.example","declarations":[null]}]}""")]
    public void A_snapshot_that_cannot_be_read_when_it_is_needed_is_replaced_by_the_events(string damaged) => Simulated.Run(8, async world =>
    {
        var first = await new StreamRig(world, passivateAfter: _after).StartAsync();
        await first.ChangeAsync("a");
        await world.PassAsync(_after * 3);
        first.Store.DamageSnapshot(StreamRig.Stream, Encoding.UTF8.GetBytes(damaged));
        var second = await new StreamRig(world, first.Store, passivateAfter: _after).StartAsync();
        Assert.Empty(world.Alarms);
        await Assert.ThrowsAsync<MeshUnavailableException>(() => second.PrepareAsync(Guid.NewGuid(), "b"));
        await world.UntilAsync(() => second.Owner.IsReady && !second.Owner.IsPassive, "the replay of the events");
        Assert.Single(world.Alarms);
        await second.ChangeAsync("b");
        Assert.Equal(["a", "b"], second.Names);
    });

    [Fact]
    public void A_snapshot_that_cannot_be_written_harms_nothing() => Simulated.Run(9, async world =>
    {
        var rig = await new StreamRig(world, passivateAfter: _after).StartAsync();
        rig.Faults.Inject(JournalCall.Snapshot, FaultKind.Unavailable);
        await rig.ChangeAsync("a");
        await world.PassAsync(_after * 3);
        Assert.True(rig.Owner.IsPassive);
        Assert.Equal(["a"], rig.Names);
        Assert.Equal(["a"], (await new StreamRig(world, rig.Store).StartAsync()).Names);
    });

    [Fact]
    public void Who_loses_the_stream_lets_go_of_everything_and_looks_no_more() => Simulated.Run(10, async world =>
    {
        var rig = await new StreamRig(world, passivateAfter: _after).StartAsync();
        await rig.ChangeAsync("a");
        await rig.Owner.GiveUpAsync(StreamRig.Deadline);
        await world.PassAsync(_after * 4);
        Assert.False(rig.Owner.IsPassive);
        Assert.Empty(rig.Packed);
        Assert.Throws<OwnerAwayException>(() => rig.Owner.View);
    });
}
