using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Services;

namespace MeshDns.Host.Tests.Cluster;

/// <summary>Messages of every kind, made by hand. Lines of <c>golden-messages.txt</c> stand in this order; add at the end of a list.</summary>
internal static class SampleMessages
{
    private static readonly HostName _host = HostName.Parse("db.example");
    private static readonly DocumentKey _entry = new(DocumentKind.ServiceEntry, "default", "db");
    private static readonly DocumentKey _service = new(DocumentKind.Service, "shop", "cart");
    private static readonly PageRequest _page = new(50, "default/a", "b", "api");

    private static readonly ServicePort[] _ports = [new(443, "https", "TCP", 8443), new(53, null, "UDP", null)];
    private static readonly ServiceEndpoint[] _endpoints = [new("10.0.0.1", new Dictionary<string, int> { ["https"] = 9443 }, new Dictionary<string, string> { ["zone"] = "a" }), new("backend.example", null, null)];

    private static readonly MeshDocument _document = new()
    {
        Key = _entry,
        Labels = new Dictionary<string, string> { ["app"] = "db" },
        Annotations = new Dictionary<string, string> { ["note"] = "a \"quoted\" é" },
        Spec = new ServiceEntrySpec { Hosts = [_host, HostName.Parse("*.db.example")], Ports = _ports, Location = "MESH_EXTERNAL", Resolution = Resolution.Static, Endpoints = _endpoints, ExportTo = [".", "shop"] },
    };

    private static readonly HostDeclaration _declaration = new()
    {
        Document = _entry,
        Created = 1_700_000_000_000,
        Eligible = true,
        Addresses = ["240.240.1.2"],
        Resolution = Resolution.DynamicDns,
        Ports = _ports,
        Endpoints = _endpoints,
        ExportTo = ["*"],
        ExternalName = "elsewhere.example",
    };

    private static readonly EdgeReport _edge = new("e1", "inc-9", "127.0.0.1:15380", ["edge"], "up", "1.2.3", 7, 120);

    public static IReadOnlyList<NodeRequest> Requests { get; } =
    [
        new ReadFeed(99, "0123456789abcdef", 1000, _edge),
        new ReadImage(long.MaxValue, "shard-07"),
        new EdgeChange(new ChangeRequest
        {
            Changes = [new DocumentChange(_entry, _document, 3), new DocumentChange(_service, null)],
            Source = "file:a",
            TakeOver = true,
            MustExist = true,
            DryRun = true,
            IdempotencyKey = "key-1",
        }, 4000),
        new EdgeWait(new Dictionary<string, long> { ["shard-07"] = 12, ["vips"] = 3 }, 2000),
        new EdgeGetDocument(_entry),
        new EdgeListDocuments(DocumentKind.Service, _page),
        new EdgeGetHost(_host),
        new EdgeListHosts(_page),
        new EdgeGetVip(258),
        new EdgeListVips(_page),
        new EdgeListRests(_page),
        new EdgeGetCluster(),
        new EdgeDrain("e2"),
        new EdgeGetSettings(),
        new EdgeChange(new ChangeRequest { Changes = [], Settings = new SettingsChange { IfMatch = "0123456789abcdef", QuarantineMs = 3_600_000, LargestTtlMs = 30_000, Zones = ["mesh.internal"], ClusterDomain = "cluster.local" } }, 4000),
        new EdgeFind([_host, HostName.Parse("*.example")]),
    ];

    public static IReadOnlyList<NodeReply> Replies { get; } =
    [
        new NodeRefusal("the node is starting"),
        new FeedAwaited(["e1"]),
        new FeedAwaited([]),
        new ChangeCarried(new ChangeReply
        {
            Outcome = ChangeOutcome.Applied,
            Results = [new DocumentResult { Key = _entry, Action = DocumentAction.Configured, Version = 6, Addresses = [new HostAddress(_host, "240.240.1.2")], Warnings = ["w"] }],
            Position = new Dictionary<string, long> { ["vips"] = 100 },
        }),
        new ChangeCarried(ChangeReply.Refused(RefusalReason.VersionMismatch, "it is at 7", _entry)),
        new ChangeCarried(new ChangeReply { Outcome = ChangeOutcome.Applied, Warnings = ["it has ended"] }),
        new FeedReply(true, [new FeedRow(100, "0123456789abcdef0123456789abcdeffacts.1", "shard-07", [123, 125])], true, 1_700_000_000_000, 12, 3, ["10.0.0.1:15391", "owner-2:15391"], true),
        new FeedReply(false, [], false, 1_700_000_000_000, 12, 3, [], false, true),
        new FeedImage(99, "0123456789abcdef", [1, 2, 3]),
        new DocumentPage([new DocumentRecord(_document, 5, "api", 1, 2, [new HostAddress(_host, "240.240.1.2")])], "default/db"),
        new DocumentPage([], null),
        new HostPage([new HostRecord(_host, [new NamespaceRecord("default", [_declaration])], new VipRecord(258, VipState.Leased, [_host], 5, null), "shard-07", "n1")], "db.example"),
        new VipPage([new VipRecord(259, VipState.Quarantined, [_host], 5, 6)], "00259"),
        new RestPage([new RestingVip("240.240.4.0/24", null, 7)], "r240.240.4.0/24"),
        new ClusterReply(new ClusterView("n1", [new MemberView("n1", "10.0.0.1:15390", ["owner", "edge"], "up", "1.2.3", 65, new DirectoryFreshness(7, TimeSpan.FromMilliseconds(120), 1))],
            [new StreamView("vips", "n1", 2, 100)], new VipUsage(65_024, 5, 4, 3, 2, 65_010))),
        new Drained(true),
        new SettingsReply(new SettingsView(new SharedSettings(3_600_000, 30_000, ["mesh.internal"], "cluster.local"), "240.240.0.0/16", "2001:2::/48", 64)),
        new FactList([new FactMessage("vips", "vip-granted.1", [123, 125])]),
        new FactList(null),
    ];
}
