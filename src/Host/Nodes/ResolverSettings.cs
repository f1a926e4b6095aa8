using System.Net;
using MeshDns.Contracts.Names;
using MeshDns.Host.Resolve;
using MeshDns.Host.Settings;

namespace MeshDns.Host.Nodes;

/// <summary>What the settings say about answering, as the resolver takes it.</summary>
internal static class ResolverSettings
{
    public static MeshResolverOptions Of(MeshDnsSettings settings) => new()
    {
        Ttl = (uint)settings.Dns.Ttl.TotalSeconds,
        NegativeTtl = (uint)settings.Dns.NegativeTtl.TotalSeconds,
        ForwardWhenNotReady = settings.Dns.NotReady == NotReadyAnswer.Forward,
        Clients = new ClientTable(new ClientView(null, settings.Dns.Capture), settings.Clients.Select(client => NetworkOf(client, settings.Dns.Capture))),
        MaxAge = settings.Directory.MaxAge,
        FollowsCluster = settings.Directory.IsDerived,
        AskOwners = true,
        ServeExpired = settings.Directory.Expired == ExpiredAnswer.Serve,
    };

    // A network's own switch wins over that of all (behaviour.md, queries, rule 6).
    private static (IPNetwork Network, ClientView View) NetworkOf(ClientSettings client, bool capture) =>
        (client.Network, new ClientView(client.Namespace, client.Capture ?? capture));
}
