using System.Text;
using MeshDns.Actors.Vips;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;
using static MeshDns.Actors.Tests.Vips.LedgerRig;

namespace MeshDns.Actors.Tests.Vips;

public class VipSnapshotTests
{
    private static LedgerRig Busy()
    {
        var rig = new LedgerRig();
        rig.Fill(5);
        rig.Do(Nothing("h1"), Claim("c", "240.240.7.1", "2001:2:0:1::5"), Exclude("x", "240.240.7.12/30"), Exclude("y", "240.240.7.2/31"));
        rig.Now += 10;
        rig.Do(Nothing("y"));
        rig.Apply(VipLedgerCore.OnQuarantine(rig.State, TimeSpan.FromMilliseconds(77), rig.Now)!);
        return rig;
    }

    [Fact]
    public void A_restored_ledger_is_the_ledger()
    {
        var rig = Busy();
        var restored = rig.Core.Restore(VipLedgerCore.Snapshot(rig.State));
        Assert.Equal(VipLedgerCore.Snapshot(rig.State), VipLedgerCore.Snapshot(restored));
        Assert.Equal(rig.State.Records(rig.Now).Select(r => r.ToString()), restored.Records(rig.Now).Select(r => r.ToString()));
        Assert.Equal(rig.Usage, restored.Usage(rig.Now));
        Assert.Equal((77, rig.Now + Quarantine), (restored.QuarantineMs, restored.RestFloor));
        Assert.Equal(rig.State.RestingExclusions, restored.RestingExclusions);
        var command = new VipCommand([Lease("h1"), Lease("new"), Nothing("h0")], rig.Now + 2000);
        Assert.Equal(rig.Core.Decide(rig.State, command).Events, rig.Core.Decide(restored, command).Events);
    }

    [Fact]
    public void A_host_that_moved_on_is_remembered_by_its_new_index_only()
    {
        var rig = Busy();
        var restored = rig.Core.Restore(VipLedgerCore.Snapshot(rig.State));
        Assert.True(restored.TryGetLease(HostName.Parse("h2"), out var index));
        Assert.NotEqual(0x0703, index);
        Assert.Equal("h2", Assert.Single(restored.Record(0x0703, rig.Now).Hosts).Text);
    }

    [Fact]
    public void The_empty_ledger_restores()
    {
        var rig = new LedgerRig();
        Assert.Equal(VipLedgerCore.Snapshot(rig.Core.Empty), VipLedgerCore.Snapshot(rig.Core.Restore(VipLedgerCore.Snapshot(rig.Core.Empty))));
    }

    [Fact]
    public void A_snapshot_of_other_ranges_is_refused()
    {
        var bytes = VipLedgerCore.Snapshot(new LedgerRig("240.240.9.0/28").State);
        Assert.Contains("240.240.9.0/28", Assert.Throws<FormatException>(() => new LedgerRig().Core.Restore(bytes)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"state\":\"Leased\"", "\"state\":99")]
    [InlineData("\"host\":\"h0\"", "\"host\":\"h3\"")]
    [InlineData("\"index\":1796", "\"index\":1792")]
    [InlineData("\"index\":1796", "\"index\":99999999")]
    [InlineData("\"cursor\":", "\"cursor\":70000,\"was\":")]
    [InlineData("\"slots\":[", "\"slots\":[null,")]
    [InlineData("\"slots\":", "\"slotz\":")]
    [InlineData("240.240.7.12/30", "240.240.0.0/16")]
    [InlineData("\"quarantineMs\":77", "\"quarantineMs\":0")]
    [InlineData("{", "")]
    public void A_damaged_snapshot_is_refused(string from, string to)
    {
        var rig = Busy();
        var text = Encoding.UTF8.GetString(VipLedgerCore.Snapshot(rig.State));
        var damaged = text.Replace(from, to, StringComparison.Ordinal);
        Assert.NotEqual(text, damaged);
        Assert.Throws<FormatException>(() => rig.Core.Restore(Encoding.UTF8.GetBytes(damaged)));
    }

    [Theory]
    [InlineData("\"state\":\"Leased\"", "\"state\":\"Reserved\"", "nobody claims it")]
    [InlineData("240.240.7.12/30", "240.240.7.4/30", "but excluded")]
    [InlineData("2001:2:0:1::5", "2001:2::70f", "is not reserved")]
    public void What_does_not_fit_together_is_a_breach(string from, string to, string breach)
    {
        var rig = Busy();
        Assert.Empty(rig.State.Breaches());
        var damaged = Encoding.UTF8.GetString(VipLedgerCore.Snapshot(rig.State)).Replace(from, to, StringComparison.Ordinal);
        Assert.Contains(rig.Core.Restore(Encoding.UTF8.GetBytes(damaged)).Breaches(), text => text.Contains(breach, StringComparison.Ordinal));
    }

    [Fact]
    public void Any_cut_or_flipped_byte_is_refused_or_read_but_never_another_exception()
    {
        var rig = Busy();
        var whole = VipLedgerCore.Snapshot(rig.State);
        for (var i = 0; i < whole.Length; i++)
        {
            Assert.Throws<FormatException>(() => rig.Core.Restore(whole.AsSpan(0, i)));
            var flipped = (byte[])whole.Clone();
            flipped[i] ^= 0x05;
            Assert.True(Record.Exception(() => rig.Core.Restore(flipped)) is null or FormatException);
        }
    }
}
