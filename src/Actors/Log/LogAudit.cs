using MeshDns.Actors.Shards;
using MeshDns.Actors.Vips;
using MeshDns.Contracts.Names;

namespace MeshDns.Actors.Log;

/// <summary>What an audit saw.</summary>
/// <param name="Rows">Rows of the log.</param>
/// <param name="Transactions">Whole transactions that were read.</param>
/// <param name="Events">Facts in them.</param>
/// <param name="Documents">Documents at the end.</param>
/// <param name="Hosts">Hosts at the end.</param>
/// <param name="Leases">Leases at the end.</param>
/// <param name="Breaches">What does not hold, one sentence each; empty when all is well. At most <see cref="MostBreaches"/>.</param>
public sealed record LogAuditReport(int Rows, int Transactions, long Events, int Documents, int Hosts, int Leases, IReadOnlyList<string> Breaches)
{
    /// <summary>More are not told: what is broken further on mostly hangs on the first.</summary>
    public const int MostBreaches = 100;
}

/// <summary>
/// Replays a whole log, from its first row or, where rows were cut away, from the oldest image, and checks what the promises rest on: the chain of rows and terms, whole transactions, one
/// host a VIP both ways, rests against the settings, leases and hosts against documents, and every image against what the rows give. Whatever a damaged log makes the fold throw is a breach and is not thrown. Pure.
/// </summary>
internal sealed class LogAudit
{
    private readonly IReadOnlyList<LogRow> _rows;
    private readonly AuditBreaches _breaches = new();
    private readonly ImageAudit _images;
    private readonly Action<Transaction> _each;
    private readonly HolderWitness _holders;
    private readonly RestWitness _rests;
    private int _transactions;
    private long _events;

    private LogAudit(IReadOnlyList<LogRow> rows, IReadOnlyList<KeptImage> images, Action<Transaction> each)
    {
        _rows = rows;
        _images = new ImageAudit(rows, images, _breaches.Add);
        _holders = new HolderWitness(_breaches.Add);
        _rests = new RestWitness(_breaches.Add);
        _each = each;
    }

    /// <summary>Checks a log.</summary>
    /// <param name="rows">All that there are, in the order of their numbers.</param>
    /// <param name="images">All that are kept. One that names no row is not used by anybody, and not judged.</param>
    /// <param name="each">Told of each whole transaction, in order; also of those after one that cannot be replayed.</param>
    public static LogAuditReport Run(IReadOnlyList<LogRow> rows, IReadOnlyList<KeptImage> images, Action<Transaction>? each = null) =>
        new LogAudit(rows, images, each ?? (_ => { })).Run();

    private LogAuditReport Run()
    {
        CheckRows();
        _images.CheckVouchers();
        var state = _rows.Count > 0 ? Guarded("the log cannot be replayed", Replay) : null;
        var tables = state is null ? [] : CheckEnd(state);
        return new LogAuditReport(_rows.Count, _transactions, _events, tables.Values.Sum(t => t.Documents.Count), tables.Values.Sum(t => t.Hosts.Count), state?.Ledger.Leases.Count() ?? 0, _breaches.Texts);
    }

    // Of all rows, those too that an image stands for; the words are the reader's own, which says the same once more.
    private void CheckRows()
    {
        for (var i = 0; i < _rows.Count; i++)
        {
            var row = _rows[i];
            if (row.Payload.Length > LogRow.MaxBytes) _breaches.Add($"row {row.Number} has {row.Payload.Length} bytes, more than a row may have");
            if (row.Kind != RowKind.Facts && row.Tag != LogRow.MeshTag) _breaches.Add($"row {row.Number} belongs to no bucket and has the tag '{row.Tag}'");
            if (i > 0 && TransactionReader.WhyNotAfter(_rows[i - 1].Position, row) is { } why) _breaches.Add(why);
        }
    }

    private MeshState? Replay()
    {
        var begin = _images.Begin();
        if (_rows[0].Number != 1 && begin is null)
        {
            _breaches.Add($"the log begins with row {_rows[0].Number}, and no image that counts stands for what was before it");
            return null;
        }
        if (LogFounding.Find(_rows, begin?.Image) is not { } founding)
        {
            _breaches.Add("the log does not say which VIP ranges it has and how many buckets");
            return null;
        }
        var (range, buckets) = (founding.Range, founding.Buckets);
        var fold = new MeshFold(range, buckets);
        return Replay(fold, begin?.Image.Read(buckets, new VipLedgerCore(range)) ?? fold.Empty);
    }

    private MeshState Replay(MeshFold fold, MeshState state)
    {
        var reader = new TransactionReader(state.Position, state.At);
        var parts = new BucketRowAudit(fold.Buckets, state, _breaches.Add);
        var isFolding = true;
        _holders.Begin(state.Ledger);
        _rests.Begin(state.Ledger);
        _images.Compare(state, fold);
        foreach (var row in _rows.Where(r => r.Number > reader.Position.Number))
        {
            Transaction? whole;
            try { (reader, whole) = reader.Read(row, fold.Buckets); }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                // What comes after it may belong to another past.
                _breaches.Add(e.Message);
                return state;
            }
            parts.Take(row);
            if (whole is null) continue;
            (_transactions, _events) = (_transactions + 1, _events + whole.Facts.Count);
            _holders.Take(whole);
            _rests.Take(whole);
            _each(whole);
            if (!isFolding) continue;
            var next = Guarded($"the transaction at {whole.Position}", () => fold.Apply(state, whole));
            isFolding = next is not null;
            state = next ?? state;
            if (isFolding) _images.Compare(state, fold);
        }
        if (reader.Closed != reader.Position) _breaches.Add($"the log ends at {reader.Position}, within a transaction");
        if (!isFolding) return state;
        _images.CheckPlaces(state.Position);
        _holders.CheckEnd(state.Ledger);
        return state;
    }

    private Dictionary<int, ShardTable> CheckEnd(MeshState state)
    {
        var (ledger, tables) = (state.Ledger, new Dictionary<int, ShardTable>());
        for (var bucket = 0; bucket < state.Tables.Count; bucket++)
            if (Guarded($"the table of bucket {bucket}", () => state.Tables[bucket]) is { } table) tables.Add(bucket, table);
        if (state.Settings is not { } settings)
        {
            _breaches.Add("the log does not say which settings its nodes share");
            return tables;
        }
        Guarded("the end of the log", () =>
        {
            foreach (var breach in ledger.Breaches()) _breaches.Add(breach);
            foreach (var (index, host, _) in ledger.Leases)
                if (!ledger.Range.IsUsable(index)) _breaches.Add($"{host} holds {ledger.Range.IPv4(index)}, which is not usable");
            new TableAudit(tables, new Buckets(state.Tables.Count), HostName.Parse(settings.ClusterDomain), ledger.Range, _breaches.Add).Run(ledger);
            return ledger;
        });
        return tables;
    }

    // Damage takes any shape, a missing field included; whatever it broke, the answer is the same.
    private T? Guarded<T>(string what, Func<T?> work) where T : class
    {
        try { return work(); }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            _breaches.Add(e is BrokenLogException ? e.Message : $"{what}: {e.Message}");
            return null;
        }
    }
}

/// <summary>Sentences, each once, in the order in which they were found.</summary>
internal sealed class AuditBreaches
{
    private readonly List<string> _texts = [];
    private readonly HashSet<string> _seen = new(StringComparer.Ordinal);

    public IReadOnlyList<string> Texts => _texts;

    public void Add(string text)
    {
        if (_texts.Count < LogAuditReport.MostBreaches && _seen.Add(text)) _texts.Add(text);
    }
}
