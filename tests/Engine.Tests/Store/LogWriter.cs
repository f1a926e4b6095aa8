using MeshDns.Actors.Log;
using MeshDns.Contracts.Events;

namespace MeshDns.Engine.Tests.Store;

/// <summary>Writes rows as an allocator would, for tests that need a log without one.</summary>
internal sealed class LogWriter(int shards = 4)
{
    private readonly TransactionWriter _writer = new(new Buckets(shards));
    private readonly Dictionary<int, LogPosition> _last = [];

    public LogPosition Position { get; private set; } = LogPosition.Start;

    public string Term { get; private set; } = LogPosition.NoTerm;

    public long Epoch { get; private set; }

    /// <summary>Another incarnation's start; the first founds the log.</summary>
    public IReadOnlyList<LogRow> Start(string term, params MeshEvent[] facts)
    {
        Term = term;
        return Write([new AllocatorStarted(++Epoch, "test", 1) { At = Epoch }, .. facts]);
    }

    public IReadOnlyList<LogRow> Write(params MeshEvent[] facts)
    {
        var written = _writer.Write(new TransactionDraft(Epoch, "test", facts, []), Position, Term, b => _last.GetValueOrDefault(b, LogPosition.Start)) ?? throw new InvalidOperationException("too large");
        Position = written.Whole.Position;
        foreach (var (bucket, at) in written.Whole.Buckets) _last[bucket] = at;
        return written.Rows;
    }

    /// <summary>The one row of another incarnation's start, after the end of a log that somebody else writes.</summary>
    public static LogRow StartAfter(LogPosition end, long epoch, long at, string term) =>
        new TransactionWriter(new Buckets(64)).Write(new TransactionDraft(at, "test", [new AllocatorStarted(epoch + 1, "test", 1) { At = at }], []), end, term, _ => LogPosition.Start)!.Rows[0];
}
