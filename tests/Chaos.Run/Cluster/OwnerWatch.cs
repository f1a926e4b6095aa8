namespace MeshDns.Chaos.Run.Cluster;

/// <summary>
/// Asks living nodes again and again who owns which stream, and keeps for each the longest time in which nobody did, as far as they knew. Who does not answer
/// the others is no member in what they say, and owns nothing.
/// </summary>
internal sealed class OwnerWatch : IAsyncDisposable
{
    private static readonly TimeSpan _between = TimeSpan.FromMilliseconds(250);

    private readonly Func<Task<ClusterView?>> _view;
    private readonly Clock _clock;
    private readonly CancellationTokenSource _stop = new();
    private readonly Dictionary<string, long> _since = [];
    private readonly Dictionary<string, long> _longest = [];
    private readonly Task _watching;

    public OwnerWatch(Func<Task<ClusterView?>> view, Clock clock)
    {
        _view = view;
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
            // Null while no node answers: who was without an owner before and after was so all the time.
            if (await _view() is { } view) Take([.. view.Ownerless]);
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
