using MeshDns.Actors.Following;
using MeshDns.Actors.Log;
using MeshDns.Actors.Store;
using MeshDns.Tests.Shared;

namespace MeshDns.Engine.Tests.Following;

/// <summary>How old what is read may get where a standby has to confirm it.</summary>
public sealed class ConfirmedReadsTests
{
    private readonly ManualTimeProvider _time = new();
    private readonly QuietLog _log = new();

    [Fact]
    public async Task Nothing_new_is_confirmed_each_time_that_it_has_to_be_and_its_age_counts_from_then()
    {
        var reads = new ConfirmedReads(_log, () => TimeSpan.FromSeconds(6), _time);
        var ages = new List<long>();
        for (var i = 0; i < 4; i++, _time.Advance(TimeSpan.FromSeconds(3))) ages.Add((await reads.ReadAsync(LogPosition.Start, default)).AgeMs);
        Assert.Equal([true, false, true, false], _log.Confirmed);
        Assert.Equal([0L, 3000, 0, 3000], ages);
    }

    [Fact]
    public async Task Without_a_standby_what_is_read_is_of_now()
    {
        var reads = new ConfirmedReads(_log, null, _time);
        _time.Advance(TimeSpan.FromSeconds(60));
        Assert.Equal(0, (await reads.ReadAsync(LogPosition.Start, default)).AgeMs);
        Assert.Equal([false], _log.Confirmed);
    }

    private sealed class QuietLog : ILogStore
    {
        public List<bool> Confirmed { get; } = [];

        public string ClusterId => "";

        public Task<LogSlice> ReadAsync(LogPosition after, bool isConfirmed, CancellationToken cancel)
        {
            Confirmed.Add(isConfirmed);
            return Task.FromResult(new LogSlice(true, [], true, 0));
        }

        public Task<LogEnd> LookAsync(CancellationToken cancel) => throw new NotSupportedException();

        public Task<IReadOnlyList<LogRow>?> ReadTaggedAsync(string tag, long after, LogPosition upTo, CancellationToken cancel) => throw new NotSupportedException();

        public Task SaveImageAsync(MeshImage image, CancellationToken cancel) => throw new NotSupportedException();

        public Task VouchAsync(LogPosition image, long row, CancellationToken cancel) => throw new NotSupportedException();

        public Task<MeshImage?> FindImageAsync(long atMost, IReadOnlyCollection<string>? parts, CancellationToken cancel) => throw new NotSupportedException();

        public Task CutAsync(long below, CancellationToken cancel) => throw new NotSupportedException();

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
