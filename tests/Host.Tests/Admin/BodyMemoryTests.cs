using MeshDns.Host.Admin;

namespace MeshDns.Host.Tests.Admin;

public sealed class BodyMemoryTests
{
    private const int Megabyte = 1024 * 1024;

    [Fact]
    public void Large_bodies_leave_a_part_to_small_ones()
    {
        var memory = new BodyMemory(10 * Megabyte, 4 * Megabyte);
        Assert.True(memory.TryTake(6 * Megabyte));
        Assert.False(memory.TryTake(2 * Megabyte));
        for (var i = 0; i < 4; i++) Assert.True(memory.TryTake(Megabyte));
        Assert.False(memory.TryTake(1));
        Assert.Equal((10 * Megabyte, 2), (memory.Taken, memory.Refused));
        memory.Give(6 * Megabyte);
        Assert.True(memory.TryTake(2 * Megabyte));
    }

    [Fact]
    public void Two_of_the_largest_bodies_have_room_while_they_grow()
    {
        var (memory, bounds) = (0L, new AdminBounds());
        // The second one's buffer doubles beside the first one's whole body.
        memory += AdminLimits.ManifestsBytes + (AdminLimits.ManifestsBytes / 2) + AdminLimits.ManifestsBytes;
        Assert.InRange(memory, 1, bounds.BodyBytes - bounds.SmallBodyBytes);
    }
}
