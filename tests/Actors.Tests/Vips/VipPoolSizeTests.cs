using MeshDns.Actors.Vips;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Vips;
using Xunit.Abstractions;
using static MeshDns.Actors.Tests.Vips.LedgerRig;

namespace MeshDns.Actors.Tests.Vips;

/// <summary>The whole default pool at once. Times are printed, never asserted.</summary>
public class VipPoolSizeTests(ITestOutputHelper output)
{
    [Fact]
    public void The_default_pool_holds_65024_and_says_so_on_the_next()
    {
        var core = new VipLedgerCore(VipRange.Default, TimeSpan.FromHours(24));
        var hosts = Enumerable.Range(0, 65_024).Select(i => Lease($"host-{i}.example.com")).ToList();
        var full = Timed("decide 65,024", () => core.Decide(core.Empty, new VipCommand(hosts, 1000)));
        Assert.Null(full.Refused);
        var replayed = Timed("replay 65,024", () => full.Events.Aggregate(core.Empty, VipLedgerCore.Apply));
        Assert.Equal(new VipUsage(65_024, 65_024, 0, 0, 0, 0), replayed.Usage(1000));
        var snapshot = Timed("snapshot", () => VipLedgerCore.Snapshot(replayed));
        var restored = Timed("restore", () => core.Restore(snapshot));
        Assert.Equal(snapshot, VipLedgerCore.Snapshot(restored));
        Assert.Contains("asks for 1 VIP; of 65024", core.Decide(restored, new VipCommand([Lease("one-more")], 2000)).Refused!.Detail, StringComparison.Ordinal);

        var empty = Timed("release 65,024", () => core.Decide(restored, new VipCommand([.. hosts.Select(h => h with { Lease = false })], 3000)).State);
        var later = 3000 + (long)TimeSpan.FromHours(24).TotalMilliseconds;
        Assert.Equal(65_024, empty.Usage(later - 1).Quarantined);
        Assert.Equal(65_024, empty.Usage(later).Free);
        var again = Timed("mature 65,024 and grant one", () => core.Decide(empty, new VipCommand([Lease("one-more")], later)));
        Assert.Null(again.Refused);
    }

    private T Timed<T>(string what, Func<T> action)
    {
        var start = TimeProvider.System.GetTimestamp();
        var result = action();
        output.WriteLine($"{what}: {TimeProvider.System.GetElapsedTime(start).TotalMilliseconds:F0} ms");
        return result;
    }
}
