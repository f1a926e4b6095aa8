using System.Net;
using System.Security.Cryptography;

namespace MeshDns.Host.Upstream;

/// <summary>
/// The connected sockets to one server. Each query goes through a random member; a member is opened when first chosen and renewed after
/// <see cref="MaxUses"/> queries or <see cref="MaxAgeMs"/>, so that its port is worth little to who finds it (docs/adr/0006-upstream-entropy.md).
/// </summary>
internal sealed class UdpPool(IPEndPoint server, UpstreamClock clock, UpstreamCounters counters) : IDisposable
{
    /// <summary>Members.</summary>
    public const int Size = 64;

    /// <summary>Queries through one socket.</summary>
    public const int MaxUses = 512;

    /// <summary>How long a socket is used, in milliseconds.</summary>
    public const long MaxAgeMs = 60_000;

    private const int Draws = 4;

    private readonly Lock _gate = new();
    private readonly (UdpPort? Port, long OpenedAtMs)[] _members = new (UdpPort?, long)[Size];
    private bool _isClosed;

    /// <summary>Asks through a random member; tries a few when one is full. Never throws.</summary>
    public async Task<Exchange> AskAsync(byte[] query, CancellationToken cancel)
    {
        var exchange = Exchange.Without(ExchangeEnd.Overloaded);
        for (int draw = 0; draw < Draws && exchange.End == ExchangeEnd.Overloaded; draw++)
        {
            if (Choose() is not { } port)
                return Exchange.Without(ExchangeEnd.Unreachable);
            exchange = await port.AskAsync(query, cancel);
        }
        return exchange;
    }

    /// <summary>Closes every socket.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _isClosed = true;
            foreach ((UdpPort? port, _) in _members)
                port?.Dispose();
            Array.Clear(_members);
        }
    }

    private UdpPort? Choose()
    {
        int index = RandomNumberGenerator.GetInt32(Size);
        UdpPort? old = null;
        UdpPort? chosen;
        lock (_gate)
        {
            if (_isClosed)
                return null;
            (UdpPort? port, long openedAtMs) = _members[index];
            long nowMs = clock.NowMs;
            chosen = port;
            if (port is null || port.Uses >= MaxUses || nowMs - openedAtMs >= MaxAgeMs)
            {
                old = port;
                chosen = UdpPort.TryOpen(server, counters);
                _members[index] = (chosen, nowMs);
            }
        }
        old?.Close();
        return chosen;
    }
}
