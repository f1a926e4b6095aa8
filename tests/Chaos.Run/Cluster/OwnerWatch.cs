using MeshDns.Chaos.Run.Database;

namespace MeshDns.Chaos.Run.Cluster;

/// <summary>Looks again and again which streams no live member owns by the database, and keeps the longest time of each.</summary>
internal sealed class OwnerWatch : IAsyncDisposable
{
    private static readonly TimeSpan _between = TimeSpan.FromMilliseconds(250);

    private readonly IJournalStore _store;
    private readonly Clock _clock;
    private readonly CancellationTokenSource _stop = new();
    private readonly Dictionary<string, long> _since = [];
    private readonly Dictionary<string, long> _longest = [];
    private readonly Task _watching;

    public OwnerWatch(IJournalStore store, Clock clock)
    {
        _store = store;
        _clock = clock;
        _watching = WatchAsync();
    }

    /// <summary>The longest time that any stream had no owner.</summary>
    public TimeSpan Longest => TimeSpan.FromMilliseconds(_longest.Values.DefaultIfEmpty().Max());

    /// <summary>The longest time that a stream had no owner.</summary>
    public TimeSpan LongestOf(string stream) => TimeSpan.FromMilliseconds(_longest.GetValueOrDefault(stream));

    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await _watching;
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _stop.Dispose();
    }

    private async Task WatchAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            // Null while the database does not answer: who was without an owner before and after was so all the time.
            if (await _store.OwnerlessAsync() is { } ownerless) Take(ownerless);
            try { await Task.Delay(_between, _stop.Token); }
            catch (OperationCanceledException) { }
        }
    }

    private void Take(IReadOnlyList<string> ownerless)
    {
        foreach (var stream in _since.Keys.Except(ownerless).ToArray()) _since.Remove(stream);
        foreach (var stream in ownerless)
        {
            if (!_since.TryGetValue(stream, out var since)) _since[stream] = since = _clock.Now;
            _longest[stream] = Math.Max(_longest.GetValueOrDefault(stream), _clock.Now - since);
        }
    }
}
