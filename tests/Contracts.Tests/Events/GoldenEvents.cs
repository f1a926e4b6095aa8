using MeshDns.Contracts.Events;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Services;

namespace MeshDns.Contracts.Tests.Events;

/// <summary>One event or more of every kind, every field filled in somewhere; <c>golden-journal.txt</c> has them as the journal keeps them.</summary>
internal static class GoldenEvents
{
    private static readonly HostName _host = HostName.Parse("db.example.com");
    private static readonly DocumentKey _key = new(DocumentKind.ServiceEntry, "shop", "db");

    public static IReadOnlyList<MeshEvent> All { get; } =
    [
        new DocumentPut(
            new MeshDocument
            {
                Key = _key,
                Labels = new Dictionary<string, string> { [HostDeclaration.AutoAllocateLabel] = "true", ["team"] = "blue \"ü\"" },
                Annotations = new Dictionary<string, string> { ["note"] = "a\nb" },
                Spec = new ServiceEntrySpec
                {
                    Hosts = [_host, HostName.Parse("*.w.example.com")],
                    Addresses = ["10.0.0.1", "2001:db8::/32"],
                    Ports = [new ServicePort(3306, "mysql", "TCP", 13306), new ServicePort(80, null, "HTTP", null)],
                    Location = "MESH_EXTERNAL",
                    Resolution = Resolution.Static,
                    Endpoints = [new ServiceEndpoint("10.1.0.1", new Dictionary<string, int> { ["mysql"] = 3307 }, new Dictionary<string, string> { ["zone"] = "a" }), new ServiceEndpoint("db.internal", null, null)],
                    ExportTo = [".", "other"],
                },
            },
            7,
            "file:examples",
            1_767_225_600_000,
            1_767_225_600_001),
        new DocumentPut(
            new MeshDocument
            {
                Key = new DocumentKey(DocumentKind.Service, "shop", "web"),
                Spec = new ServiceSpec { Type = "ClusterIP", ClusterIPs = ["10.2.0.1", "fd00::1"], Headless = false, Ports = [new ServicePort(80, "http", "TCP", 8080)], PublishNotReadyAddresses = true },
            },
            8,
            "kubernetes:prod",
            1,
            2),
        new DocumentPut(new MeshDocument { Key = new DocumentKey(DocumentKind.Service, "shop", "ext"), Spec = new ServiceSpec { Type = "ExternalName", ExternalName = "db.example.net" } }, 9, "api", 1, 2),
        new DocumentPut(new MeshDocument { Key = _key, Spec = new ServiceEntrySpec { Hosts = [_host], Resolution = Resolution.None } }, 10, "api", 1, 2),
        new DocumentPut(new MeshDocument { Key = _key, Spec = new ServiceEntrySpec { Hosts = [_host], Resolution = Resolution.Dns } }, 11, "api", 1, 2),
        new DocumentPut(new MeshDocument { Key = _key, Spec = new ServiceEntrySpec { Hosts = [_host], Resolution = Resolution.DnsRoundRobin } }, 12, "api", 1, 2),
        new DocumentPut(new MeshDocument { Key = _key, Spec = new ServiceEntrySpec { Hosts = [_host], Resolution = Resolution.DynamicDns } }, 13, "api", 1, 2),
        new DocumentDeleted(_key, 14, 3),
        new HostDeclared(_host, new HostDeclaration
        {
            Document = _key,
            Created = 1_767_225_600_000,
            Eligible = true,
            Addresses = ["240.240.0.9"],
            Resolution = Resolution.Dns,
            Ports = [new ServicePort(3306, "mysql", "TCP", null)],
            Endpoints = [new ServiceEndpoint("10.1.0.1", null, null)],
            ExportTo = ["*"],
            ExternalName = "db.example.net",
        }),
        new HostDeclared(HostName.Parse("*.w.example.com"), new HostDeclaration { Document = _key }),
        new HostWithdrawn(_host, _key),
        new VipGranted(258, _host) { At = 4 },
        new VipReleased(258, _host, 86_400_005, ReleaseReason.Withdrawn) { At = 5 },
        new VipReleased(259, _host, 86_400_005, ReleaseReason.Evicted) { At = 5 },
        new AddressClaimed("2001:2::102", _host) { At = 6 },
        new AddressUnclaimed("2001:2::102", _host) { At = 7 },
        new VipReserved(258) { At = 8 },
        new VipUnreserved(258, 86_400_009) { At = 9 },
        new RangeExcluded("240.240.4.0/24", _host) { At = 10 },
        new RangeIncluded("240.240.4.0/24", _host, 86_400_011) { At = 11 },
        new QuarantineChanged(3_600_000) { At = 12 },
        new ClockSetBack(5_000) { At = 13 },
        new TimelineSeen("0000000A", 1_700_000_000_000) { At = 14 },
        new VipRested(258, _host, 86_400_015) { At = 15 },
        new VipRested(259, null, 86_400_016) { At = 16 },
        new RangeRested("240.240.4.0/24", 86_400_017) { At = 17 },
        new DocumentPut(new MeshDocument { Key = new DocumentKey(DocumentKind.Service, "shop", "own"), Spec = new ServiceSpec { Type = "NodePort", TakesVip = true } }, 15, "api", 1, 2),
        new AllocatorStarted(3, "n1", 1) { At = 15 },
        new ClusterFounded("7f00a1", "240.240.0.0/16", "2001:2::/48", 64) { At = 16 },
        new SettingsChanged(30_000, ["corp.example.com"], "cluster.local") { At = 17 },
        new ImageSaved(41, "00112233445566ff", "9f86d081884c7d65") { At = 18 },
        new SourceStarted("kubernetes:prod", 2) { At = 19 },
        new QuarantineChanged(1_800_000, 3_600_020) { At = 20 },
    ];
}
