using System.Net;

namespace MeshDns.Host.Upstream.Servers;

/// <summary>
/// The connected sockets to one server. A query goes through a random member; the queries of one turn of the loop share their draws by
/// <see cref="BurstSize"/>, because what leaves through one socket leaves by one system call. A member is opened when first chosen and renewed after
/// <see cref="MaxUses"/> queries or <see cref="MaxAgeMs"/>, so that its port is worth little to who finds it (docs/adr/0006-upstream-entropy.md).
/// </summary>
internal sealed class UdpPool(IPEndPoint server, UpstreamLoop loop)
{
    /// <summary>Members.</summary>
    public const int Size = 64;

    /// <summary>Queries through one socket.</summary>
    public const int MaxUses = 512;

    /// <summary>How long a socket is used, in milliseconds.</summary>
    public const long MaxAgeMs = 60_000;

    /// <summary>Queries that one draw serves, at most.</summary>
    public const int BurstSize = 64;

    private const int Draws = 4;

    private readonly UdpPort?[] _members = new UdpPort?[Size];
    private UdpPort? _drawn;
    private long _turn = -1;
    private int _left;
    private bool _isClosed;

    /// <summary>The port for the next query, with room for it. Null and not <paramref name="isFull"/> when the system gives no socket.</summary>
    public UdpPort? Choose(out bool isFull)
    {
        isFull = false;
        if (_isClosed)
            return null;
        if (_turn == loop.Turn && _left > 0 && _drawn is { IsFull: false, IsClosed: false })
        {
            _left--;
            return _drawn;
        }
        // Drawn at random; when those are full, the next that is not: there is room in them for all that may be under way, and a query must not be refused for its draw.
        int at = 0;
        for (int draw = 0; draw < Draws + Size; draw++)
        {
            at = draw < Draws ? loop.Random.Next() % Size : (at + 1) % Size;
            UdpPort? port = Member(at);
            if (port is null)
                return null;
            if (port.IsFull)
                continue;
            _drawn = port;
            _turn = loop.Turn;
            _left = BurstSize - 1;
            return port;
        }
        isFull = true;
        return null;
    }

    /// <summary>Closes every socket.</summary>
    public void Dispose()
    {
        _isClosed = true;
        foreach (UdpPort? port in _members)
            port?.Dispose();
        Array.Clear(_members);
        _drawn = null;
    }

    private UdpPort? Member(int at)
    {
        ref UdpPort? member = ref _members[at];
        if (member is { IsClosed: false } && member.Uses < MaxUses && loop.NowMs - member.OpenedAtMs < MaxAgeMs)
            return member;
        member?.Close();
        member = UdpPort.TryOpen(server, loop);
        return member;
    }
}
