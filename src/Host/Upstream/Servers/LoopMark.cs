using System.Buffers.Binary;
using System.Security.Cryptography;
using MeshDns.Contracts.Dns;

namespace MeshDns.Host.Upstream.Servers;

/// <summary>
/// Finds out that we are our own upstream. Now and then (<see cref="MarkSample"/>) a query to a server carries a random mark of this process in an
/// EDNS option from the range for local use (RFC 6891 section 9); a query that arrives with our own mark has come round. Marks of other nodes are passed on, at most
/// <see cref="MaxMarks"/>, so that a ring of several nodes is found too. Resolvers ignore the option (RFC 6891 section 6.1.2). A loop through a
/// resolver that drops it ends in the single flight of the question: it costs one query its deadline, and never multiplies.
/// </summary>
internal sealed class LoopMark
{
    /// <summary>The option's code.</summary>
    public const EdnsOptionCode OptionCode = (EdnsOptionCode)65153;

    /// <summary>The most marks in one query; a query with more has been round too many nodes and counts as looping.</summary>
    public const int MaxMarks = 8;

    private const int MarkSize = 8;
    private const int OptionHeaderSize = 4;
    private const long LoopMemoryMs = 60_000;
    private readonly byte[] _mark = RandomNumberGenerator.GetBytes(MarkSize);
    private byte[]? _own;
    private long _loopsUntilMs = long.MinValue;

    /// <summary>
    /// How a query that we originate or pass on is marked: always when it came with marks, which may be another node's way to find its loop, and
    /// while a loop stands, so that each query of it is refused at once; else when the server's turn comes.
    /// </summary>
    /// <param name="marks">The marks that it came with.</param>
    /// <param name="nowMs">The time on the <see cref="UpstreamClock"/>.</param>
    public LoopMarking For(ReadOnlySpan<byte> marks, long nowMs) => new(marks.IsEmpty ? _own ??= ToOption([]) : ToOption(marks), !marks.IsEmpty || nowMs < Volatile.Read(ref _loopsUntilMs));

    /// <summary>Tells that a query has come round.</summary>
    public void OnLoop(long nowMs) => Volatile.Write(ref _loopsUntilMs, nowMs + LoopMemoryMs);

    /// <summary>The option: the marks that came, then ours.</summary>
    public byte[] ToOption(ReadOnlySpan<byte> marks)
    {
        var option = new byte[OptionHeaderSize + marks.Length + MarkSize];
        BinaryPrimitives.WriteUInt16BigEndian(option, (ushort)OptionCode);
        BinaryPrimitives.WriteUInt16BigEndian(option.AsSpan(2), (ushort)(marks.Length + MarkSize));
        marks.CopyTo(option.AsSpan(OptionHeaderSize));
        _mark.CopyTo(option.AsSpan(OptionHeaderSize + marks.Length));
        return option;
    }

    /// <summary>Reads the marks that a client's packet carries. True when the query has come round.</summary>
    public bool HasLooped(ReadOnlySpan<byte> packet, out ReadOnlySpan<byte> marks)
    {
        marks = ReadMarks(packet);
        if (marks.Length >= MaxMarks * MarkSize)
            return true;
        for (int at = 0; at < marks.Length; at += MarkSize)
        {
            if (marks.Slice(at, MarkSize).SequenceEqual(_mark))
                return true;
        }
        return false;
    }

    private static ReadOnlySpan<byte> ReadMarks(ReadOnlySpan<byte> packet)
    {
        var reader = new MessageReader(packet);
        while (reader.TryReadRecord(out RecordView record))
        {
            if (!OptView.TryRead(packet, record, out _))
                continue;
            var options = new EdnsOptionReader(record.Rdata(packet));
            while (options.TryRead(out EdnsOptionCode code, out ReadOnlySpan<byte> data))
            {
                if (code == OptionCode && data.Length % MarkSize == 0)
                    return data;
            }
        }
        return default;
    }
}

/// <summary>The mark of one query.</summary>
/// <param name="Option">The EDNS option.</param>
/// <param name="IsAlways">True: every server gets it; false: one whose turn it is.</param>
internal readonly record struct LoopMarking(byte[] Option, bool IsAlways);

/// <summary>
/// Which queries to one server carry the mark: the first, then at most one in ten seconds. That finds a loop as soon as it is asked and one that begins
/// later within seconds, and does not hand a constant name of this process to a public resolver with every query.
/// </summary>
internal sealed class MarkSample
{
    /// <summary>The least time between two marks, in milliseconds.</summary>
    public const long IntervalMs = 10_000;

    private long _dueAtMs = long.MinValue;

    /// <summary>True for exactly one caller each time a mark is due.</summary>
    public bool TryTake(long nowMs)
    {
        long dueAtMs = Volatile.Read(ref _dueAtMs);
        return nowMs >= dueAtMs && Interlocked.CompareExchange(ref _dueAtMs, nowMs + IntervalMs, dueAtMs) == dueAtMs;
    }
}
