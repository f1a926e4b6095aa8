using MeshDns.Actors;
using MeshDns.Actors.Following;
using MeshDns.Contracts.Messages;
using MeshDns.Tests.Shared;

namespace MeshDns.Engine.Tests.Following;

public sealed class FeedReadersTests
{
    private static readonly TimeSpan _second = TimeSpan.FromSeconds(1);

    private readonly ManualTimeProvider _time = new();
    private readonly FeedReaders _readers;
    private int _wakes;

    public FeedReadersTests() => _readers = new FeedReaders(_time, () => _wakes++);

    [Fact]
    public void It_knows_who_read_lately_and_for_how_long_he_is_silent()
    {
        Assert.True(_readers.TryNote(Report("e1"), 5));
        _time.Advance(_second * 4);
        Assert.True(_readers.TryNote(Report("e2"), 5));
        Assert.Equal([("e1", 4000), ("e2", 0)], _readers.All.Select(r => (r.Report.Node, (int)r.SilentMs)));
        _time.Advance(_second * 6);
        Assert.Equal("e2", Assert.Single(_readers.All).Report.Node);
    }

    [Fact]
    public void It_takes_so_many_readers_and_others_once_those_are_gone()
    {
        for (var i = 0; i < 4096; i++) Assert.True(_readers.TryNote(Report($"e{i}"), 1));
        Assert.False(_readers.TryNote(Report("more"), 1));
        Assert.True(_readers.TryNote(Report("e7"), 2));
        _time.Advance(_second * 10);
        Assert.True(_readers.TryNote(Report("more"), 1));
        Assert.Single(_readers.All);
    }

    [Fact]
    public async Task It_waits_until_all_have_read_so_far_or_names_the_late()
    {
        Assert.Empty(await _readers.AwaitAsync(9, _second));
        _readers.TryNote(Report("e1"), 9);
        _readers.TryNote(Report("e2"), 8);
        Assert.Equal(["e2"], await _readers.AwaitAsync(9, TimeSpan.Zero));
        var wait = _readers.AwaitAsync(9, _second * 2);
        await _time.WhenTimerWithin(_second);
        Assert.False(wait.IsCompleted);
        _readers.TryNote(Report("e2"), 9);
        Assert.Empty(await PassAsync(wait));
        _readers.TryNote(Report("e2"), 9);
        Assert.Equal(["e1", "e2"], (await PassAsync(_readers.AwaitAsync(10, _second))).Order());
        // Who has asked nothing for so long reads elsewhere, or nowhere.
        Assert.Empty(await PassAsync(_readers.AwaitAsync(10, _second * 9)));
    }

    [Fact]
    public async Task A_reader_is_told_to_drain_until_it_says_that_it_does()
    {
        Assert.False(await _readers.DrainAsync("e1", _second));
        _readers.TryNote(Report("e1"), 1);
        var drain = _readers.DrainAsync("e1", _second);
        Assert.Equal((1, true, false), (_wakes, _readers.IsToBeTold("e1"), _readers.IsToBeTold("e2")));
        _readers.TryNote(Report("e1"), 1);
        Assert.True(_readers.IsToBeTold("e1"));
        _readers.TryNote(Report("e1", "draining"), 1);
        Assert.False(_readers.IsToBeTold("e1"));
        Assert.True(await PassAsync(drain));
        Assert.True(await _readers.DrainAsync("e1", _second));
        // Its next start was told nothing.
        _readers.TryNote(Report("e1", incarnation: "2"), 1);
        Assert.False(_readers.IsToBeTold("e1"));
    }

    [Fact]
    public async Task The_drain_of_a_reader_ends_when_it_does_not_say_so_or_reads_elsewhere()
    {
        _readers.TryNote(Report("e1"), 1);
        await Assert.ThrowsAsync<MeshUnavailableException>(() => PassAsync(_readers.DrainAsync("e1", _second)));
        _readers.TryNote(Report("e1"), 1);
        Assert.False(await PassAsync(_readers.DrainAsync("e1", _second * 12)));
        // Should it come back, it is told.
        _readers.TryNote(Report("e1"), 1);
        Assert.True(_readers.IsToBeTold("e1"));
    }

    private static EdgeReport Report(string node, string state = "up", string incarnation = "1") => new(node, incarnation, "", ["edge"], state, "", 0, 0);

    private async Task<T> PassAsync<T>(Task<T> task)
    {
        for (var i = 0; i < 20_000 && !task.IsCompleted; i++)
        {
            await Task.WhenAny(task, _time.WhenTimerWithin(_second));
            _time.Advance(TimeSpan.FromMilliseconds(10));
        }
        return await task;
    }
}
