using MeshDns.Actors.Directory;
using MeshDns.Actors.Journal;
using MeshDns.Actors.Runtime;
using MeshDns.Actors.Shards;
using MeshDns.Actors.Tests.Simulation;
using MeshDns.Actors.Vips;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Vips;
using Microsoft.Data.Sqlite;

namespace MeshDns.Actors.Tests.Journal;

/// <summary>A journal that only one process can write: what was read stays true until the next append, and nobody polls.</summary>
public sealed class StandingTests : IAsyncLifetime
{
    private static readonly CancellationToken _none = CancellationToken.None;
    private readonly TemporaryDirectory _folder = new();
    private readonly SimulatedClock _clock = new();
    private SqliteJournal _journal = null!;
    private Fence _fence;

    public async Task InitializeAsync()
    {
        _journal = await SqliteJournal.OpenAsync(_folder.Path, _clock);
        _fence = (await _journal.TakeAsync(new NodeIdentity("a", "1"), ["shard-00"], "t1"))[0].Fence;
    }

    public async Task DisposeAsync()
    {
        await _journal.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_read_stands_until_an_append_begins()
    {
        var read = await ReadAsync();
        _clock.Advance(TimeSpan.FromHours(30));
        Assert.Equal(TimeSpan.Zero, read.Standing!.Age(_clock));
        await AppendAsync();
        _clock.Advance(TimeSpan.FromSeconds(7));
        Assert.Equal(TimeSpan.FromSeconds(7), read.Standing.Age(_clock));
        Assert.Equal(TimeSpan.Zero, (await ReadAsync()).Standing!.Age(_clock));
    }

    [Fact]
    public async Task A_refused_append_makes_nothing_older()
    {
        var read = await ReadAsync();
        var result = await _journal.AppendAsync(new AppendRequest([new StreamAppend(_fence with { Term = "another" }, [JournalContract.Declared("x.example")])], []), _none);
        Assert.Equal(AppendOutcome.Fenced, result.Outcome);
        _clock.Advance(TimeSpan.FromSeconds(7));
        Assert.Equal(TimeSpan.Zero, read.Standing!.Age(_clock));
    }

    [Fact]
    public async Task A_failed_append_ends_it_and_is_announced()
    {
        var read = await ReadAsync();
        var announced = 0;
        _journal.Appended += () => announced++;
        using (var file = SqliteFile.Open(_folder.Path)) file.Run("CREATE TRIGGER full BEFORE INSERT ON event BEGIN SELECT no_such_function(); END");
        await Assert.ThrowsAsync<JournalUnavailableException>(AppendAsync);
        _clock.Advance(TimeSpan.FromSeconds(7));
        Assert.Equal(TimeSpan.FromSeconds(7), read.Standing!.Age(_clock));
        Assert.Equal(1, announced);
    }

    [Fact]
    public async Task A_closed_journal_lets_what_was_read_grow_old()
    {
        var read = await ReadAsync();
        await _journal.DisposeAsync();
        _clock.Advance(TimeSpan.FromSeconds(7));
        Assert.Equal(TimeSpan.FromSeconds(7), read.Standing!.Age(_clock));
    }

    [Fact]
    public async Task The_directory_hears_of_an_append_without_polling_and_is_never_old_between()
    {
        var directory = NewDirectory();
        var (loaded, told) = (new TaskCompletionSource(), new TaskCompletionSource());
        directory.Applied += () => (directory.Position.ContainsKey("shard-00") ? told : loaded).TrySetResult();
        var feed = NewFeed(directory);
        feed.Start();
        feed.Poll();
        await loaded.Task.WaitAsync(TimeSpan.FromSeconds(30));
        await AppendAsync();
        // The simulated clock stands still: nothing but being told brings this.
        await told.Task.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal(TimeSpan.Zero, directory.Age);
        await feed.StopAsync();
        _clock.Advance(TimeSpan.FromHours(30));
        Assert.Equal(TimeSpan.Zero, directory.Age);
        await _journal.DisposeAsync();
        _clock.Advance(TimeSpan.FromHours(2));
        Assert.Equal(TimeSpan.FromHours(2), directory.Age);
    }

    [Fact]
    public async Task A_directory_in_doubt_grows_older_until_the_next_read()
    {
        var directory = NewDirectory();
        directory.Apply(new FeedBatch([], [], new Dictionary<string, StreamPosition>(), 1, null, (await ReadAsync()).Standing));
        _clock.Advance(TimeSpan.FromMinutes(3));
        directory.Doubt();
        _clock.Advance(TimeSpan.FromSeconds(5));
        directory.Doubt();
        _clock.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(TimeSpan.FromSeconds(10), directory.Age);
        directory.Apply(new FeedBatch([], [], new Dictionary<string, StreamPosition>(), 2, null, (await ReadAsync()).Standing));
        Assert.Equal(TimeSpan.Zero, directory.Age);
    }

    [Fact]
    public async Task Closing_does_first_what_was_asked_before()
    {
        var worker = new SqliteWorker("test", () => new SqliteConnection());
        using var gate = new SemaphoreSlim(0);
        var first = worker.RunAsync(_ => gate.Wait(TimeSpan.FromSeconds(30)), _none);
        var second = worker.RunAsync(_ => 2, _none);
        var closing = worker.DisposeAsync();
        await Assert.ThrowsAsync<JournalUnavailableException>(() => worker.RunAsync(_ => 3, _none));
        gate.Release();
        await closing;
        Assert.True(await first);
        Assert.Equal(2, await second);
    }

    private Task<FeedRead> ReadAsync() => _journal.ReadFeedAsync(new Dictionary<string, StreamPosition>(), _none);

    private async Task AppendAsync()
    {
        var result = await _journal.AppendAsync(new AppendRequest([new StreamAppend(_fence, [JournalContract.Declared("x.example")])], []), _none);
        Assert.Equal(AppendOutcome.Committed, result.Outcome);
        _fence = _fence with { Seq = _fence.Seq + 1 };
    }

    private MeshDirectory NewDirectory() => new(VipRange.Default, new MeshZones([HostName.Parse("mesh.internal")]), 64, _clock);

    private DirectoryFeed NewFeed(MeshDirectory directory) => new(
        new ActorSystem(TaskScheduler.Default, _clock, new Random(1), (_, _, _, _) => { }), new JournalFeed(_journal, _clock), directory, new ShardTableCore(VipRange.Default), new VipLedgerCore(VipRange.Default));
}
