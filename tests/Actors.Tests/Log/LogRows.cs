using MeshDns.Actors.Log;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Vips;

namespace MeshDns.Actors.Tests.Log;

/// <summary>A small log: eight buckets, fourteen VIPs, transactions laid out one after the other.</summary>
internal sealed class LogRows
{
    public const string TermA = "aaaaaaaaaaaaaaaa";
    public const string TermB = "bbbbbbbbbbbbbbbb";

    private MeshState _state;

    public LogRows()
    {
        _state = Fold.Empty;
        Begin(TermA);
    }

    public static Buckets Buckets { get; } = new(8);

    public static VipRange Range { get; } = new(Cidr.Parse("240.240.0.0/28"), Cidr.Parse("2001:2::/48"));

    public static MeshFold Fold { get; } = new(Range, Buckets);

    public List<LogRow> Rows { get; } = [];

    public MeshState State => _state;

    public string Term { get; private set; } = "";

    public Transaction Begin(string term)
    {
        Term = term;
        return Write([new AllocatorStarted(_state.Epoch + 1, "n1", 1) { At = _state.At }]);
    }

    public Transaction Grant(int index, string host) => Write([new VipGranted(index, HostName.Parse(host)) { At = _state.At + 1 }]);

    /// <summary>A document of the bucket that its name falls into, with large text in it on demand.</summary>
    public static MeshEvent Put(string name, long version, int padding = 0) =>
        new DocumentPut(Make.Entry(name, [name + ".example"]) with { Labels = padding == 0 ? null : new Dictionary<string, string> { ["padding"] = Noise(padding, name) } }, version, "api", 0, 0);

    /// <summary>Documents d0, d1, ... Each bucket counts its versions.</summary>
    public static IEnumerable<MeshEvent> Puts(int count, int padding = 0) => Enumerable.Range(0, count).Select(i => Put("d" + i, i + 1, padding));

    public Transaction Write(IReadOnlyList<MeshEvent> facts, params RememberedKey[] keys)
    {
        var written = Lay(facts, keys) ?? throw new InvalidOperationException("it does not fit");
        Rows.AddRange(written.Rows);
        _state = Fold.Apply(_state, written.Whole);
        return written.Whole;
    }

    public WrittenTransaction? Lay(IReadOnlyList<MeshEvent> facts, params RememberedKey[] keys) =>
        new TransactionWriter(Buckets).Write(new TransactionDraft(_state.At + 1, "test", facts, keys), _state.Position, Term, bucket => _state.LastOf[bucket]);

    public static List<Transaction> Read(IEnumerable<LogRow> rows, LogPosition? after = null)
    {
        var reader = new TransactionReader(after ?? LogPosition.Start, 0);
        var found = new List<Transaction>();
        foreach (var row in rows)
        {
            (reader, var whole) = reader.Read(row, Buckets);
            if (whole is not null) found.Add(whole);
        }
        return found;
    }

    // Text that does not shrink when it is deflated.
    private static string Noise(int length, string seed)
    {
        var random = new Random(seed.Length);
        var bytes = new byte[length / 4 * 3];
        random.NextBytes(bytes);
        return Convert.ToBase64String(bytes);
    }
}
