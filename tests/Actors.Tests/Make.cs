using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Services;

namespace MeshDns.Actors.Tests;

/// <summary>Short ways to write documents and changes.</summary>
internal static class Make
{
    public static DocumentKey Key(string name, string ns = "default") => new(DocumentKind.ServiceEntry, ns, name);

    /// <summary>A ServiceEntry; eligible for VIPs when it has no addresses.</summary>
    public static MeshDocument Entry(string name, string[] hosts, string[]? addresses = null, Resolution resolution = Resolution.Static, string ns = "default", bool optOut = false, int port = 80) => new()
    {
        Key = Key(name, ns),
        Labels = optOut ? new Dictionary<string, string> { [HostDeclaration.AutoAllocateLabel] = "False" } : null,
        Spec = new ServiceEntrySpec
        {
            Hosts = [.. hosts.Select(HostName.Parse)],
            Addresses = addresses ?? [],
            Resolution = resolution,
            Ports = [new ServicePort(port, "main", "TCP", null)],
        },
    };

    public static MeshDocument Entry(string name, string host) => Entry(name, [host]);

    public static MeshDocument Service(string name, string ns, params string[] clusterIPs) => new()
    {
        Key = new DocumentKey(DocumentKind.Service, ns, name),
        Spec = new ServiceSpec { Type = "ClusterIP", ClusterIPs = clusterIPs, Ports = [new ServicePort(80, "http", "TCP", null)] },
    };

    public static DocumentChange Put(MeshDocument document, long? ifMatch = null) => new(document.Key, document, ifMatch);

    public static DocumentChange Put(string name, params string[] hosts) => Put(Entry(name, hosts));

    public static DocumentChange Delete(string name, string ns = "default", long? ifMatch = null) => new(Key(name, ns), null, ifMatch);

    public static ChangeRequest Request(params DocumentChange[] changes) => new() { Changes = changes };
}
