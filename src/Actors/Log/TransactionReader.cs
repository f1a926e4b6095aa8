using System.Collections.Immutable;
using MeshDns.Contracts.Events;

namespace MeshDns.Actors.Log;

/// <summary>
/// Puts rows together to transactions. Immutable: <see cref="Read"/> gives the next reader. Each row is held to the chain (its number, and the term of the row before it), each transaction
/// to what its closing row says of it; a row that does not fit is <see cref="BrokenLogException"/>, and nothing of its transaction is ever seen.
/// </summary>
internal sealed class TransactionReader
{
    private readonly ImmutableList<(LogRow Row, RowContent Content)> _open;
    private readonly long _at;

    private TransactionReader(LogPosition position, LogPosition closed, long at, ImmutableList<(LogRow, RowContent)> open)
    {
        Position = position;
        Closed = closed;
        _at = at;
        _open = open;
    }

    /// <summary>A reader that goes on after a whole transaction.</summary>
    /// <param name="position">The place of the closing row.</param>
    /// <param name="at">The time of that transaction.</param>
    public TransactionReader(LogPosition position, long at) : this(position, position, at, [])
    {
    }

    /// <summary>The last row that was read.</summary>
    public LogPosition Position { get; }

    /// <summary>The last closing row that was read.</summary>
    public LogPosition Closed { get; }

    /// <summary>Reads the next row; the transaction when the row closes one.</summary>
    /// <exception cref="BrokenLogException">The row does not follow, or its transaction is not what it says.</exception>
    public (TransactionReader Next, Transaction? Whole) Read(LogRow row, Buckets buckets)
    {
        if (WhyNotAfter(Position, row) is { } why) throw new BrokenLogException(why);
        if (_open.Count > 0 && row.Term != Position.Term) throw new BrokenLogException($"row {row.Number} is of another term than the rest of its transaction");
        RowContent content;
        try { content = RowCodec.Decode(row); }
        catch (FormatException e) { throw new BrokenLogException(e.Message); }
        if (content is not Closing closing) return (new TransactionReader(row.Position, Closed, _at, _open.Add((row, content))), null);
        var whole = Close(row, closing, buckets);
        return (new TransactionReader(row.Position, whole.At), whole);
    }

    /// <summary>Why a row does not follow on a place; null when it does.</summary>
    public static string? WhyNotAfter(LogPosition position, LogRow row) =>
        row.Number != position.Number + 1 ? $"row {row.Number} came after row {position.Number}"
        : row.PreviousTerm != position.Term ? $"row {row.Number} follows a row of the term {row.PreviousTerm}, but row {position.Number} is of {position.Term}"
        : null;

    private Transaction Close(LogRow row, Closing closing, Buckets buckets)
    {
        if (closing.First != Closed.Number + 1) throw Broken(row, $"it says that it begins at row {closing.First}, but the one before ended at {Closed.Number}");
        if (closing.At < _at) throw Broken(row, $"it is of {closing.At}, before the one before it, of {_at}");
        // Counted before anything is made of it: a damaged count must not ask for memory.
        if (closing.Count != closing.Facts.Count + _open.Sum(o => (o.Content as BucketFacts)?.Facts.Count ?? 0)) throw Broken(row, $"it has {closing.Count} facts, but not all are there");
        var facts = new MeshEvent?[closing.Count];
        foreach (var (ordinal, fact) in closing.Facts) Place(ordinal, fact);
        var replies = new Dictionary<string, MemoryStream>();
        var last = new SortedDictionary<int, LogPosition>();
        foreach (var (part, content) in _open)
        {
            switch (content)
            {
                case BucketFacts bucket when bucket.Closing == row.Number:
                    foreach (var (ordinal, fact) in bucket.Facts) Place(ordinal, fact);
                    var at = buckets.Of(part.Tag);
                    if (at < 0) throw Broken(row, $"row {part.Number} belongs to the bucket '{part.Tag}', which is not there");
                    last[at] = part.Position;
                    break;
                case ReplyPart reply when reply.Closing == row.Number:
                    if (!replies.TryGetValue(reply.Key, out var bytes)) replies.Add(reply.Key, bytes = new MemoryStream());
                    bytes.Write(reply.Bytes);
                    break;
                default: throw Broken(row, $"row {part.Number} belongs to another transaction");
            }
        }
        if (!last.Keys.SequenceEqual(closing.Buckets)) throw Broken(row, $"it names {closing.Buckets.Count} buckets, {last.Count} have rows");
        var begins = facts is [AllocatorStarted, ..];
        if (row.Term != Closed.Term && !begins) throw Broken(row, "another term begins, but not with a start");
        return new Transaction
        {
            Position = row.Position,
            Before = Closed,
            At = closing.At,
            By = closing.By,
            Facts = facts!,
            Keys = [.. closing.Keys.Select(k => new RememberedKey(k.Key, k.Digest, k.Reply ?? (replies.TryGetValue(k.Key, out var reply) ? reply.ToArray() : throw Broken(row, $"the reply to {k.Key} is missing"))))],
            Buckets = last,
        };

        void Place(int ordinal, MeshEvent fact)
        {
            if ((uint)ordinal >= (uint)facts.Length || facts[ordinal] is not null) throw Broken(row, $"it has {facts.Length} facts, one of them is at {ordinal}, or two are");
            facts[ordinal] = fact;
        }
    }

    private static BrokenLogException Broken(LogRow row, string what) => new($"the transaction that row {row.Number} closes is not whole: {what}");
}

/// <summary>The log is not what its rows say of each other: rows are missing, or belong to another past. Nothing may be concluded from it.</summary>
public sealed class BrokenLogException(string message) : Exception(message);
