using System.Net;
using System.Net.NetworkInformation;

namespace MeshDns.Host.Upstream.Servers;

/// <summary>The addresses that this node answers at.</summary>
internal static class OwnAddresses
{
    /// <summary>True when an upstream address is one that this node itself listens on, so that asking it would be a loop.</summary>
    /// <exception cref="NetworkInformationException">The system does not say which addresses it has; other exceptions are possible too.</exception>
    public static bool Contains(IPEndPoint server, IEnumerable<IPEndPoint> listen)
    {
        foreach (IPEndPoint own in listen.Select(Unmapped))
        {
            if (own.Port != server.Port || own.Port == 0)
                continue;
            bool isWildcard = own.Address.Equals(IPAddress.Any) || own.Address.Equals(IPAddress.IPv6Any);
            if (own.Address.Equals(server.Address) || (isWildcard && IsOfThisHost(server.Address)))
                return true;
        }
        return false;
    }

    private static bool IsOfThisHost(IPAddress address)
    {
        if (IPAddress.IsLoopback(address))
            return true;
        return NetworkInterface.GetAllNetworkInterfaces()
            .SelectMany(each => each.GetIPProperties().UnicastAddresses)
            .Any(each => each.Address.Equals(address));
    }

    /// <summary>The endpoint in its own family: an IPv6 socket does not connect to an IPv4-mapped address.</summary>
    public static IPEndPoint Unmapped(IPEndPoint endpoint) =>
        endpoint.Address.IsIPv4MappedToIPv6 ? new IPEndPoint(endpoint.Address.MapToIPv4(), endpoint.Port) : endpoint;
}
