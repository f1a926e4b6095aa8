namespace MeshDns.Host.Cluster;

/// <summary>Bounds the requests of other nodes that are under way, by number and by the bytes of their bodies. Safe for all threads.</summary>
internal sealed class AskAdmission(int maxRequests, long maxBytes)
{
    private readonly Lock _gate = new();
    private int _requests;
    private long _bytes;

    /// <summary>False when there is no room; then nothing is to be left.</summary>
    public bool TryEnter(int bytes)
    {
        lock (_gate)
        {
            if (_requests >= maxRequests || _bytes + bytes > maxBytes) return false;
            _requests++;
            _bytes += bytes;
            return true;
        }
    }

    public void Leave(int bytes)
    {
        lock (_gate)
        {
            _requests--;
            _bytes -= bytes;
        }
    }
}
