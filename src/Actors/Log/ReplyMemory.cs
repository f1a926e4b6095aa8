using System.Collections.Immutable;

namespace MeshDns.Actors.Log;

/// <summary>
/// Replies that are kept under keys, so that a change asked for twice is done once. Immutable, bounded by age, number and bytes; forgetting is part of applying a transaction, so
/// that every fold forgets the same.
/// </summary>
/// <param name="LifetimeMs">A reply is forgotten so long after its transaction, by the journal's clock.</param>
/// <param name="Most">At most so many are kept, the newest.</param>
/// <param name="MostBytes">At most so many packed bytes are kept; the newest reply whatever its size.</param>
internal sealed record ReplyMemory(long LifetimeMs, int Most, long MostBytes)
{
    /// <summary>Keys of callers: a day.</summary>
    public static ReplyMemory OfCallers { get; } = new(24 * 60 * 60 * 1000L, 10_000, 64 << 20);

    /// <summary>Keys that nodes give to changes without one: longer than any attempt at a change may last.</summary>
    public static ReplyMemory OfNodes { get; } = new(5 * 60 * 1000L, 20_000, 16 << 20);

    /// <summary>What a node's own keys begin with; no caller's key has a space.</summary>
    public const string NodePrefix = " ";

    /// <summary>True for a key that a node gave.</summary>
    public static bool IsNodes(string key) => key.StartsWith(NodePrefix, StringComparison.Ordinal);

    private ImmutableDictionary<string, Kept> ByKey { get; init; } = ImmutableDictionary<string, Kept>.Empty;

    private ImmutableSortedDictionary<(long Number, int Place), string> InOrder { get; init; } = ImmutableSortedDictionary<(long, int), string>.Empty;

    private long Bytes { get; init; }

    /// <summary>The row of the newest reply that was forgotten: of a change that may have been done at or before it, nobody can tell any more.</summary>
    public long ForgottenAt { get; init; }

    /// <summary>A memory as an image has it.</summary>
    /// <exception cref="FormatException">A key is there twice.</exception>
    public static ReplyMemory Of(ReplyMemory empty, IEnumerable<(long Number, long At, RememberedKey Reply)> kept, long forgottenAt)
    {
        var memory = empty with { ForgottenAt = forgottenAt };
        var (number, place) = (0L, 0);
        foreach (var (at, time, reply) in kept)
        {
            place = at == number ? place + 1 : 0;
            number = at;
            if (memory.ByKey.ContainsKey(reply.Key)) throw new FormatException($"the reply to {reply.Key} is there twice");
            memory = memory.With(number, place, time, reply);
        }
        return memory;
    }

    /// <summary>How many are kept.</summary>
    public int Count => ByKey.Count;

    /// <summary>What is kept, oldest first.</summary>
    public IEnumerable<(long Number, long At, RememberedKey Reply)> All => InOrder.Values.Select(k => ByKey[k]).Select(k => (k.Number, k.At, k.Reply));

    /// <summary>What is kept under a key; null for nothing.</summary>
    public RememberedKey? Find(string key) => ByKey.GetValueOrDefault(key)?.Reply;

    /// <summary>What is kept after a transaction.</summary>
    /// <param name="number">The number of its closing row.</param>
    /// <param name="at">Its time.</param>
    /// <param name="added">What it remembers.</param>
    public ReplyMemory After(long number, long at, IEnumerable<RememberedKey> added)
    {
        var memory = this;
        var place = 0;
        foreach (var reply in added) memory = memory.With(number, place++, at, reply);
        return memory.Forget(at);
    }

    private ReplyMemory With(long number, int place, long at, RememberedKey reply)
    {
        // Known already: the caller was told the first reply, and only that one counts.
        if (ByKey.ContainsKey(reply.Key)) return this;
        return this with
        {
            ByKey = ByKey.Add(reply.Key, new Kept(number, place, at, reply)),
            InOrder = InOrder.Add((number, place), reply.Key),
            Bytes = Bytes + reply.Reply.Length,
        };
    }

    private ReplyMemory Forget(long at)
    {
        var (byKey, inOrder, bytes, forgotten) = (ByKey, InOrder, Bytes, ForgottenAt);
        while (inOrder.Count > 0)
        {
            var (place, key) = inOrder.First();
            var oldest = byKey[key];
            if (oldest.At > at - LifetimeMs && inOrder.Count <= Most && (bytes <= MostBytes || inOrder.Count == 1)) break;
            inOrder = inOrder.Remove(place);
            byKey = byKey.Remove(key);
            bytes -= oldest.Reply.Reply.Length;
            forgotten = oldest.Number;
        }
        return this with { ByKey = byKey, InOrder = inOrder, Bytes = bytes, ForgottenAt = forgotten };
    }

    private sealed record Kept(long Number, int Place, long At, RememberedKey Reply);
}
