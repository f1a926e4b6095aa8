using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace MeshDns.Host.Upstream.Servers;

/// <summary>Unpredictable numbers from the system's generator, drawn some hundred at a time, since a draw costs as much as the rest of a query's sending. For one thread.</summary>
internal sealed class RandomIds
{
    private readonly ushort[] _drawn = new ushort[512];
    private int _left;

    /// <summary>The next one.</summary>
    public ushort Next()
    {
        if (_left == 0)
        {
            RandomNumberGenerator.Fill(MemoryMarshal.AsBytes(_drawn.AsSpan()));
            _left = _drawn.Length;
        }
        ushort next = _drawn[--_left];
        _drawn[_left] = 0; // What was used must not be found in memory.
        return next;
    }
}
