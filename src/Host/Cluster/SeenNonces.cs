namespace MeshDns.Host.Cluster;

/// <summary>The nonces seen last, so that a request that was listened to is not carried out again. Bounded: the oldest is forgotten first. Safe for all threads.</summary>
/// <param name="capacity">Nonces remembered.</param>
internal sealed class SeenNonces(int capacity)
{
    private readonly Lock _gate = new();
    private readonly HashSet<string> _seen = new(StringComparer.Ordinal);
    private readonly Queue<string> _order = new();

    /// <summary>False when it was seen already.</summary>
    public bool TryAdd(string nonce)
    {
        lock (_gate)
        {
            if (!_seen.Add(nonce)) return false;
            _order.Enqueue(nonce);
            if (_order.Count > capacity) _seen.Remove(_order.Dequeue());
            return true;
        }
    }
}
