using MeshDns.Actors.Log;

namespace MeshDns.Actors.Tests.Log.Simulation;

/// <summary>How much the journal's own guard looks at. Less than everything is a planted mistake.</summary>
internal enum ChainCheck
{
    Whole,
    NumbersOnly,
    Off,
}

/// <summary>What a read found, of one snapshot.</summary>
internal sealed record LogRead(bool Holds, IReadOnlyList<LogRow> Rows, bool IsAll, long DatabaseMs);

/// <summary>One database: the rows as they are there, its clock, and the one transaction that may hold the next number. What is on its way to it is <see cref="SimulatedLog"/>'s.</summary>
internal sealed class LogDatabase(Agenda agenda, ChainCheck chain)
{
    private readonly SortedDictionary<long, LogRow> _rows = [];
    private readonly Dictionary<long, long> _writtenAt = [];
    private readonly Dictionary<long, StoredImage> _images = [];

    public long ClockOffsetMs { get; set; }

    /// <summary>True for an old primary that a cut leaves alone: what has to wait for the standby never ends.</summary>
    public bool IsCutOff { get; set; }

    /// <summary>The append that has inserted and not committed: whoever wants the same numbers waits for it.</summary>
    public LogAppend? Open { get; set; }

    public LinkedList<LogAppend> Waiting { get; } = [];

    public long ClockMs => LogProcess.EpochMs + agenda.NowMs + ClockOffsetMs;

    public IReadOnlyCollection<LogRow> Rows => _rows.Values;

    public LogPosition End => _rows.Count == 0 ? LogPosition.Start : _rows[Last].Position;

    /// <summary>By how much a transaction was stamped before the database's own time, at most.</summary>
    public long OldestStampMs { get; private set; }

    private long Last { get; set; }

    public LogDatabase Copy()
    {
        var copy = new LogDatabase(agenda, chain) { ClockOffsetMs = ClockOffsetMs, Last = Last };
        foreach (var (number, row) in _rows) copy._rows.Add(number, row);
        foreach (var (number, at) in _writtenAt) copy._writtenAt.Add(number, at);
        foreach (var (number, image) in _images) copy._images.Add(number, image);
        return copy;
    }

    /// <summary>What the unique key and the trigger say of rows.</summary>
    public bool Takes(IReadOnlyList<LogRow> rows)
    {
        var first = rows[0];
        if (rows.Any(r => _rows.ContainsKey(r.Number))) return false;
        if (chain == ChainCheck.Off || first.Number == 1) return true;
        return _rows.TryGetValue(first.Number - 1, out var before) && (chain == ChainCheck.NumbersOnly || before.Term == first.PreviousTerm);
    }

    public void Add(IReadOnlyList<LogRow> rows)
    {
        foreach (var row in rows)
        {
            _rows.Add(row.Number, row);
            _writtenAt[row.Number] = agenda.NowMs;
        }
        Last = Math.Max(Last, rows[^1].Number);
        if (rows[^1].Kind == RowKind.Closing) OldestStampMs = Math.Max(OldestStampMs, ClockMs - ((Closing)RowCodec.Decode(rows[^1])).At);
    }

    public bool Has(LogPosition position) => position == LogPosition.Start || (_rows.TryGetValue(position.Number, out var row) && row.Term == position.Term);

    /// <summary>Since when there has been something after a place, by the world's own clock; null when there is nothing, or the place is not one of this log.</summary>
    public long? NewsSince(LogPosition place) => Has(place) && _writtenAt.TryGetValue(place.Number + 1, out var at) ? at : null;

    public LogRead Read(LogPosition after, int most, bool isNumberEnough)
    {
        if (!(isNumberEnough ? after.Number <= Last : Has(after))) return new LogRead(false, [], false, ClockMs);
        var rows = new List<LogRow>();
        for (var number = after.Number + 1; number <= Last && rows.Count < most; number++) if (_rows.TryGetValue(number, out var row)) rows.Add(row);
        return new LogRead(true, rows, rows.Count == 0 || rows[^1].Number == Last, ClockMs);
    }

    /// <summary>The rows of one bucket after a place, up to another, and the closing rows between them.</summary>
    public IReadOnlyList<LogRow> ReadTagged(string tag, LogPosition after, LogPosition upTo)
    {
        var rows = new List<LogRow>();
        for (var number = after.Number + 1; number <= upTo.Number; number++) if (_rows.TryGetValue(number, out var row) && row.Tag == tag) rows.Add(row);
        return rows;
    }

    /// <summary>The image table is not guarded: an image counts when a row says so.</summary>
    public void Store(MeshImage image) => _images[image.Position.Number] = new StoredImage(image, image.Digest);

    /// <summary>The image that a row vouches for, when it is there and is what the row says.</summary>
    public MeshImage? Find(long number, string term, string digest) =>
        _images.TryGetValue(number, out var stored) && stored.Image.Position.Term == term && stored.Digest == digest && Has(stored.Image.Position) ? stored.Image : null;

    private sealed record StoredImage(MeshImage Image, string Digest);
}

/// <summary>How an append ended, as its client learns it.</summary>
internal enum AppendEnd
{
    Done,
    Collision,
    InDoubt,
}

/// <summary>An append from the moment at which its client began it.</summary>
internal sealed class LogAppend(LogProcess process, IReadOnlyList<LogRow> rows, Action<AppendEnd> done)
{
    private bool _isSettled;

    public LogProcess Process => process;

    public IReadOnlyList<LogRow> Rows => rows;

    /// <summary>True once the client has given it up and cancelled it, where the cancel arrives.</summary>
    public bool IsCancelled { get; set; }

    /// <summary>True once its COMMIT waits for a standby: it is not idle any more.</summary>
    public bool IsCommitting { get; set; }

    public void Settle(AppendEnd end)
    {
        if (_isSettled) return;
        _isSettled = true;
        done(end);
    }

    public bool IsSettled => _isSettled;
}
