using System.Diagnostics;
using System.Globalization;
using MeshDns.Actors.Directory;
using MeshDns.Actors.Journal;
using MeshDns.Actors.Tests.Simulation;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Names;
using MeshDns.Tests.Shared;
using Xunit.Abstractions;

namespace MeshDns.Actors.Tests.Journal;

/// <summary>The journal at the size of a full range; what it took is printed and not judged.</summary>
public sealed class PostgresSizeTests(ITestOutputHelper output) : IAsyncLifetime
{
    private const int AllVips = 65_024;

    private static readonly CancellationToken _none = CancellationToken.None;
    private PostgresJournal _journal = null!;

    public async Task InitializeAsync() => _journal = await PostgresRig.OpenAsync(await (await PostgresServer.Shared).CreateDatabaseAsync());

    public async Task DisposeAsync() => await _journal.DisposeAsync();

    [Fact]
    public async Task A_whole_range_is_granted_released_and_reserved_in_one_append_each()
    {
        var fence = (await _journal.TakeAsync(new NodeIdentity("a", "1"), ["vips"], "t1"))[0].Fence;
        var hosts = Enumerable.Range(0, AllVips).Select(i => HostName.Parse(string.Create(CultureInfo.InvariantCulture, $"host-{i}.example"))).ToArray();
        fence = await CommitAsync("grants", fence, hosts.Select(MeshEvent (host, i) => new VipGranted(i, host) { At = 1 }));
        // Releases and new grants in turn, so that no two steps in a row are of one kind.
        fence = await CommitAsync("alternating", fence, hosts.SelectMany(IEnumerable<MeshEvent> (host, i) => i % 2 == 0 ? [] : [new VipReleased(i, host, 2, ReleaseReason.Withdrawn) { At = 1 }, new VipGranted(i, host) { At = 2 }]));
        fence = await CommitAsync("releases", fence, hosts.Select(MeshEvent (host, i) => new VipReleased(i, host, 2, ReleaseReason.Withdrawn) { At = 1 }));
        var begin = Stopwatch.GetTimestamp();
        var feed = await _journal.ReadFeedAsync(new Dictionary<string, StreamPosition>(), _none);
        Assert.Equal(fence.Seq, Assert.Single(feed.Streams).Rows.Count);
        output.WriteLine($"feed from nothing, {fence.Seq} events: {Stopwatch.GetElapsedTime(begin).TotalMilliseconds:F0} ms");
        Assert.True(await _journal.SaveSnapshotAsync(fence, new byte[8 << 20], _none));
        Assert.Equal(8 << 20, (await _journal.ReadAsync("vips", false, _none)).Snapshot!.Length);
    }

    [Fact]
    public async Task Small_appends_and_polls()
    {
        var fences = (await _journal.TakeAsync(new NodeIdentity("a", "1"), [.. Enumerable.Range(0, 64).Select(i => $"shard-{i:00}"), "vips"], "t1")).Select(c => c.Fence).ToArray();
        var position = new Dictionary<string, StreamPosition>();
        for (var round = 0; round < 3; round++)
        {
            var appends = new List<double>();
            var polls = new List<double>();
            for (var i = 0; i < 300; i++)
            {
                var slot = i % 64;
                var begin = Stopwatch.GetTimestamp();
                var request = new AppendRequest([JournalContract.Append(fences[slot], JournalContract.Declared("x.example")), JournalContract.Append(fences[64], JournalContract.Granted((round * 300) + i, $"h{round}-{i}.example"))], []);
                Assert.Equal(AppendOutcome.Committed, (await _journal.AppendAsync(request, _none)).Outcome);
                appends.Add(Stopwatch.GetElapsedTime(begin).TotalMilliseconds);
                fences[slot] = fences[slot] with { Seq = fences[slot].Seq + 1 };
                fences[64] = fences[64] with { Seq = fences[64].Seq + 1 };
                position[fences[slot].Stream] = new StreamPosition("t1", 1, fences[slot].Seq);
                position["vips"] = new StreamPosition("t1", 1, fences[64].Seq);
                begin = Stopwatch.GetTimestamp();
                Assert.Empty((await _journal.ReadFeedAsync(position, _none)).Streams);
                polls.Add(Stopwatch.GetElapsedTime(begin).TotalMilliseconds);
            }
            output.WriteLine($"append p50 {appends.Order().ElementAt(150):F2} ms p99 {appends.Order().ElementAt(297):F2} ms; poll p50 {polls.Order().ElementAt(150):F2} ms p99 {polls.Order().ElementAt(297):F2} ms");
        }
    }

    private async Task<Fence> CommitAsync(string what, Fence fence, IEnumerable<MeshEvent> facts)
    {
        MeshEvent[] all = [.. facts];
        var begin = Stopwatch.GetTimestamp();
        Assert.Equal(new AppendResult(AppendOutcome.Committed), await _journal.AppendAsync(new AppendRequest([new StreamAppend(fence, all)], []), _none));
        output.WriteLine($"{what}, {all.Length} events: {Stopwatch.GetElapsedTime(begin).TotalMilliseconds:F0} ms");
        return fence with { Seq = fence.Seq + all.Length };
    }
}
