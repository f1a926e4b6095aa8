using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using MeshDns.Contracts.Dns;

namespace MeshDns.Host.Upstream.Cache;

/// <summary>
/// The answers of upstreams, by <see cref="ForwardKey"/>. A read takes no lock and allocates nothing. Writes, which follow a network round trip,
/// share one lock. Never holds more than its capacity in bytes, as <see cref="SizeOf"/> counts them.
/// </summary>
internal sealed class AnswerCache
{
    /// <summary>Bytes counted for a node beside its key and answer: the node, its dictionary entry and its place in a queue.</summary>
    private const int NodeOverheadSize = 200;

    private readonly Lock _gate = new();
    private readonly ConcurrentDictionary<byte[], CacheNode> _nodes = new(new ForwardKeyComparer());
    private readonly ConcurrentDictionary<byte[], CacheNode>.AlternateLookup<ReadOnlySpan<byte>> _lookup;
    private readonly ulong _seed = BinaryPrimitives.ReadUInt64LittleEndian(RandomNumberGenerator.GetBytes(sizeof(ulong)));
    private readonly S3Fifo _queues;
    private long _evictions;

    /// <summary>An empty cache.</summary>
    public AnswerCache(long capacityBytes)
    {
        _lookup = _nodes.GetAlternateLookup<ReadOnlySpan<byte>>();
        _queues = new S3Fifo(capacityBytes, OnEvicted);
    }

    /// <summary>Bytes held.</summary>
    public long Bytes
    {
        get
        {
            lock (_gate)
                return _queues.Bytes;
        }
    }

    /// <summary>Keys held.</summary>
    public int Count => _nodes.Count;

    /// <summary>Answers given up for room since the start.</summary>
    public long Evictions => Volatile.Read(ref _evictions);

    /// <summary>What is kept under a key, fresh or not, and counts a hit.</summary>
    public CachedAnswer? Find(ReadOnlySpan<byte> key, out bool isHot)
    {
        isHot = false;
        if (!_lookup.TryGetValue(key, out CacheNode? node))
            return null;
        isHot = node.Frequency > 1;
        node.Touch();
        return node.Answer;
    }

    /// <summary>
    /// Keeps an answer in place of the one before. One that is not kept (it has no lifetime, or is too large) takes that away all the same: RFC 8767 is for
    /// data that could not be refreshed, and this was. A failure never takes the place of an answer that may still be served stale; that one
    /// is marked instead. Returns what is now to be served for the key.
    /// </summary>
    public CachedAnswer Store(ReadOnlySpan<byte> key, CachedAnswer answer)
    {
        _lookup.TryGetValue(key, out CacheNode? node);
        if (answer.LifetimeSeconds == 0 && node is null)
            return answer;
        lock (_gate)
        {
            _lookup.TryGetValue(key, out node);
            CachedAnswer? old = node?.Answer;
            if (answer.Kind == AnswerKind.Failure && old is not null && old.IsServableStale(answer.StoredAtMs))
            {
                old.Failures = answer.Failures;
                old.MarkFailed(answer.StoredAtMs + (answer.LifetimeSeconds * 1000L));
                return old;
            }
            if (answer.LifetimeSeconds != 0)
                Keep(node?.Key ?? key.ToArray(), answer, node);
            else if (node is not null)
                Forget(node);
            return answer;
        }
    }

    /// <summary>Bytes that an answer under a key counts for.</summary>
    public static int SizeOf(byte[] key, CachedAnswer answer) => NodeOverheadSize + key.Length + answer.SizeBytes;

    private void Keep(byte[] key, CachedAnswer answer, CacheNode? node)
    {
        int size = SizeOf(key, answer);
        if (node is not null && _queues.TryResize(node, size))
        {
            node.Answer = answer;
            return;
        }
        if (node is { IsEvicted: false })
            Forget(node);
        var added = new CacheNode(key, DnsName.Hash(key, _seed)) { Answer = answer };
        if (_queues.TryAdmit(added, size))
            _nodes[key] = added;
    }

    private void Forget(CacheNode node)
    {
        _queues.Remove(node);
        Unlink(node);
    }

    private void OnEvicted(CacheNode node)
    {
        Unlink(node);
        Interlocked.Increment(ref _evictions);
    }

    private void Unlink(CacheNode node)
    {
        _nodes.TryRemove(new KeyValuePair<byte[], CacheNode>(node.Key, node));
        node.Answer = null;
    }
}
