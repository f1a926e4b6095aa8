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
        ServiceEntry = new ServiceEntrySpec { Hosts = [_host, HostName.Parse("*.db.example")], Ports = _ports, Location = "MESH_EXTERNAL", Resolution = Resolution.Static, Endpoints = _endpoints, ExportTo = [".", "shop"] },
    };

    private static readonly MeshDocument _serviceDocument = new()
    {
        Key = _service,
        Service = new ServiceSpec { Type = "ClusterIP", ClusterIPs = ["10.1.2.3", "fd00::1"], Ports = _ports, PublishNotReadyAddresses = true },
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

    private static readonly VipDemand _demand = new(_host, true, ["240.240.1.2"], ["240.240.2.0/24"]);
    private static readonly VipWarning _warning = new(_host, "shared");
    private static readonly EventMessage _event = new("vip-granted.1", [0, 1, 254, 255]);
    private static readonly FenceMessage _fence = new("shard-07", "n1", "inc-1", "term-1", 3, long.MaxValue);
    private static readonly RefusedPart _refused = new(RefusalReason.PoolExhausted, "no free VIP");
    private static readonly PositionMessage _position = new("vips", "term-1", 2, 99);
    private static readonly EdgeReport _edge = new("e1", "10.0.0.9:15390", ["edge"], "up", "1.2.3", 7, 120, 15_000);
    private static readonly Guid _batch = new("0f8fad5b-d9cb-469f-a165-70867728950e");

    public static IReadOnlyList<NodeRequest> Requests { get; } =
    [
        new PrepareShards(_batch, 5000, [new ShardWork("shard-07", [new ShardPart(0, new ShardCommand(
            [new PutDocument(_document, "api", 4), new PutDocument(_serviceDocument, "file:a", 0), new DeleteDocument(_service, 2), new DeclareHost(_host, _declaration), new WithdrawHost(_host, _entry)], 1_700_000_000_001))])]),
        new PrepareShards(Guid.Empty, 0, []),
        new PrepareVips(_batch, 5000, [new VipPart(1, new VipCommand([_demand], 5))]),
        new SettleBatch(_batch, ["shard-07", "vips"], BatchOutcome.Commit),
        new SettleBatch(_batch, [], BatchOutcome.Recover),
        new ReadDocuments([_entry, _service]),
        new ReadDocuments([_entry], true),
        new PageDocuments(["shard-00"], DocumentKind.Service, _page),
        new ReadHosts([_host], true),
        new PageHosts(["shard-00"], new PageRequest()),
        new ReadHostVips([_host]),
        new ReadVip(258),
        new PageVips(_page),
        new ReadUsage(),
        new AwaitFeed(new Dictionary<string, long> { ["shard-07"] = 12, ["vips"] = 3 }, 2000),
        new DrainNode(),
        new TellRewound(["vips"]),
        new ReadFeed([_position], 1000, _edge),
        new CarryChange(new ChangeRequest
        {
            Changes = [new DocumentChange(_entry, _document, 3), new DocumentChange(_service, null)],
            Source = "file:a",
            TakeOver = true,
            MustExist = true,
            DryRun = true,
            IdempotencyKey = "key-1",
        }, 4000),
        new PrepareShards(_batch, 5000, [], true),
        new ForwardChange(new ChangeRequest { Changes = [new DocumentChange(_service, null)] }, " n1-inc-1-7", 3, 4500),
        new PageRests(_page),
        new PrepareVips(_batch, 5000, [new VipPart(0, new VipCommand([new VipDemand(_host, true, [], [], 258)], 5, [new RestingVip("240.240.1.3", _host, 6), new RestingVip("240.240.4.0/24", null, 7)]))]),
        new ForwardChange(new ChangeRequest { Changes = [new DocumentChange(_service, null, null, [new HostAddress(_host, "240.240.1.2")])], Rests = [new RestingVip("240.240.1.3", null, 6)] }, " n1-inc-1-8", 3, 4500),
    ];

    public static IReadOnlyList<NodeReply> Replies { get; } =
    [
        new NodeRefusal(NodeFault.NotOwner, "shard-07 is of n2"),
        new NodeRefusal(NodeFault.Unavailable, ""),
        new Done(),
        new ShardsPrepared([new ShardPrepared(_fence,
        [
            new ShardPartPrepared(0, [_event], new ShardOutcome([_demand], [new DocumentVersion(_entry, 5)], [_warning]), null),
            new ShardPartPrepared(1, [], null, _refused),
        ]), new ShardPrepared(null, [])]),
        new VipsPrepared(_fence, [new VipPartPrepared(0, [_event, new EventMessage("vip-released.1", [])], new VipReply([new VipMove(_host, 1, 2, "claimed")], [_warning]), null), new VipPartPrepared(1, [], null, _refused)]),
        new VipsPrepared(null, []),
        new DocumentList([new StoredDocument(_document, 5, "api", 1, 2), new StoredDocument(_serviceDocument, 1, "kubernetes:a", 3, 4)]),
        new HostFactList([new HostFact(_host, "shard-07", [_declaration])]),
        new HostNameList([_host]),
        new VipList([new VipRecord(258, VipState.Leased, [_host], 5, null), new VipRecord(259, VipState.Quarantined, [_host], 5, 6)]),
        new UsageReply(new VipUsage(65_024, 5, 4, 3, 2, 65_010)),
        new FeedAwaited(["e1"]),
        new FeedAwaited([]),
        new FeedReply([new FeedStream("vips", true, [1, 2, 3], _position, [new FeedRow(100, "term-1", 2, "vip-granted.1", [123, 125])]), new FeedStream("shard-00", false, null, null, [])],
            1_700_000_000_000, 12, 3, new MapMessage([new MapMember("n1", "inc-1", "10.0.0.1:15390", "owner,edge", "1.2.3", "{}")], [new MapStream("vips", "n1", "inc-1", 2, 100)])),
        new ChangeCarried(new ChangeReply
        {
            Outcome = ChangeOutcome.Applied,
            Results = [new DocumentResult { Key = _entry, Action = DocumentAction.Configured, Version = 6, Addresses = [new HostAddress(_host, "240.240.1.2")], Warnings = ["w"] }],
            Position = new Dictionary<string, long> { ["vips"] = 100 },
        }),
        new ChangeCarried(ChangeReply.Refused(RefusalReason.VersionMismatch, "it is at 7", _entry)),
        new RestList([new RestingVip("240.240.1.3", _host, 6), new RestingVip("240.240.4.0/24", null, 7)]),
        new VipsPrepared(null, [new VipPartPrepared(0, [], new VipReply([], [], ["it has ended"]), null)]),
        new ChangeCarried(new ChangeReply { Outcome = ChangeOutcome.Applied, Warnings = ["it has ended"] }),
    ];
}
