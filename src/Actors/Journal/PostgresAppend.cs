using System.Globalization;
using MeshDns.Actors.Vips;
using MeshDns.Contracts.Events;
using Npgsql;

namespace MeshDns.Actors.Journal;

/// <summary>One append as the arrays that the function <c>meshdns.append</c> takes, and how it ended.</summary>
internal sealed class PostgresAppend
{
    // Beyond these an append may take longer than a lease.
    private const int LargeEvents = 2_000;
    private const int LargeBytes = 2 << 20;

    private const string ForwardedSql = "SELECT meshdns.append_forwarded($25, $26, $27, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24)";

    private const string Sql = "SELECT meshdns.append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24)";

    private readonly StreamAppend[] _streams;
    private readonly RememberedReply[] _replies;
    private readonly RememberedReply[] _forwarded;
    private readonly List<int> _eventFence = [];
    private readonly List<long> _eventSeq = [];
    private readonly List<string> _eventKind = [];
    private readonly List<byte[]> _eventPayload = [];
    private readonly PostgresGuard _guard = new();
    private readonly long _bytes;

    public PostgresAppend(AppendRequest request)
    {
        // One order for everybody: appends and claims that share rows queue, and never wait in a circle.
        _streams = [.. request.Streams.OrderBy(s => s.Fence.Stream, StringComparer.Ordinal)];
        _replies = [.. request.Replies.Where(r => !r.IsForwarded).OrderBy(r => r.Key, StringComparer.Ordinal)];
        _forwarded = [.. request.Replies.Where(r => r.IsForwarded).OrderBy(r => r.Key, StringComparer.Ordinal)];
        for (var i = 0; i < _streams.Length; i++)
        {
            var seq = _streams[i].Fence.Seq;
            foreach (var fact in _streams[i].Events)
            {
                var encoded = EventCodec.Encode(fact);
                _eventFence.Add(i + 1);
                _eventSeq.Add(++seq);
                _eventKind.Add(encoded.Kind);
                _eventPayload.Add(encoded.Payload);
                foreach (var step in VipGuard.Of(fact)) _guard.Add(step);
            }
        }
        _bytes = _eventPayload.Sum(p => (long)p.Length) + request.Replies.Sum(r => (long)r.Reply.Length);
    }

    /// <summary>True when it needs more time than a statement usually gets.</summary>
    public bool IsLarge => _eventSeq.Count > LargeEvents || _bytes > LargeBytes;

    /// <summary>Runs it in one round trip. Once it is sent, only the server or a lost connection ends it.</summary>
    /// <exception cref="JournalInDoubtException">It may have happened.</exception>
    /// <exception cref="JournalUnavailableException">The server refused it; nothing happened.</exception>
    public async Task<AppendResult> RunAsync(NpgsqlConnection connection)
    {
        using var warning = new PostgresWarning(connection);
        await using var command = connection.Command(_forwarded.Length == 0 ? Sql : ForwardedSql, Arguments());
        NpgsqlDataReader reader;
        // An error in place of the row means that the function did not end, so that there was nothing to commit.
        try { reader = await command.ExecuteReaderAsync(CancellationToken.None); }
        catch (PostgresException e) { return Refused(e) ?? throw new JournalUnavailableException("the database refused: " + e.MessageText, e); }
        catch (Exception e) { throw new JournalInDoubtException("the connection was lost while an append was under way: " + e.Message, e); }
        // The commit comes after the row: whatever goes wrong from here on tells nothing about it.
        try { await reader.DisposeAsync(); }
        catch (Exception e) { throw new JournalInDoubtException("the connection was lost while an append was being committed: " + e.Message, e); }
        if (warning.Text is { } text) throw new JournalInDoubtException("the database warned while it committed: " + text);
        return new AppendResult(AppendOutcome.Committed);
    }

    private AppendResult? Refused(PostgresException e) => e.SqlState switch
    {
        PostgresFunctions.KeyTaken => new AppendResult(AppendOutcome.KeyTaken, e.MessageText),
        PostgresFunctions.Fenced => new AppendResult(AppendOutcome.Fenced, e.MessageText),
        PostgresFunctions.GuardRefused => new AppendResult(AppendOutcome.GuardRefused, _guard.Describe(int.Parse(e.MessageText, CultureInfo.InvariantCulture))),
        // An event stands where the next one belongs, which the fence should have shown: whoever wrote it, this writer must recover.
        PostgresErrorCodes.UniqueViolation => new AppendResult(AppendOutcome.Fenced, _streams[0].Fence.Stream),
        _ => null,
    };

    private object[] Arguments()
    {
        var fences = _streams.Select(s => s.Fence).ToArray();
        return
        [
            fences.Select(f => f.Stream).ToArray(), fences.Select(f => f.Node).ToArray(), fences.Select(f => f.Incarnation).ToArray(), fences.Select(f => f.Term).ToArray(),
            fences.Select(f => f.Epoch).ToArray(), fences.Select(f => f.Seq).ToArray(), _streams.Select(s => (long)s.Events.Count).ToArray(),
            _eventFence.ToArray(), _eventSeq.ToArray(), _eventKind.ToArray(), _eventPayload.ToArray(),
            .. _guard.Arguments(),
            _replies.Select(r => r.Key).ToArray(), _replies.Select(r => r.RequestHash).ToArray(), _replies.Select(r => r.Reply).ToArray(),
            ReplyStore.LifetimeMs, ReplyStore.MaxReplies, (long)ReplyStore.LargeBytes, ReplyStore.MaxBytes,
            .. _forwarded.Length == 0 ? (object[])[] : [_forwarded.Select(r => r.Key).ToArray(), _forwarded.Select(r => r.Reply).ToArray(), ReplyStore.ForwardedLifetimeMs],
        ];
    }
}
