using MeshDns.Contracts.Dns;

namespace MeshDns.Actors.Directory;

/// <summary>Something a <see cref="NameTable{T}"/> holds by its name. The name and its hash never change.</summary>
public abstract class NamedNode
{
    private readonly byte[] _name;

    private protected NamedNode(byte[] name, int hash)
    {
        _name = name;
        Hash = hash;
    }

    /// <summary>The folded name, uncompressed wire form, with its root label.</summary>
    public ReadOnlySpan<byte> Name => _name;

    internal byte[] NameBytes => _name;

    internal int Hash { get; }
}

/// <summary>
/// Names to nodes: open addressing with linear probing, one writer, any number of readers without a lock. A reader sees each node whole, either
/// the old or the new one. Chosen over ConcurrentDictionary because it needs no node object and no key comparer: 48 bytes less a name. Hashes lie beside
/// the references, so that a walk touches no node but the one that it is for: each would be a wait for memory. How a new node gets to its place, and why
/// not at once, is <see cref="NameSlots{T}"/>'s.
/// </summary>
internal sealed class NameTable<T> where T : NamedNode
{
    private const int MinCapacity = 64;
    private readonly ulong _seed;
    private readonly T _tombstone;
    private NameSlots<T> _slots = new(MinCapacity);
    private int _used; // slots that are not empty, tombstones included

    /// <param name="seed">Keys the hash.</param>
    /// <param name="tombstone">A node that no lookup can match; it marks slots that were emptied.</param>
    public NameTable(ulong seed, T tombstone)
    {
        _seed = seed;
        _tombstone = tombstone;
    }

    /// <summary>Nodes held.</summary>
    public int Count { get; private set; }

    public int HashOf(ReadOnlySpan<byte> foldedName) => (int)DnsName.Hash(foldedName, _seed);

    /// <summary>The node of a folded wire name, or null. Any thread.</summary>
    public T? Find(ReadOnlySpan<byte> foldedName) => Count == 0 ? null : Find(foldedName, HashOf(foldedName));

    /// <summary>The node of a name whose hash is known. Any thread.</summary>
    public T? Find(ReadOnlySpan<byte> foldedName, int hash)
    {
        // One table for the whole walk: a writer that grows it publishes another one and leaves this as it is.
        var slots = Volatile.Read(ref _slots);
        for (var i = slots.First(hash); ; i = slots.Next(i))
        {
            var mark = slots.Mark(i);
            while (mark.Hash == hash && mark.IsUsed)
            {
                var node = slots.Node(i, mark);
                if (node is not null && IsOf(node, foldedName, hash)) return node;
                // Another name with this hash, unless the node has just moved to another place: then look there.
                var before = mark;
                mark = slots.Mark(i);
                if (mark == before) break;
            }
            if (!mark.IsUsed) return null;
        }
    }

    /// <summary>
    /// The first of three steps that bring what a lookup will read near the processor, for many names at once: their waits for memory overlap, where one
    /// lookup after another waits for each. Any thread.
    /// </summary>
    /// <param name="hash">The name's.</param>
    public void PrefetchSlot(int hash) => Volatile.Read(ref _slots).Prefetch(hash);

    /// <summary>The second step: the node.</summary>
    public void PrefetchNode(int hash)
    {
        if (Peek(hash) is { } node) Prefetch.Of(node);
    }

    /// <summary>The third step: the node's name.</summary>
    public void PrefetchName(int hash)
    {
        if (Peek(hash) is { } node) Prefetch.Of(node.NameBytes);
    }

    // The first node that may be the one, by its hash alone.
    private T? Peek(int hash)
    {
        var slots = Volatile.Read(ref _slots);
        for (var i = slots.First(hash); ; i = slots.Next(i))
        {
            var mark = slots.Mark(i);
            if (!mark.IsUsed) return null;
            if (mark.Hash == hash) return slots.Node(i, mark);
        }
    }

    /// <summary>Adds a node or replaces the one of the same name, by one write. The writer only.</summary>
    public void Put(T node)
    {
        // At most two thirds full, so that every walk ends at an empty slot soon.
        if ((_used + 1) * 3L > _slots.Capacity * 2L) Rebuild(Count + 1);
        var i = SlotOf(node.Name, node.Hash);
        if (!_slots.Mark(i).IsUsed)
        {
            _used++;
            Count++;
        }
        _slots.Put(i, node);
    }

    /// <summary>Removes a name; nothing happens when it is not there. The writer only.</summary>
    public void Remove(ReadOnlySpan<byte> foldedName)
    {
        var i = SlotOf(foldedName, HashOf(foldedName));
        if (!_slots.Mark(i).IsUsed) return;
        _slots.Bury(i, _tombstone);
        Count--;
    }

    /// <summary>Makes room for so many nodes at once, so that a load grows the table one time. The writer only.</summary>
    public void Reserve(int count)
    {
        if (CapacityFor(count) > _slots.Capacity) Rebuild(count);
    }

    /// <summary>The nodes as they are now. Any thread; a node that changes meanwhile is seen old or new.</summary>
    public IEnumerable<T> Nodes()
    {
        var slots = Volatile.Read(ref _slots);
        for (var i = 0; i < slots.Capacity; i++)
        {
            for (var mark = slots.Mark(i); mark.IsUsed; mark = slots.Mark(i))
            {
                var node = slots.Node(i, mark);
                if (slots.Mark(i) != mark) continue;
                if (node is not null && !ReferenceEquals(node, _tombstone)) yield return node;
                break;
            }
        }
    }

    // The slot that a name has, or the empty one that it would get. The writer only.
    private int SlotOf(ReadOnlySpan<byte> foldedName, int hash)
    {
        for (var i = _slots.First(hash); ; i = _slots.Next(i))
        {
            var mark = _slots.Mark(i);
            if (!mark.IsUsed || (mark.Hash == hash && IsOf(_slots.Node(i, mark)!, foldedName, hash))) return i;
        }
    }

    private bool IsOf(T node, ReadOnlySpan<byte> foldedName, int hash) =>
        node.Hash == hash && !ReferenceEquals(node, _tombstone) && node.Name.SequenceEqual(foldedName);

    private void Rebuild(int count)
    {
        var slots = new NameSlots<T>(CapacityFor(count));
        foreach (var node in Nodes())
        {
            var i = slots.First(node.Hash);
            while (slots.Mark(i).IsUsed) i = slots.Next(i);
            slots.Settle(i, node);
        }
        _used = Count;
        Volatile.Write(ref _slots, slots);
    }

    // Half again as much as is needed, so that a rebuild that only clears tombstones leaves room for as many changes.
    private static int CapacityFor(int count)
    {
        var capacity = MinCapacity;
        while (capacity < count * 1.6) capacity *= 2;
        return capacity;
    }
}
