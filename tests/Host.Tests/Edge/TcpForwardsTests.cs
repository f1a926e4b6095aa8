using MeshDns.Host.Edge;
using MeshDns.Host.Resolve;

namespace MeshDns.Host.Tests.Edge;

/// <summary>The places of TCP queries that wait for an upstream.</summary>
public sealed class TcpForwardsTests
{
    private static readonly Party _heavy = new(1, 1);
    private static readonly Party _light = new(2, 2);

    [Fact]
    public async Task Who_holds_every_place_makes_room_for_another_and_not_for_itself()
    {
        var places = new TcpForwards(3);
        var held = new List<TcpForward>();
        for (var i = 0; i < 3; i++) held.Add((await EnterAsync(places, _heavy))!);
        Assert.Null(await EnterAsync(places, _heavy));
        using var light = await EnterAsync(places, _light);
        Assert.NotNull(light);
        var displaced = Assert.Single(held, each => each.IsDisplaced);
        Assert.True(displaced.Displaced.IsCancellationRequested);
        // What it gives back is not its own any more.
        displaced.Dispose();
        Assert.Null(await EnterAsync(places, _heavy));
        held.Find(each => !each.IsDisplaced)!.Dispose();
        Assert.NotNull(await EnterAsync(places, _heavy));
        Assert.False(light.IsDisplaced);
    }

    [Fact]
    public async Task Who_waits_gets_the_place_that_is_given_back()
    {
        var places = new TcpForwards(1);
        var first = await EnterAsync(places, _heavy);
        var waiting = places.EnterAsync(_heavy, TimeSpan.FromSeconds(30), CancellationToken.None);
        Assert.False(waiting.IsCompleted);
        first!.Dispose();
        Assert.NotNull(await waiting);
    }

    private static ValueTask<TcpForward?> EnterAsync(TcpForwards places, Party party) => places.EnterAsync(party, TimeSpan.Zero, CancellationToken.None);
}
