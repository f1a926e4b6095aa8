using MeshDns.Actors.Shards;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Services;
using MeshDns.Contracts.Vips;

namespace MeshDns.Actors.Tests.Changes;

/// <summary>Services that take a VIP, wishes and imported rests, from the caller's side.</summary>
public sealed class WishTests
{
    private static readonly VipRange _range = new(Cidr.Parse("240.240.0.0/28"), Cidr.Parse("2001:2::/48"));
    private static readonly HostName _web = HostName.Parse("web.shop.svc.cluster.local");

    private static DocumentChange Put(string name, string host, params string[] wishes) =>
        Make.Put(Make.Entry(name, host)) with { Wishes = [.. wishes.Select(w => new HostAddress(HostName.Parse(host), w))] };

    private static string[] Addresses(DocumentResult result) => [.. result.Addresses.Select(a => a.Value)];

    private static MeshDocument Service(string type, params string[] clusterIPs)
    {
        var document = Make.Service("web", "shop", clusterIPs);
        return document with { Spec = document.Service! with { Type = type } };
    }

    private static DeclaredDocument Declared(MeshDocument document, string source = "api", MeshDocument? before = null) =>
        DeclaredDocument.Of(document, null, source, before, _range, HostName.Parse("cluster.local"));

    [Theory]
    [InlineData("ClusterIP")]
    [InlineData("NodePort")]
    [InlineData("LoadBalancer")]
    public void A_Service_without_a_cluster_IP_takes_a_VIP_and_rests_and_returns_like_any_host(string type)
    {
        var rig = new ChangesRig();
        var created = rig.Applied(Make.Put(Service(type)));
        Assert.Equal(["240.240.0.1", "2001:2::1"], Addresses(created.Results[0]));
        Assert.Equal(DocumentAction.Unchanged, rig.Applied(Make.Put(Service(type))).Results[0].Action);
        Assert.Empty(rig.Applied(Make.Put(Service(type, "10.0.0.1"))).Results[0].Addresses);
        Assert.Equal("240.240.0.2", rig.Applied(Make.Put("other", "other.example")).Results[0].Addresses[0].Value);
        Assert.Equal(["240.240.0.1", "2001:2::1"], Addresses(rig.Applied(Make.Put(Service(type))).Results[0]));
        // An entry for the same name shares it: one host, one VIP.
        Assert.Equal("240.240.0.1", rig.Applied(Make.Put("same", _web.Text)).Results[0].Addresses[0].Value);
    }

    [Fact]
    public void Headless_external_opted_out_and_live_Services_take_none()
    {
        var headless = Make.Service("web", "shop");
        MeshDocument[] without =
        [
            headless with { Spec = headless.Service! with { Headless = true } },
            headless with { Spec = new ServiceSpec { Type = "ExternalName", ExternalName = "a.example" } },
            headless with { Labels = new Dictionary<string, string> { [HostDeclaration.AutoAllocateLabel] = "FALSE" } },
            Make.Service("web", "shop", "10.0.0.1"),
            Make.Service("web", "shop", "10.0.0.1", "2001:2::5"),
        ];
        Assert.All(without, d => Assert.False(Declared(d).Document.Service!.TakesVip));
        Assert.True(Declared(Make.Service("web", "shop"), "file:a").Document.Service!.TakesVip);
        // What a live cluster's API server says is kept, an address in our range as an explicit one.
        var live = Declared(Make.Service("web", "shop", "240.240.0.5"), "kubernetes:prod");
        Assert.Equal((false, "240.240.0.5", 0), (live.Document.Service!.TakesVip, live.Document.Service!.ClusterIPs[0], live.Wishes.Count));
        Assert.False(Declared(Make.Service("web", "shop"), "kubernetes:prod").Document.Service!.TakesVip);
    }

    [Fact]
    public void A_cluster_IP_inside_the_range_is_a_wish_and_not_kept()
    {
        var declared = Declared(Make.Service("web", "shop", "2001:2::5", "240.240.0.5"));
        Assert.Equal([_web], declared.Wishes.Keys);
        Assert.Equal(5, declared.Wishes[_web]);
        Assert.Empty(declared.Document.Service!.ClusterIPs);
        Assert.Empty(declared.Warnings);
        // One that an earlier version took for an explicit address stays one, so that nothing moves by an upgrade.
        var before = Make.Service("web", "shop", "240.240.0.5");
        Assert.Equal(["240.240.0.5"], Declared(before, "api", before).Document.Service!.ClusterIPs);
    }

    [Fact]
    public void A_wish_is_granted_once_and_is_no_part_of_the_document()
    {
        var rig = new ChangesRig();
        var created = rig.Applied(Put("a", "a.example", "2001:2::9", "240.240.0.9"), Put("b", "b.example"), Make.Put(Service("ClusterIP", "240.240.0.7")));
        Assert.Equal(["240.240.0.9", "2001:2::9"], Addresses(created.Results[0]));
        Assert.Equal(["240.240.0.10", "2001:2::a"], Addresses(created.Results[1]));
        Assert.Equal(["240.240.0.7", "2001:2::7"], Addresses(created.Results[2]));
        Assert.All(created.Results, r => Assert.Empty(r.Warnings));
        var again = rig.Applied(Put("a", "a.example"), Put("b", "b.example", "240.240.0.10"), Make.Put(Service("ClusterIP")));
        Assert.All(again.Results, r => Assert.Equal((DocumentAction.Unchanged, 0), (r.Action, r.Warnings.Count)));
        Assert.Empty(rig.Facts);
    }

    [Fact]
    public void A_wish_without_effect_is_warned_of_whatever_the_reason()
    {
        var rig = new ChangesRig();
        rig.Applied(Put("a", "a.example"));
        void Warns(string words, params DocumentChange[] changes)
        {
            var result = rig.Applied(changes).Results[^1];
            Assert.Contains(words, Assert.Single(result.Warnings), StringComparison.Ordinal);
        }
        Warns("a.example keeps 240.240.0.1", Put("a", "a.example", "240.240.0.5"));
        Warns("a.example keeps 240.240.0.1", Put("again", "a.example", "240.240.0.5"));
        Warns("a.example holds it here", Put("b", "b.example", "240.240.0.1"));
        Warns("no VIP of 240.240.0.0/28", Put("c", "c.example", "240.241.0.1"));
        Warns("240.240.0.6 goes with 2001:2::6", Put("d", "d.example", "240.240.0.6", "2001:2::7"));
        Warns("which gets no VIP", Make.Put(Make.Entry("e", ["e.example"], ["10.0.0.1"])) with { Wishes = [new HostAddress(HostName.Parse("e.example"), "240.240.0.8")] });
        Warns("does not declare", Make.Put(Make.Entry("f", "f.example")) with { Wishes = [new HostAddress(HostName.Parse("other.example"), "240.240.0.8")] });
        Warns("g.example keeps 240.240.0.11", Put("g", "g.example", "240.240.0.11"), Put("h", "g.example", "240.240.0.12"));
    }

    [Fact]
    public void Rests_are_part_of_the_change_and_may_come_alone()
    {
        var rig = new ChangesRig();
        var until = rig.Now + 3_600_000;
        RestingVip[] rests = [new("240.240.0.1", HostName.Parse("old.example"), until), new("240.240.0.2", null, until)];
        rig.Applied(new ChangeRequest { Changes = [], Rests = rests });
        Assert.Equal("240.240.0.3", rig.Applied(Put("a", "a.example")).Results[0].Addresses[0].Value);
        Assert.Equal("240.240.0.1", rig.Applied(Put("old", "old.example")).Results[0].Addresses[0].Value);
        var again = rig.Applied(new ChangeRequest { Changes = [], Rests = rests, IdempotencyKey = "k" });
        Assert.Contains("old.example holds it here", Assert.Single(again.Warnings!), StringComparison.Ordinal);
        Assert.Empty(rig.Facts);

        rig.Refused(RefusalReason.Invalid, new ChangeRequest { Changes = [Put("b", "b.example")], Rests = [.. rests, new("10.0.0.1", null, until)] });
        rig.Refused(RefusalReason.Invalid, new ChangeRequest { Changes = [] });
        Assert.Contains("at most 100000", rig.Refused(RefusalReason.Invalid, new ChangeRequest { Changes = [], Rests = [.. Enumerable.Repeat(rests[0], 100_001)] }).Detail, StringComparison.Ordinal);
        // They rest to their end, and no longer.
        rig.Applied(Make.Put(Make.Entry("rest", ChangesRig.Hosts("h", ChangesRig.Capacity - 3))));
        rig.Refused(RefusalReason.PoolExhausted, Make.Request(Put("c", "c.example")));
        rig.Pass(TimeSpan.FromHours(1));
        Assert.Equal("240.240.0.2", rig.Applied(Put("c", "c.example")).Results[0].Addresses[0].Value);
    }
}
