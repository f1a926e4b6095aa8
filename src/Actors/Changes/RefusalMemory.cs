using System.Collections.Immutable;
using MeshDns.Contracts.Messages;

namespace MeshDns.Actors.Changes;

/// <summary>
/// What an incarnation has refused, by key, so that a second copy of a refused change is not carried out by it after its caller was told. Immutable; the newest 10,000.
/// </summary>
internal sealed record RefusalMemory
{
    /// <summary>At most so many are kept.</summary>
    public const int Most = 10_000;

    public static RefusalMemory Empty { get; } = new();

    private ImmutableDictionary<string, (long Place, string Digest, ChangeReply Reply)> ByKey { get; init; } = ImmutableDictionary<string, (long, string, ChangeReply)>.Empty;

    private ImmutableSortedDictionary<long, string> InOrder { get; init; } = ImmutableSortedDictionary<long, string>.Empty;

    private long Next { get; init; }

    public int Count => ByKey.Count;

    /// <summary>The refusal of the same request under the same key; null for none.</summary>
    public ChangeReply? Find(string key, string digest) => ByKey.TryGetValue(key, out var found) && found.Digest == digest ? found.Reply : null;

    public RefusalMemory With(string key, string digest, ChangeReply reply)
    {
        var (byKey, inOrder) = (ByKey, InOrder);
        if (byKey.TryGetValue(key, out var old)) inOrder = inOrder.Remove(old.Place);
        byKey = byKey.SetItem(key, (Next, digest, reply));
        inOrder = inOrder.Add(Next, key);
        if (inOrder.Count > Most)
        {
            var (place, oldest) = inOrder.First();
            inOrder = inOrder.Remove(place);
            byKey = byKey.Remove(oldest);
        }
        return new RefusalMemory { ByKey = byKey, InOrder = inOrder, Next = Next + 1 };
    }
}
