using FsCheck;
using FsCheck.Fluent;
using MeshDns.Contracts.Dns;
using MeshDns.Contracts.Names;
using MeshDns.Host.Resolve;
using static MeshDns.Tests.Shared.DirectoryFacts;

namespace MeshDns.Host.Tests.Resolve;

/// <summary>The short way to write addresses and denials gives the same bytes as the long one that every other answer takes.</summary>
public sealed class DirectReplyTests
{
    private static readonly string[] _many = [.. Enumerable.Range(1, 40).Select(i => $"10.0.1.{i}"), .. Enumerable.Range(1, 50).Select(i => $"2001:db8::{i:x}")];

    private readonly QueryBench _bench = QueryBench.Loaded(
        Declare("one.example", ["10.0.0.1"]),
        Declare("six.example", ["2001:db8::1"]),
        Declare("both.mesh.internal", ["10.0.0.1", "2001:db8::1"]),
        Declare("many.example", _many),
        Declare("united.example", ["10.0.0.1", "10.0.0.2"], name: "a"),
        Declare("united.example", ["10.0.0.2", "10.0.0.3"], name: "b"),
        Declare("vip.example", eligible: true), Grant(258, "vip.example"),
        Declare("x.deep.er.mesh.internal", ["10.0.0.1"]),
        Declare("*.wild.example", ["10.0.0.9"]));

    [Fact]
    public void It_writes_what_the_long_way_writes()
    {
        var names = Gen.Elements("one.example", "ONE.Example", "six.example", "both.mesh.internal", "many.example", "united.example", "vip.example", "x.y.wild.example", "mesh.internal", "no.MESH.internal", "deep.er.mesh.internal", "er.mesh.internal");
        var types = Gen.Elements(DnsType.A, DnsType.AAAA, DnsType.SRV);
        var flags = Gen.Elements(DnsFlags.None, DnsFlags.RecursionDesired, DnsFlags.CheckingDisabled | DnsFlags.AuthenticData);
        var sizes = Gen.Elements<ushort?>(null, 0, 512, 700, 1232, 4096);
        var queries =
            from name in names
            from type in types
            from flag in flags
            from size in sizes
            from dnssec in Gen.Elements(true, false)
            from cookie in Gen.Elements<byte[]?>(null, [1, 2, 3, 4, 5, 6, 7, 8])
            from rotation in Gen.Choose(0, 1000)
            select (Packet: QueryPacket.Of(name, type, 4711, flag, edns: size, dnssecOk: dnssec, cookie: size is null ? null : cookie), Rotation: (uint)rotation);
        Prop.ForAll(queries.ToArbitrary(), query => IsSame(query.Packet, query.Rotation)).QuickCheckThrowOnFailure();
    }

    private bool IsSame(byte[] packet, uint rotation)
    {
        Assert.Equal(QueryParse.Ok, DnsQuery.TryParse(packet, out var query));
        var name = new byte[query.QuestionName.Length];
        DnsName.Fold(query.QuestionName, name);
        var finding = _bench.Answers.Find(name, query.Type, ClientView.Default);
        var opt = new OptRecord { DnssecOk = query.DnssecOk, Cookie = query.HasCookie ? new byte[24] : [] };
        var limit = query.MaxUdpReplySize;
        var shortly = new byte[DnsLimits.MaxUdpSize];
        var fully = new byte[DnsLimits.MaxUdpSize];
        var replies = new LocalReply(_bench.Answers);
        Assert.True(replies.TryWriteRecords(query, finding, ClientView.Default, opt, rotation, fully, limit, out var fullLength, out var fullRcode));
        Assert.True(replies.TryWrite(query, finding, ClientView.Default, opt.Cookie, rotation, shortly, limit, out var length, out var rcode));
        return rcode == fullRcode && shortly.AsSpan(0, length).SequenceEqual(fully.AsSpan(0, fullLength));
    }
}
