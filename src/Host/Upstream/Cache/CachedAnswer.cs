using MeshDns.Contracts.Dns;
using MeshDns.Host.Upstream.Servers;

namespace MeshDns.Host.Upstream.Cache;

/// <summary>What an answer says, which decides how long it is kept.</summary>
internal enum AnswerKind
{
    /// <summary>Records of the type asked for.</summary>
    Positive,

    /// <summary>NXDOMAIN or NODATA (RFC 2308).</summary>
    Negative,

    /// <summary>No server gave an answer: SERVFAIL (RFC 9520).</summary>
    Failure,
}

/// <summary>
/// A filtered answer in wire form, ready to be sent after its id, flags, question name, TTLs and OPT record are put in. Immutable but for three
/// marks that are only hints: whether a refresh was begun, and when and how often the latest refresh failed.
/// </summary>
internal sealed class CachedAnswer
{
    /// <summary>How long past its lifetime an answer may still be served when nothing better is to be had (RFC 8767 section 5).</summary>
    public const long StaleMs = 24L * 3600 * 1000;

    /// <summary>The TTL of stale records, in seconds (RFC 8767 section 4).</summary>
    public const uint StaleTtl = 30;

    private const uint LeastPrefetchLifetime = 10;
    private const int RefreshIdle = 0;
    private const int RefreshClaimed = 1;
    private const int RefreshStarted = 2;

    private int _refresh;
    private long _failedUntilMs = long.MinValue;

    /// <summary>Header, question with the folded name, answer and authority sections; no OPT record.</summary>
    public required byte[] Message { get; init; }

    /// <summary>Where the TTLs are.</summary>
    public ushort[] TtlOffsets { get; init; } = [];

    /// <summary>The first byte after the question.</summary>
    public required int QuestionEnd { get; init; }

    /// <summary>The targets of the CNAME records of the chain, folded, in the order of the records. Those that are ours end the chain when served.</summary>
    public byte[][] Targets { get; init; } = [];

    /// <summary>What it says.</summary>
    public required AnswerKind Kind { get; init; }

    /// <summary>The upstream's AD, withdrawn when something was stripped.</summary>
    public bool AuthenticData { get; init; }

    /// <summary>Why it is a failure (RFC 8914).</summary>
    public EdeCode? ExtendedError { get; init; }

    /// <summary>The same in words, ASCII.</summary>
    public byte[] ExtendedErrorText { get; init; } = [];

    /// <summary>When it came, on the <see cref="UpstreamClock"/>.</summary>
    public required long StoredAtMs { get; init; }

    /// <summary>How long it is fresh, in seconds; 0: it is shared by the queries that waited for it, but not kept.</summary>
    public required uint LifetimeSeconds { get; init; }

    /// <summary>The response code.</summary>
    public Rcode Rcode => DnsHeader.GetRcode(Message);

    /// <summary>How many attempts in a row failed; each doubles the wait before the next (RFC 9520 section 3.2).</summary>
    public int Failures { get; set; }

    /// <summary>The bytes that it takes: its arrays with their headers and its own fields.</summary>
    public int SizeBytes
    {
        get
        {
            const int ArrayHeaderSize = 24;
            const int FieldsSize = 112;
            int size = FieldsSize + Message.Length + ArrayHeaderSize + (TtlOffsets.Length * sizeof(ushort)) + ArrayHeaderSize;
            foreach (byte[] target in Targets)
                size += target.Length + ArrayHeaderSize + sizeof(long);
            return size + ExtendedErrorText.Length;
        }
    }

    private long ExpiresAtMs => StoredAtMs + (LifetimeSeconds * 1000L);

    /// <summary>Its age in whole seconds.</summary>
    public uint AgeSeconds(long nowMs) => (uint)(Math.Max(0, nowMs - StoredAtMs) / 1000);

    /// <summary>True while its TTLs last.</summary>
    public bool IsFresh(long nowMs) => nowMs < ExpiresAtMs;

    /// <summary>True while it may stand in for an answer that cannot be had; never for a failure.</summary>
    public bool IsServableStale(long nowMs) => Kind != AnswerKind.Failure && nowMs < ExpiresAtMs + StaleMs;

    /// <summary>True when a refresh failed so recently that another attempt would only add to the trouble (RFC 9520, RFC 8767 section 5).</summary>
    public bool IsInFailureWindow(long nowMs) => nowMs < Volatile.Read(ref _failedUntilMs);

    /// <summary>Begins such a window.</summary>
    public void MarkFailed(long untilMs) => Volatile.Write(ref _failedUntilMs, untilMs);

    /// <summary>True in the last tenth of a lifetime of at least 10 s.</summary>
    public bool IsNearExpiry(long nowMs) =>
        Kind != AnswerKind.Failure && LifetimeSeconds >= LeastPrefetchLifetime && ExpiresAtMs - nowMs < LifetimeSeconds * 100L;

    /// <summary>True for exactly one caller: the one edge loop that lets its query through to the forwarder, which then refreshes.</summary>
    public bool TryClaimRefresh() => Volatile.Read(ref _refresh) == RefreshIdle
        && Interlocked.CompareExchange(ref _refresh, RefreshClaimed, RefreshIdle) == RefreshIdle;

    /// <summary>True for exactly one caller: the one that begins the refresh.</summary>
    public bool TryStartRefresh() => Interlocked.Exchange(ref _refresh, RefreshStarted) != RefreshStarted;
}
