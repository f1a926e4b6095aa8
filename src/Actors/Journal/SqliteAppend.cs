using MeshDns.Actors.Vips;
using MeshDns.Contracts.Events;
using Microsoft.Data.Sqlite;

namespace MeshDns.Actors.Journal;

/// <summary>The one write path: fences, events, lease tables and remembered replies in one transaction.</summary>
internal sealed class SqliteAppend : IDisposable
{
    private const int SqliteConstraint = 19;

    private readonly SqliteConnection _connection;
    private readonly SqliteCommand _fence;
    private readonly SqliteCommand _event;
    private readonly SqliteCommand _leaseForget;
    private readonly SqliteCommand _leaseInsert;
    private readonly SqliteCommand _leaseRest;
    private readonly SqliteCommand _unreserve;
    private readonly SqliteCommand _claimInsert;
    private readonly SqliteCommand _claimDelete;

    public SqliteAppend(SqliteConnection connection)
    {
        _connection = connection;
        _fence = connection.Command("UPDATE ownership SET seq = seq + $0 WHERE stream = $1 AND owner = $2 AND incarnation = $3 AND term = $4 AND epoch = $5 AND seq = $6", 0L, "", "", "", "", 0L, 0L);
        _event = connection.Command("INSERT INTO event (stream, seq, term, epoch, kind, payload) VALUES ($0, $1, $2, $3, $4, $5)", "", 0L, "", 0L, "", Array.Empty<byte>());
        _leaseForget = connection.Command("DELETE FROM vip_lease WHERE idx = $0 AND state = 'quarantined'", 0);
        _leaseInsert = connection.Command("INSERT INTO vip_lease (idx, host, state) VALUES ($0, $1, $2)", 0, "", "");
        _leaseRest = connection.Command("UPDATE vip_lease SET state = 'quarantined' WHERE idx = $0 AND host = $1 AND state = 'leased'", 0, "");
        _unreserve = connection.Command("UPDATE vip_lease SET state = 'quarantined', host = '' WHERE idx = $0 AND state = 'reserved'", 0);
        _claimInsert = connection.Command("INSERT INTO vip_claim (address, host) VALUES ($0, $1)", "", "");
        _claimDelete = connection.Command("DELETE FROM vip_claim WHERE address = $0 AND host = $1", "", "");
    }

    public AppendResult Run(AppendRequest request, long now)
    {
        using var transaction = SqliteTransactionScope.Write(_connection);
        foreach (var reply in request.Replies)
            if (!TryRemember(reply, now)) return new AppendResult(AppendOutcome.KeyTaken, reply.Key);
        foreach (var append in request.Streams)
            if (!TryFence(append)) return new AppendResult(AppendOutcome.Fenced, append.Fence.Stream);
        foreach (var append in request.Streams)
        {
            if (!TryInsert(append)) return new AppendResult(AppendOutcome.Fenced, append.Fence.Stream);
            foreach (var fact in append.Events)
                foreach (var step in VipGuard.Of(fact))
                    if (!TryStep(step)) return new AppendResult(AppendOutcome.GuardRefused, step.ToString()!);
        }
        try { transaction.Commit(); }
        catch (SqliteException e) { throw new JournalInDoubtException("the commit failed: " + e.Message, e); }
        return new AppendResult(AppendOutcome.Committed);
    }

    public void Dispose()
    {
        foreach (var command in Commands) command.Dispose();
    }

    private SqliteCommand[] Commands => [_fence, _event, _leaseForget, _leaseInsert, _leaseRest, _unreserve, _claimInsert, _claimDelete];

    private bool TryFence(StreamAppend append)
    {
        var fence = append.Fence;
        return _fence.Run((long)append.Events.Count, fence.Stream, fence.Node, fence.Incarnation, fence.Term, fence.Epoch, fence.Seq) == 1;
    }

    private bool TryInsert(StreamAppend append)
    {
        var fence = append.Fence;
        var seq = fence.Seq;
        foreach (var fact in append.Events)
        {
            var encoded = EventCodec.Encode(fact);
            if (!TryConstrained(_event, fence.Stream, ++seq, fence.Term, fence.Epoch, encoded.Kind, encoded.Payload)) return false;
        }
        return true;
    }

    private bool TryStep(GuardStep step)
    {
        switch (step)
        {
            case GuardStep.LeaseInsert lease:
                _leaseForget.Run(lease.Index);
                return TryConstrained(_leaseInsert, lease.Index, lease.Host.Text, "leased");
            case GuardStep.Reserve reserve:
                _leaseForget.Run(reserve.Index);
                return TryConstrained(_leaseInsert, reserve.Index, "", "reserved");
            case GuardStep.LeaseToQuarantine rest: return _leaseRest.Run(rest.Index, rest.Host.Text) == 1;
            case GuardStep.Unreserve unreserve: return _unreserve.Run(unreserve.Index) == 1;
            case GuardStep.ClaimInsert claim: return TryConstrained(_claimInsert, claim.Address, claim.Host.Text);
            case GuardStep.ClaimDelete claim: return _claimDelete.Run(claim.Address, claim.Host.Text) == 1;
            default: throw new InvalidOperationException($"the journal does not know the guard step {step}");
        }
    }

    private bool TryRemember(RememberedReply reply, long now)
    {
        if (reply.IsForwarded) throw new InvalidOperationException("a node that is alone forwards to nobody");
        using var forget = _connection.Command("DELETE FROM remembered_reply WHERE at < $0 OR rowid <= (SELECT max(rowid) FROM remembered_reply) - $1", now - ReplyStore.LifetimeMs, ReplyStore.MaxReplies);
        forget.ExecuteNonQuery();
        using var insert = _connection.Command("INSERT INTO remembered_reply (key, request_hash, reply, at) VALUES ($0, $1, $2, $3)", reply.Key, reply.RequestHash, reply.Reply, now);
        if (!TryConstrained(insert)) return false;
        if (reply.Reply.Length > ReplyStore.LargeBytes) ForgetLargeReplies();
        return true;
    }

    // Large replies are rare and the sum over all rows costs; small ones are bounded by their number.
    private void ForgetLargeReplies()
    {
        using var trim = _connection.Command("""
            DELETE FROM remembered_reply WHERE rowid IN (
                SELECT rowid FROM (SELECT rowid, sum(length(reply)) OVER (ORDER BY rowid DESC) AS bytes FROM remembered_reply) WHERE bytes > $0)
            AND rowid < (SELECT max(rowid) FROM remembered_reply)
            """, ReplyStore.MaxBytes);
        trim.ExecuteNonQuery();
    }

    // A violated key is an answer here, not a fault.
    private static bool TryConstrained(SqliteCommand command, params ReadOnlySpan<object> arguments)
    {
        try { return command.Run(arguments) == 1; }
        catch (SqliteException e) when (e.SqliteErrorCode == SqliteConstraint) { return false; }
    }
}
