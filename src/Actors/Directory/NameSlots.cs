namespace MeshDns.Actors.Directory;

/// <summary>
/// The slots of a <see cref="NameTable{T}"/>, and a small ring of the nodes that were put last. A reference from an old object to a new one is what the collector
/// has to look for in each of its short collections: with a new node written straight to its slot, in an array of megabytes, it went to another place in memory for
/// each changed name, which was more than half of every pause. So a new node is written to the ring, where all new ones lie side by side, and its slot
/// says so by a number. When the ring comes round to it, it is an old object itself and moves to its slot, which then costs the collector nothing.
/// </summary>
/// <remarks>
/// One writer. A reader takes the slot's <see cref="Mark"/>, then the node where it says. A place in the ring that has another name's node by then means that the
/// mark has changed: it was, before the place was used again. Marks count up, so that one which has not changed is the same one.
/// </remarks>
internal sealed class NameSlots<T>(int capacity) where T : NamedNode
{
    // More than are changed between a first and a second collection of a node at a thousand changes a second; if not, a pause is longer, no more.
    private const int RingSize = 4096;

    private readonly long[] _marks = new long[capacity];
    private readonly T?[] _nodes = new T?[capacity];
    private readonly T?[] _ring = new T?[Math.Min(capacity, RingSize)];
    private readonly int[] _ringSlots = new int[Math.Min(capacity, RingSize)];
    private int _turn = Where.FirstTurn;

    /// <summary>How many; a power of two.</summary>
    public int Capacity => _marks.Length;

    /// <summary>Where the walk for a hash begins.</summary>
    public int First(int hash) => hash & (_marks.Length - 1);

    /// <summary>The slot after another.</summary>
    public int Next(int slot) => (slot + 1) & (_marks.Length - 1);

    /// <summary>What a slot holds. Any thread.</summary>
    public Where Mark(int slot) => new(Volatile.Read(ref _marks[slot]));

    /// <summary>The node that a slot's mark leads to. Any thread; for the writer, always the slot's.</summary>
    public T? Node(int slot, Where mark) => Volatile.Read(ref (mark.IsInRing ? ref _ring[mark.Turn & (_ring.Length - 1)] : ref _nodes[slot]));

    /// <summary>Fetches the cache lines of a hash's first slot.</summary>
    public void Prefetch(int hash)
    {
        Directory.Prefetch.Of(ref _marks[First(hash)]);
        Directory.Prefetch.Of(ref _nodes[First(hash)]);
    }

    /// <summary>Gives a slot a new node. The writer only.</summary>
    public void Put(int slot, T node)
    {
        var mark = Mark(slot);
        if (mark.IsInRing)
        {
            Volatile.Write(ref _ring[mark.Turn & (_ring.Length - 1)], node);
            return;
        }
        _turn = _turn == int.MaxValue ? Where.FirstTurn : _turn + 1;
        var place = _turn & (_ring.Length - 1);
        if (_ring[place] is { } old) Settle(_ringSlots[place], old);
        Volatile.Write(ref _ring[place], node);
        _ringSlots[place] = slot;
        Volatile.Write(ref _marks[slot], Where.InRing(node.Hash, _turn).Value);
    }

    /// <summary>Puts a node in its slot itself. The writer only.</summary>
    public void Settle(int slot, T node)
    {
        Volatile.Write(ref _nodes[slot], node);
        Volatile.Write(ref _marks[slot], Where.InSlot(node.Hash).Value);
    }

    /// <summary>Replaces a slot's node by a tombstone; the slot's hash stays. The writer only.</summary>
    public void Bury(int slot, T tombstone)
    {
        var mark = Mark(slot);
        Volatile.Write(ref _nodes[slot], tombstone);
        if (!mark.IsInRing) return;
        Volatile.Write(ref _marks[slot], Where.InSlot(mark.Hash).Value);
        Volatile.Write(ref _ring[mark.Turn & (_ring.Length - 1)], null);
    }
}

/// <summary>A slot's hash, and where its node is.</summary>
internal readonly record struct Where(long Value)
{
    public const int FirstTurn = 2;
    private const int Slot = 1;

    /// <summary>The node's hash, once there is one.</summary>
    public int Hash => (int)Value;

    /// <summary>False for a slot that never had a node.</summary>
    public bool IsUsed => Value != 0;

    /// <summary>True when the node is in the ring still.</summary>
    public bool IsInRing => Turn >= FirstTurn;

    /// <summary>Which node of the ring, counted from the first that there was.</summary>
    public int Turn => (int)(Value >> 32);

    public static Where InSlot(int hash) => new((long)Slot << 32 | (uint)hash);

    public static Where InRing(int hash, int turn) => new((long)turn << 32 | (uint)hash);
}
