using MeshDns.Actors;
using MeshDns.Actors.Directory;
using MeshDns.Actors.Following;
using MeshDns.Actors.Log;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Services;
using MeshDns.Contracts.Vips;
using MeshDns.Engine.Tests.Store;
using MeshDns.Tests.Shared;

namespace MeshDns.Engine.Tests.Following;

/// <summary>What an edge makes of answers that owners seldom give.</summary>
public sealed class FeedFollowingTests : IAsyncDisposable
{
    private const int Shards = 4;
    private static readonly TimeSpan _again = TimeSpan.FromMilliseconds(250);

    private readonly ManualTimeProvider _time = new();
    private readonly ScriptedFeed _feed = new();
    private readonly MeshDirectory _directory;
    private readonly FeedFollowing _following;
    private readonly LogWriter _log = new(Shards);
    private readonly List<string> _alarms = [];

    public FeedFollowingTests()
    {
        _directory = new MeshDirectory(VipRange.Default, new MeshZones([HostName.Parse("cluster.local")]), Shards, _time);
        _following = Make();
    }

    public ValueTask DisposeAsync() => _following.DisposeAsync();

    [Fact]
    public async Task An_image_and_a_log_that_do_not_fit_are_not_read_over_and_over()
    {
        var begin = _time.GetUtcNow();
        _feed.Answer = _ => new FeedSlice(false, [], false, 0, 0, IsCut: false);
        _following.Start();
        await UntilAsync(() => _feed.Reads >= 12);
        Assert.InRange(_feed.Images, 2, 2 + (int)((_time.GetUtcNow() - begin) / TimeSpan.FromSeconds(1)));
    }

    [Fact]
    public async Task A_past_that_is_gone_is_mourned_once_however_long_no_image_can_be_had()
    {
        _feed.Answer = _ => All(Declared("a.example"));
        _following.Start();
        await UntilAsync(() => _directory.Names == 1);
        _feed.HasNoImages = true;
        _feed.Answer = _ => new FeedSlice(false, [], false, 0, 0, IsCut: false);
        var reads = _feed.Reads;
        await UntilAsync(() => _feed.Reads >= reads + 8);
        Assert.Contains("no longer has", Assert.Single(_alarms), StringComparison.Ordinal);
        // What is known is answered on meanwhile.
        Assert.Equal(1, _directory.Names);
        _feed.HasNoImages = false;
        _feed.Answer = place => place == LogPosition.Start ? All([]) : new FeedSlice(false, [], false, 0, 0, IsCut: false);
        await UntilAsync(() => _directory.Names == 0);
    }

    [Fact]
    public async Task What_breaks_it_is_an_alarm_and_not_its_end()
    {
        _feed.Answer = _ => throw new InvalidOperationException("a bug");
        _following.Start();
        await UntilAsync(() => _feed.Reads >= 5);
        Assert.Contains("a bug", Assert.Single(_alarms), StringComparison.Ordinal);
        _feed.Answer = _ => All(Declared("a.example"));
        await UntilAsync(() => _following.HasRead);
        Assert.Equal(1, _directory.Names);
    }

    [Fact]
    public async Task Rows_of_a_transaction_that_come_in_two_slices_are_taken_in_whole()
    {
        var first = Declared("a.example");
        var second = Declared("b.example", "c.example");
        Assert.True(second.Count > 1);
        var places = new List<LogPosition>();
        _feed.Answer = place =>
        {
            if (places.LastOrDefault() != place) places.Add(place);
            return place == LogPosition.Start ? new FeedSlice(true, [.. first, second[0]], false, 0, 0, false)
                : place == second[0].Position ? All([.. second.Skip(1)]) : All([]);
        };
        _following.Start();
        await UntilAsync(() => _following.HasRead);
        Assert.Equal(3, _directory.Names);
        Assert.Equal(second[0].Position, places[1]);
        Assert.Empty(_alarms);
    }

    [Fact]
    public async Task What_is_known_grows_old_by_both_clocks_while_no_owner_answers()
    {
        _feed.Answer = _ => All(Declared("a.example"));
        _following.Start();
        await UntilAsync(() => _directory.Names == 1);
        _feed.Answer = _ => throw new MeshUnavailableException("nobody");
        await UntilAsync(() => _directory.Age >= TimeSpan.FromSeconds(2));
        Assert.True(_directory.Age < TimeSpan.FromSeconds(4));
        // As after a night's sleep: the monotonic clock stood still.
        _time.StepUtc(TimeSpan.FromHours(10));
        await UntilAsync(() => _directory.Age >= TimeSpan.FromHours(10));
        // To set the wall clock back does not make it young.
        _time.StepUtc(TimeSpan.FromHours(-10));
        for (var i = 0; i < 4; i++) await PassAsync();
        Assert.InRange(_directory.Age.TotalHours, 10, 10.01);
        _feed.Answer = _ => All([]);
        await UntilAsync(() => _directory.Age < TimeSpan.FromSeconds(1));
        Assert.Empty(_alarms);
    }

    [Fact]
    public async Task The_word_of_an_owner_who_knows_less_makes_nothing_older()
    {
        var rows = Declared("a.example");
        _feed.Answer = place => All(place == LogPosition.Start ? rows : []);
        _following.Start();
        await UntilAsync(() => _directory.Names == 1);
        var reads = _feed.Reads;
        _feed.Answer = _ => new FeedSlice(true, [], true, 60_000, 0, false);
        await UntilAsync(() => _feed.Reads > reads + 3);
        Assert.True(_directory.Age < TimeSpan.FromSeconds(20));
    }

    private FeedFollowing Make() => new(_feed, _directory, new Buckets(Shards), _time, (isAlarm, text) =>
    {
        if (isAlarm) _alarms.Add(text);
    });

    private static FeedSlice All(IReadOnlyList<LogRow> rows) => new(true, rows, true, 0, 0, false);

    private IReadOnlyList<LogRow> Declared(params string[] hosts) =>
        _log.Epoch == 0 ? _log.Start("aaaaaaaaaaaaaaaa", Facts(hosts)) : _log.Write(Facts(hosts));

    private static MeshEvent[] Facts(string[] hosts) => [.. hosts.Select(h => new HostDeclared(
        HostName.Parse(h), new HostDeclaration { Document = new DocumentKey(DocumentKind.ServiceEntry, "default", h), Created = 1 }))];

    // The loop asks at once again after an answer; a script that answers at once is asked in real time.
    private async Task UntilAsync(Func<bool> holds)
    {
        for (var i = 0; i < 2000 && !holds(); i++) await PassAsync();
        Assert.True(holds());
    }

    private async Task PassAsync()
    {
        _feed.Turn.Release();
        await Task.WhenAny(_time.WhenTimerWithin(_again), _feed.WhenAskedAsync());
        _time.Advance(_again);
    }

    private sealed class ScriptedFeed : IFeed
    {
        private int _reads;
        private int _images;

        public volatile Func<LogPosition, FeedSlice> Answer = _ => throw new MeshUnavailableException("nobody");

        public volatile bool HasNoImages;

        public SemaphoreSlim Turn { get; } = new(0);

        public int Reads => Volatile.Read(ref _reads);

        public int Images => Volatile.Read(ref _images);

        public async Task WhenAskedAsync()
        {
            var before = Reads;
            for (var i = 0; i < 200 && Reads == before; i++) await Task.Delay(1);
        }

        public async Task<FeedSlice> ReadAsync(LogPosition after, CancellationToken cancel)
        {
            await Turn.WaitAsync(cancel);
            Interlocked.Increment(ref _reads);
            return Answer(after);
        }

        public Task<(LogPosition Position, byte[] Bytes)?> ReadImageAsync(long atMost, string part, CancellationToken cancel)
        {
            Interlocked.Increment(ref _images);
            return HasNoImages ? throw new MeshUnavailableException("no image") : Task.FromResult<(LogPosition, byte[])?>(null);
        }
    }
}
