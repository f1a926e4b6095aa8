using MeshDns.Actors.Store;
using MeshDns.Tests.Shared;

namespace MeshDns.Engine.Tests.Store;

/// <summary>The table of the cluster's nodes, and the lease by which some decide over others, on a real PostgreSQL.</summary>
public sealed class PostgresNodesTests : IAsyncLifetime
{
    private static readonly TimeSpan _short = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan _long = TimeSpan.FromMinutes(10);

    private PostgresLogStore _store = null!;

    public async Task InitializeAsync()
    {
        var database = await (await PostgresServer.Shared).CreateDatabaseAsync();
        _store = await PostgresLogStore.OpenAsync(new PostgresJournalOptions(database, TimeSpan.FromSeconds(5), AllowDataLoss: false), (_, _, _, _) => { }, default);
        foreach (var name in (string[])["a", "b", "c"]) await Of(name).WriteAsync(name + "#1", name, "formed", 1, default);
    }

    public async Task DisposeAsync() => await _store.DisposeAsync();

    [Fact]
    public async Task One_side_decides_and_the_other_can_not_even_when_the_lease_is_long_over()
    {
        Assert.True(await AcquireAsync("a#1", _short, "c#1"));
        await Task.Delay(20);
        // It was paused meanwhile, and takes the others for dead.
        Assert.False(await AcquireAsync("c#1", _long, "a#1", "b#1"));
        Assert.Equal(["a", "b"], (await Of("a").ReadAsync(default)).Select(r => r.Name).Order());
        Assert.True(await Of("b").KeepAsync("b#1", default));
        Assert.False(await Of("c").KeepAsync("c#1", default));
        Assert.Equal(2, (await Of("a").ReadAsync(default)).Count);
    }

    [Fact]
    public async Task A_lease_that_is_held_decides_over_nobody_for_another()
    {
        Assert.True(await AcquireAsync("a#1", _long));
        Assert.False(await AcquireAsync("b#1", _long, "a#1", "c#1"));
        Assert.Equal(3, (await Of("a").ReadAsync(default)).Count);
        Assert.True(await AcquireAsync("a#1", _long));
        Assert.True(await PostgresNodes.ReleaseAsync(_store.Sessions, "sbr", "a#1"));
        Assert.True(await AcquireAsync("b#1", _long, "c#1"));
        Assert.False(await Of("c").KeepAsync("c#1", default));
    }

    [Fact]
    public async Task The_next_incarnation_on_the_same_address_is_not_the_one_that_is_over()
    {
        Assert.True(await AcquireAsync("a#1", _short, "c#1"));
        await Of("c").WriteAsync("c#2", "c", "formed", 1, default);
        await Task.Delay(20);
        Assert.True(await AcquireAsync("b#1", _short, "c#1"));
        Assert.True(await Of("c").KeepAsync("c#2", default));
        await Task.Delay(20);
        Assert.True(await AcquireAsync("c#2", _short, "a#1"));
    }

    private PostgresNodes Of(string name) => new(_store.Sessions, name, "data-" + name, TimeSpan.FromSeconds(5), OwnerVersions.Current);

    private Task<bool> AcquireAsync(string holder, TimeSpan time, params string[] over) => PostgresNodes.AcquireAsync(_store.Sessions, "sbr", holder, time, over);
}
