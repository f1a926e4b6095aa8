using MeshDns.Contracts.Messages;

namespace MeshDns.Actors.Following;

/// <summary>The nodes without a database that read from this one: what they said of themselves, how far they have read, and who is to take itself out. Bounded; any thread.</summary>
internal sealed class FeedReaders(TimeProvider time, Action wake)
{
    private const string Draining = "draining";
    private const int MaxReaders = 4096;

    // A reader that is silent for so long is not there any more.
    private static readonly TimeSpan _lifetime = TimeSpan.FromSeconds(10);

    // A reader asks once a second and gives a silent owner up after two: one that has not asked for so long reads elsewhere, or nowhere.
    private static readonly TimeSpan _awaitedLifetime = TimeSpan.FromSeconds(3);

    private static readonly TimeSpan _look = TimeSpan.FromMilliseconds(10);

    private readonly Lock _gate = new();
    private readonly Dictionary<string, Reader> _readers = [];

    /// <summary>Those that have read from this node lately.</summary>
    public IReadOnlyList<KnownReader> All
    {
        get
        {
            lock (_gate) return [.. _readers.Values.Where(r => !IsSilent(r, _lifetime)).Select(r => new KnownReader(r.Report, (long)time.GetElapsedTime(r.SeenAt).TotalMilliseconds))];
        }
    }

    /// <summary>Notes that a reader asked; false when there are too many.</summary>
    public bool TryNote(EdgeReport report, long number)
    {
        lock (_gate)
        {
            if (!_readers.TryGetValue(report.Node, out var before) && _readers.Count >= MaxReaders)
            {
                foreach (var gone in _readers.Where(r => IsSilent(r.Value, _lifetime)).Select(r => r.Key).ToArray()) _readers.Remove(gone);
                if (_readers.Count >= MaxReaders) return false;
            }
            // Another start of it was told nothing, and need not be.
            var isToDrain = before is { IsToDrain: true } && before.Report.Incarnation == report.Incarnation;
            _readers[report.Node] = new Reader(report, number, time.GetTimestamp()) { IsToDrain = isToDrain };
            return true;
        }
    }

    /// <summary>True when the reader is to be told that it has to take itself out.</summary>
    public bool IsToBeTold(string node)
    {
        lock (_gate) return _readers.TryGetValue(node, out var reader) && reader is { IsToDrain: true, Report.State: not Draining };
    }

    /// <summary>Waits until every reader has read this far; names those that have not.</summary>
    public async Task<IReadOnlyList<string>> AwaitAsync(long number, TimeSpan patience)
    {
        var begin = time.GetTimestamp();
        while (true)
        {
            string[] behind;
            lock (_gate) behind = [.. _readers.Values.Where(r => r.Number < number && !IsSilent(r, _awaitedLifetime)).Select(r => r.Report.Node)];
            if (behind.Length == 0 || time.GetElapsedTime(begin) >= patience) return behind;
            await Task.Delay(_look, time);
        }
    }

    /// <summary>Has a reader take itself out and waits until it says that it does; false when nobody of this name reads here.</summary>
    /// <exception cref="MeshUnavailableException">It has not said so in time.</exception>
    public async Task<bool> DrainAsync(string node, TimeSpan patience)
    {
        var begin = time.GetTimestamp();
        lock (_gate)
        {
            if (!_readers.TryGetValue(node, out var reader) || IsSilent(reader, _lifetime)) return false;
            reader.IsToDrain = true;
        }
        wake();
        while (true)
        {
            lock (_gate)
            {
                if (!_readers.TryGetValue(node, out var reader) || !reader.IsToDrain) return false;
                if (reader.Report.State == Draining) return true;
                // It reads from another owner, which is asked next. Should it come back, it is told.
                if (IsSilent(reader, _awaitedLifetime)) return false;
            }
            if (time.GetElapsedTime(begin) >= patience) throw new MeshUnavailableException($"{node} has not said that it drains");
            await Task.Delay(_look, time);
        }
    }

    private bool IsSilent(Reader reader, TimeSpan lifetime) => time.GetElapsedTime(reader.SeenAt) >= lifetime;

    private sealed class Reader(EdgeReport report, long number, long seenAt)
    {
        public EdgeReport Report => report;

        public long Number => number;

        public long SeenAt => seenAt;

        public bool IsToDrain { get; set; }
    }
}
