namespace MeshDns.Host.Upstream.Cache;

/// <summary>One key of the cache and what is known for it.</summary>
internal sealed class CacheNode
{
    private CachedAnswer? _answer;
    private int _frequency;

    public CacheNode(byte[] key, ulong hash)
    {
        Key = key;
        Hash = hash;
        Place = new LinkedListNode<CacheNode>(this);
    }

    /// <summary>The key, see <see cref="ForwardKey"/>.</summary>
    public byte[] Key { get; }

    /// <summary>What the ghost list remembers the key by.</summary>
    public ulong Hash { get; }

    /// <summary>Bytes counted for it; owned by the queue's lock.</summary>
    public int SizeBytes { get; set; }

    /// <summary>Where it stands in a queue; owned by the queue's lock.</summary>
    public LinkedListNode<CacheNode> Place { get; }

    /// <summary>Whether it is in the main queue; owned by the queue's lock.</summary>
    public bool IsInMain { get; set; }

    /// <summary>True once it is in no queue; owned by the queue's lock.</summary>
    public bool IsEvicted => Place.List is null;

    /// <summary>The answer; readers take it without a lock.</summary>
    public CachedAnswer? Answer
    {
        get => Volatile.Read(ref _answer);
        set => Volatile.Write(ref _answer, value);
    }

    /// <summary>Hits since it last passed the head of a queue, 0 to 3. Racing hits may lose one, which does not matter.</summary>
    public int Frequency
    {
        get => _frequency;
        set => _frequency = value;
    }

    /// <summary>Counts a hit.</summary>
    public void Touch()
    {
        if (_frequency < 3)
            _frequency++;
    }
}

/// <summary>
/// Chooses what a cache bounded by bytes gives up: S3-FIFO (Yang et al., SOSP 2023). New keys enter a small queue of a tenth of the room; those hit
/// again move to the main queue, the others leave and only their hash is remembered; a key that returns while remembered enters the main
/// queue. A flood of names asked once therefore passes through the small queue and leaves the hot names alone. Hits only set a counter on the node,
/// so readers never wait. Not thread-safe: the cache's lock guards it.
/// </summary>
internal sealed class S3Fifo(long capacityBytes, Action<CacheNode> onEvict)
{
    private const int SmallShare = 10;
    private const int BytesPerGhost = 1024;

    private readonly LinkedList<CacheNode> _small = [];
    private readonly LinkedList<CacheNode> _main = [];
    private readonly Queue<ulong> _ghostOrder = new();
    private readonly HashSet<ulong> _ghosts = [];
    private readonly int _ghostLimit = (int)Math.Clamp(capacityBytes / BytesPerGhost, 16, 1 << 20);
    private long _smallBytes;
    private long _mainBytes;

    /// <summary>Bytes held; never above the capacity.</summary>
    public long Bytes => _smallBytes + _mainBytes;

    /// <summary>Nodes held.</summary>
    public int Nodes => _small.Count + _main.Count;

    /// <summary>Hashes remembered of keys that left; bounded, and not counted among the bytes.</summary>
    public int Ghosts => _ghosts.Count;

    /// <summary>Takes a new node in, after making room. False when it is too large for any good to come of it.</summary>
    public bool TryAdmit(CacheNode node, int sizeBytes)
    {
        if (IsTooLarge(sizeBytes))
            return false;
        MakeRoom(sizeBytes);
        node.SizeBytes = sizeBytes;
        node.IsInMain = _ghosts.Remove(node.Hash);
        (node.IsInMain ? _main : _small).AddLast(node.Place);
        Account(node, sizeBytes);
        return true;
    }

    /// <summary>Gives a node another size in its place. False when it was evicted meanwhile, by the making of its own room too, or is too large.</summary>
    public bool TryResize(CacheNode node, int sizeBytes)
    {
        if (node.IsEvicted || IsTooLarge(sizeBytes))
            return false;
        MakeRoom(Math.Max(0, sizeBytes - node.SizeBytes));
        if (node.IsEvicted)
            return false;
        Account(node, sizeBytes - node.SizeBytes);
        node.SizeBytes = sizeBytes;
        return true;
    }

    /// <summary>Takes a node out, wherever it stands. It was not given up for room: nothing is remembered and nobody is told.</summary>
    public void Remove(CacheNode node)
    {
        Account(node, -node.SizeBytes);
        (node.IsInMain ? _main : _small).Remove(node.Place);
    }

    private bool IsTooLarge(int sizeBytes) => sizeBytes > capacityBytes / 4;

    private void MakeRoom(int sizeBytes)
    {
        while (Bytes + sizeBytes > capacityBytes && Nodes > 0)
        {
            if (_main.Count == 0 || (_small.Count > 0 && _smallBytes >= capacityBytes / SmallShare))
                PassSmall();
            else
                PassMain();
        }
    }

    private void PassSmall()
    {
        CacheNode node = _small.First!.Value;
        if (node.Frequency <= 1)
        {
            Remember(node.Hash);
            Evict(node);
            return;
        }
        node.Frequency = 0;
        Remove(node);
        node.IsInMain = true;
        _main.AddLast(node.Place);
        Account(node, node.SizeBytes);
    }

    // Each pass lowers the frequency, at most 3, so the loop above ends.
    private void PassMain()
    {
        CacheNode node = _main.First!.Value;
        if (node.Frequency == 0)
        {
            Evict(node);
            return;
        }
        node.Frequency--;
        _main.RemoveFirst();
        _main.AddLast(node.Place);
    }

    private void Evict(CacheNode node)
    {
        Remove(node);
        onEvict(node);
    }

    private void Account(CacheNode node, int deltaBytes)
    {
        if (node.IsInMain)
            _mainBytes += deltaBytes;
        else
            _smallBytes += deltaBytes;
    }

    private void Remember(ulong hash)
    {
        if (!_ghosts.Add(hash))
            return;
        _ghostOrder.Enqueue(hash);
        // Hashes that came back stay in the order until they pass its head, so that is bounded, and with it the set.
        while (_ghostOrder.Count > _ghostLimit)
            _ghosts.Remove(_ghostOrder.Dequeue());
    }
}
