using MeshDns.Actors.Log;

namespace MeshDns.Actors.Following;

/// <summary>The newest rows that a follower has taken in, so that readers of its node's feed cost the database nothing. Bounded; any thread.</summary>
internal sealed class FeedTail
{
    /// <summary>No more rows are kept.</summary>
    public const int MostRows = 20_000;

    /// <summary>Nor more bytes of them.</summary>
    public const long MostBytes = 32 << 20;

    private readonly Lock _gate = new();
    private readonly List<LogRow> _rows = [];
    private LogPosition? _before;
    private LogPosition _end;
    private long _bytes;
    private int _head;
    private TaskCompletionSource _news = NewSignal();

    /// <summary>Done when something has changed since it was taken.</summary>
    public Task News => Volatile.Read(ref _news).Task;

    /// <summary>Takes rows in: whole transactions.</summary>
    /// <param name="before">The place after which they come.</param>
    /// <param name="rows">In order.</param>
    public void Add(LogPosition before, IReadOnlyList<LogRow> rows)
    {
        lock (_gate)
        {
            if (_before is null || before != _end) Begin(before);
            foreach (var row in rows)
            {
                _rows.Add(row);
                _bytes += row.Payload.Length;
                _end = row.Position;
            }
            while (_rows.Count - _head > MostRows || _bytes > MostBytes)
            {
                var gone = _rows[_head++];
                _bytes -= gone.Payload.Length;
                _before = gone.Position;
            }
            // Now and then, as moving what stays costs more than a row.
            if (_head > MostRows / 4 || _head > _rows.Count / 2)
            {
                _rows.RemoveRange(0, _head);
                _head = 0;
            }
        }
        Wake();
    }

    /// <summary>Forgets all rows: they may be of a past that is gone.</summary>
    public void Clear()
    {
        lock (_gate)
        {
            _rows.Clear();
            (_before, _bytes, _head) = (null, 0, 0);
        }
    }

    /// <summary>Wakes who waits for <see cref="News"/>.</summary>
    public void Wake() => Interlocked.Exchange(ref _news, NewSignal()).TrySetResult();

    /// <summary>What comes after a place, as much as fits a slice, and whether that is all; null when the rows kept here do not reach back to it.</summary>
    public (IReadOnlyList<LogRow> Rows, bool IsAll)? After(LogPosition place)
    {
        lock (_gate)
        {
            // Each of thousands of readers asks after each change: its row is found by its number, not looked for.
            if (_before is not { } before || place.Number < before.Number || place.Number > _end.Number) return null;
            var next = _head + (int)(place.Number - before.Number);
            if (place != (next == _head ? before : _rows[next - 1].Position)) return null;
            var rows = new List<LogRow>();
            for (var bytes = 0L; next < _rows.Count; next++)
            {
                if (rows.Count >= Store.LogSlice.MostRows || bytes >= Store.LogSlice.MostBytes) return (rows, false);
                rows.Add(_rows[next]);
                bytes += _rows[next].Payload.Length;
            }
            return (rows, true);
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    // Under the gate.
    private void Begin(LogPosition before)
    {
        _rows.Clear();
        (_before, _end, _bytes, _head) = (before, before, 0, 0);
    }
}
