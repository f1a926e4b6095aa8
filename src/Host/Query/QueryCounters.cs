using MeshDns.Contracts.Dns;
using MeshDns.Host.Resolve;
using MeshDns.Host.Telemetry;

namespace MeshDns.Host.Query;

/// <summary>
/// Counts of one writer: plain additions when it belongs to one loop, interlocked ones when it is shared. Read by anybody at any time; a reader may
/// see a count a little late, never a wrong one.
/// </summary>
public sealed class QueryCounters
{
    // A cache line of padding on both sides keeps two loops' counters from sharing one.
    private const int Padding = 16;
    private static readonly int _stages = Enum.GetValues<Stage>().Length;
    private static readonly int _end = Padding + (TypeBuckets.Count * RcodeBuckets.Count * _stages);
    private readonly bool _isShared;
    // Behind the last count by type, rcode and stage: the queries that came.
    private readonly long[] _counts = new long[_end + 1 + Padding];

    /// <param name="transport">The label: <c>udp</c> or <c>tcp</c>.</param>
    /// <param name="isShared">True when several threads count.</param>
    public QueryCounters(string transport, bool isShared)
    {
        Transport = transport;
        _isShared = isShared;
        Latency = Histogram.ForAnswers(isShared);
    }

    /// <summary>The label.</summary>
    public string Transport { get; }

    /// <summary>How long replies took.</summary>
    public Histogram Latency { get; }

    /// <summary>Queries that came.</summary>
    internal long Received => Volatile.Read(ref _counts[_end]);

    /// <summary>Counts queries when they come; each is counted once more when it is known what becomes of it.</summary>
    public void CountReceived(int queries)
    {
        if (_isShared) Interlocked.Add(ref _counts[_end], queries);
        else Volatile.Write(ref _counts[_end], _counts[_end] + queries);
    }

    /// <summary>Counts one query.</summary>
    /// <param name="type">What was asked; <see cref="DnsType.None"/> when there was no question.</param>
    /// <param name="rcode">The reply's rcode; of no meaning for <see cref="Stage.Drop"/> and what follows it.</param>
    /// <param name="stage">The step that answered.</param>
    public void Count(DnsType type, Rcode rcode, Stage stage)
    {
        ref var count = ref _counts[Padding + (((TypeBuckets.Of(type) * RcodeBuckets.Count) + RcodeBuckets.Of(rcode)) * _stages) + (int)stage];
        if (_isShared) Interlocked.Increment(ref count);
        else Volatile.Write(ref count, count + 1);
    }

    /// <summary>Adds everything counted so far to a table by type, rcode and stage.</summary>
    internal void AddTo(Dictionary<(string Type, string Rcode, string Stage), long> sums)
    {
        for (var i = Padding; i < _end; i++)
        {
            var count = Volatile.Read(ref _counts[i]);
            if (count == 0) continue;
            var stage = (i - Padding) % _stages;
            var rcode = (i - Padding) / _stages % RcodeBuckets.Count;
            var type = (i - Padding) / _stages / RcodeBuckets.Count;
            var key = (TypeBuckets.Name(type), (Stage)stage >= Stage.Drop ? "none" : RcodeBuckets.Name(rcode), StageNames.Of((Stage)stage));
            sums[key] = sums.GetValueOrDefault(key) + count;
        }
    }
}

/// <summary>The stages as labels.</summary>
internal static class StageNames
{
    private static readonly string[] _names = [.. Enum.GetNames<Stage>().Select(n => n.ToLowerInvariant())];

    public static string Of(Stage stage) => _names[(int)stage];
}

/// <summary>The few types that get a label of their own, so that a client cannot make the metrics grow.</summary>
internal static class TypeBuckets
{
    private static readonly DnsType[] _types =
        [DnsType.A, DnsType.AAAA, DnsType.CNAME, DnsType.MX, DnsType.NS, DnsType.PTR, DnsType.SOA, DnsType.SRV, DnsType.TXT, DnsType.HTTPS, DnsType.SVCB, DnsType.ANY];

    private static readonly byte[] _bucketOf = Table();

    public static int Count => _types.Length + 2;

    public static int Of(DnsType type) => (int)type < _bucketOf.Length ? _bucketOf[(int)type] : _types.Length;

    public static string Name(int bucket) => bucket < _types.Length ? _types[bucket].ToString() : bucket == _types.Length ? "other" : "none";

    private static byte[] Table()
    {
        var table = new byte[256];
        Array.Fill(table, (byte)_types.Length);
        for (var i = 0; i < _types.Length; i++) table[(int)_types[i]] = (byte)i;
        table[0] = (byte)(_types.Length + 1);
        return table;
    }
}

/// <summary>The rcodes by their registry's names; those that we never send share one.</summary>
internal static class RcodeBuckets
{
    private static readonly string[] _names = ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "BADVERS", "other"];

    public static int Count => _names.Length;

    public static int Of(Rcode rcode) => rcode <= Rcode.Refused ? (int)rcode : rcode == Rcode.BadVers ? 6 : 7;

    public static string Name(int bucket) => _names[bucket];
}
