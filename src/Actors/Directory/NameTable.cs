using MeshDns.Contracts.Dns;

namespace MeshDns.Actors.Directory;

/// <summary>
/// Names to nodes: open addressing with linear probing, one writer, any number of readers without a lock. A reader sees each node whole, either
/// the old or the new one. Chosen over ConcurrentDictionary because it needs no node object and no key comparer: 48 bytes less a name. Hashes lie beside
/// the references, so that a walk touches no node but the one that it is for: each would be a wait for memory. A slot's hash is written once.
/// </summary>
internal sealed class NameTable<T> where T : NamedNode
{
    private const int MinCapacity = 64;
    private readonly ulong _seed;
    private readonly T _tombstone;
    private Slots _slots = new(MinCapacity);
    private int _used; // slots that are not null, tombstones included

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
        var (nodes, hashes) = Volatile.Read(ref _slots);
        for (var i = hash & (nodes.Length - 1); ; i = (i + 1) & (nodes.Length - 1))
        {
            // Not written yet says nothing: the node decides.
            var there = hashes[i];
            if (there != hash && there != 0) continue;
            var node = Volatile.Read(ref nodes[i]);
            if (node is null) return null;
            if (node.Hash == hash && !ReferenceEquals(node, _tombstone) && node.Name.SequenceEqual(foldedName)) return node;
        }
    }

    /// <summary>
    /// The first of three steps that bring what a lookup will read near the processor, for many names at once: their waits for memory overlap, where one
    /// lookup after another waits for each. Any thread.
    /// </summary>
    /// <param name="hash">The name's.</param>
    public void PrefetchSlot(int hash)
    {
        var (nodes, hashes) = Volatile.Read(ref _slots);
        var i = hash & (nodes.Length - 1);
        Prefetch.Of(ref hashes[i]);
        Prefetch.Of(ref nodes[i]);
    }

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
        var (nodes, hashes) = Volatile.Read(ref _slots);
        for (var i = hash & (nodes.Length - 1); ; i = (i + 1) & (nodes.Length - 1))
        {
            var there = hashes[i];
            if (there == hash) return Volatile.Read(ref nodes[i]);
            if (there == 0) return null;
        }
    }

    /// <summary>Adds a node or replaces the one of the same name, by one write. The writer only.</summary>
    public void Put(T node)
    {
        // At most two thirds full, so that every walk ends at a null soon.
        if ((_used + 1) * 3L > _slots.Nodes.Length * 2L) Rebuild(Count + 1);
        var (slots, hashes) = _slots;
        for (var i = node.Hash & (slots.Length - 1); ; i = (i + 1) & (slots.Length - 1))
        {
            var there = slots[i];
            if (there is null)
            {
                Volatile.Write(ref slots[i], node);
                hashes[i] = node.Hash;
                _used++;
                Count++;
                return;
            }
            if (there.Hash != node.Hash || ReferenceEquals(there, _tombstone) || !there.Name.SequenceEqual(node.Name)) continue;
            Volatile.Write(ref slots[i], node);
            return;
        }
    }

    /// <summary>Removes a name; nothing happens when it is not there. The writer only.</summary>
    public void Remove(ReadOnlySpan<byte> foldedName)
    {
        var slots = _slots.Nodes;
        var hash = HashOf(foldedName);
        for (var i = hash & (slots.Length - 1); slots[i] is { } there; i = (i + 1) & (slots.Length - 1))
        {
            if (there.Hash != hash || ReferenceEquals(there, _tombstone) || !there.Name.SequenceEqual(foldedName)) continue;
            Volatile.Write(ref slots[i], _tombstone);
            Count--;
            return;
        }
    }

    /// <summary>Makes room for so many nodes at once, so that a load grows the table one time. The writer only.</summary>
    public void Reserve(int count)
    {
        if (CapacityFor(count) > _slots.Nodes.Length) Rebuild(count);
    }

    /// <summary>The nodes as they are now. Any thread; a node that changes meanwhile is seen old or new.</summary>
    public IEnumerable<T> Nodes()
    {
        var slots = Volatile.Read(ref _slots).Nodes;
        for (var i = 0; i < slots.Length; i++)
            if (Volatile.Read(ref slots[i]) is { } node && !ReferenceEquals(node, _tombstone)) yield return node;
    }

    private void Rebuild(int count)
    {
        var slots = new Slots(CapacityFor(count));
        var (nodes, hashes) = slots;
        foreach (var node in _slots.Nodes)
        {
            if (node is null || ReferenceEquals(node, _tombstone)) continue;
            var i = node.Hash & (nodes.Length - 1);
            while (nodes[i] is not null) i = (i + 1) & (nodes.Length - 1);
            nodes[i] = node;
            hashes[i] = node.Hash;
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

    private sealed record Slots(T?[] Nodes, int[] Hashes)
    {
        public Slots(int capacity) : this(new T?[capacity], new int[capacity])
        {
        }
    }
}
