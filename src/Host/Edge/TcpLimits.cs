using System.Net;

namespace MeshDns.Host.Edge;

/// <summary>How many TCP connections there may be, in all and from one address (RFC 7766 section 6.2.2). Shared by all listeners.</summary>
internal sealed class TcpLimits(int maxConnections, int maxPerClient)
{
    private readonly Dictionary<IPAddress, int> _perClient = [];
    private int _all;

    /// <summary>Takes a place; false when there is none.</summary>
    public bool TryEnter(IPAddress client)
    {
        lock (_perClient)
        {
            var held = _perClient.GetValueOrDefault(client);
            if (_all >= maxConnections || held >= maxPerClient) return false;
            _all++;
            _perClient[client] = held + 1;
            return true;
        }
    }

    /// <summary>Gives a place back.</summary>
    public void Leave(IPAddress client)
    {
        lock (_perClient)
        {
            _all--;
            if (--_perClient[client] == 0) _perClient.Remove(client);
        }
    }
}
