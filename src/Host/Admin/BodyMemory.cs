namespace MeshDns.Host.Admin;

/// <summary>
/// The memory of all bodies that arrive or wait to be read, bounded together: a body counts by what has arrived of it, so that slow ones cost next to nothing
/// however many they are. A part is kept for small bodies: a few large ones that do not end cannot keep a single document out. Safe for all threads.
/// </summary>
internal sealed class BodyMemory(long maxBytes, long keptForSmall)
{
    // A document's bytes and one more, to read the end.
    private const int SmallBytes = AdminLimits.DocumentBytes + 1;

    private readonly Lock _gate = new();
    private long _taken;
    private long _refused;

    /// <summary>Bytes taken now.</summary>
    public long Taken
    {
        get { lock (_gate) return _taken; }
    }

    /// <summary>How often there was no room.</summary>
    public long Refused => Interlocked.Read(ref _refused);

    /// <summary>False when there is no room; then nothing is to be given back.</summary>
    public bool TryTake(int bytes)
    {
        lock (_gate)
        {
            var room = bytes <= SmallBytes ? maxBytes : maxBytes - keptForSmall;
            if (_taken + bytes <= room)
            {
                _taken += bytes;
                return true;
            }
        }
        Interlocked.Increment(ref _refused);
        return false;
    }

    public void Give(int bytes)
    {
        lock (_gate) _taken -= bytes;
    }
}
