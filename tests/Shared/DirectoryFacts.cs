using MeshDns.Actors.Directory;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Services;

namespace MeshDns.Tests.Shared;

/// <summary>Facts and batches, written short.</summary>
public static class DirectoryFacts
{
    public const int ShardCount = 64;

    public static MeshEvent Declare(
        string host, string[]? addresses = null, string ns = "default", string name = "doc", bool eligible = false, long created = 1,
        string[]? exportTo = null, DocumentKind kind = DocumentKind.ServiceEntry, string? externalName = null, params ServicePort[] ports)
    {
        var declared = new HostDeclared(HostName.Parse(host), new HostDeclaration
        {
            Document = new DocumentKey(kind, ns, name),
            Created = created,
            Eligible = eligible,
            Addresses = addresses ?? [],
            Resolution = eligible ? Resolution.Static : Resolution.None,
            Ports = ports.Length == 0 ? [new ServicePort(80, "http", "HTTP", null)] : ports,
            ExportTo = exportTo ?? [],
            ExternalName = externalName,
        });
        return declared;
    }

    public static MeshEvent Withdraw(string host, string ns = "default", string name = "doc", DocumentKind kind = DocumentKind.ServiceEntry) =>
        new HostWithdrawn(HostName.Parse(host), new DocumentKey(kind, ns, name));

    public static MeshEvent Grant(int index, string host) => new VipGranted(index, HostName.Parse(host)) { At = 1 };

    public static MeshEvent Release(int index, string host) => new VipReleased(index, HostName.Parse(host), 2, ReleaseReason.Withdrawn) { At = 1 };

    public static FeedBatch Batch(long readAt, params MeshEvent[] facts) => new([], facts, new DirectoryPosition(1, "t"), readAt);

    public static FeedBatch Reset(string[] streams, params MeshEvent[] facts) => new(streams, facts, DirectoryPosition.None, 1);

    public static byte[] Wire(string host) => HostName.Parse(host).Suffix.ToWire();
}
