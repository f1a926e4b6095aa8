using MeshDns.Contracts.Events;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Services;
using static MeshDns.Actors.Tests.Changes.ChangesRig;

namespace MeshDns.Actors.Tests.Changes;

/// <summary>What a change does to hosts and to who holds which VIP, from the caller's side.</summary>
public sealed class ChangedAddressesTests
{
    [Fact]
    public void A_full_pool_says_how_full_it_is_and_room_made_is_room_taken()
    {
        var rig = new ChangesRig();
        rig.Applied(Make.Put(Make.Entry("reserve", ["r.example"], ["240.240.0.1"])));
        rig.Applied(Make.Put(Make.Entry("many", Hosts("m", Capacity - 2))), Make.Put("last", "last.example"));
        var refused = rig.Refused(RefusalReason.PoolExhausted, Make.Request(Make.Put("one", "one.example")));
        foreach (var part in (string[])["exhausted", $"of {Capacity} (capacity)", $"{Capacity - 1} are used", "0 quarantined", "1 reserved"]) Assert.Contains(part, refused.Detail, StringComparison.Ordinal);
        rig.Applied(Make.Delete("many"));
        rig.Refused(RefusalReason.PoolExhausted, Make.Request(Make.Put("one", "one.example")));
        rig.Pass(TimeSpan.FromHours(1) - TimeSpan.FromMilliseconds(1));
        rig.Refused(RefusalReason.PoolExhausted, Make.Request(Make.Put("one", "one.example")));
        rig.Pass(TimeSpan.FromMilliseconds(1));
        rig.Applied(Make.Put("one", "one.example"));
    }

    [Fact]
    public void Two_documents_that_declare_a_host_share_its_VIP_until_the_last_eligible_one_goes()
    {
        var rig = new ChangesRig();
        var first = Make.Entry("a", ["shared.example"], ns: "one");
        var second = Make.Entry("b", ["shared.example"], ns: "two");
        var address = rig.Applied(Make.Put(first)).Results[0].Addresses[0].Value;
        rig.Pass(TimeSpan.FromSeconds(1));
        Assert.Equal(address, rig.Applied(Make.Put(second)).Results[0].Addresses[0].Value);
        Assert.Equal(["one", "two"], rig.DeclarationsOf("shared.example").Select(d => d.Document.Namespace));
        rig.Applied(Make.Delete("a", "one"));
        Assert.Equal(1, rig.LeaseOf("shared.example"));
        rig.Applied(Make.Put(Make.Entry("b", ["shared.example"], ns: "two", optOut: true)));
        Assert.Null(rig.LeaseOf("shared.example"));
        rig.Applied(Make.Put(second));
        Assert.Equal(1, rig.LeaseOf("shared.example"));
        rig.Applied(Make.Delete("b", "two"));
        Assert.Null(rig.LeaseOf("shared.example"));
        Assert.Empty(rig.DeclarationsOf("shared.example"));
    }

    [Fact]
    public void A_host_that_moves_between_documents_of_one_change_keeps_its_VIP_and_is_not_released()
    {
        var rig = new ChangesRig();
        rig.Applied(Make.Put("a", "moving.example"));
        rig.Applied(Make.Delete("a"), Make.Put("b", "moving.example"));
        Assert.Empty(rig.Facts.OfType<VipEvent>());
        rig.Applied(Make.Put("a", "moving.example"), Make.Put("b", "other.example"));
        Assert.Equal(1, rig.LeaseOf("moving.example"));
        Assert.Equal("other.example", Assert.IsType<VipGranted>(Assert.Single(rig.Facts.OfType<VipEvent>())).Host.Text);
    }

    [Fact]
    public void Ports_that_conflict_within_a_namespace_are_warned_about_and_the_older_wins()
    {
        var rig = new ChangesRig();
        rig.Applied(Make.Put("a", "shared.example"));
        rig.Pass(TimeSpan.FromSeconds(1));
        var other = Make.Entry("b", "shared.example");
        other = other with { Spec = other.ServiceEntry! with { Ports = [new ServicePort(80, "other", "TCP", null)] } };
        var reply = rig.Applied(Make.Put(other));
        Assert.Contains("ServiceEntry/default/a, wins", Assert.Single(reply.Results[0].Warnings), StringComparison.Ordinal);
        Assert.All(rig.Applied(Make.Put(other with { Key = Make.Key("b", "elsewhere") }), Make.Delete("b")).Results, r => Assert.Empty(r.Warnings));
    }

    [Fact]
    public void The_same_port_over_tcp_and_udp_is_no_conflict()
    {
        var rig = new ChangesRig();
        var dns = Make.Entry("kube-dns", "dns.example");
        dns = dns with { Spec = dns.ServiceEntry! with { Ports = [new ServicePort(53, "dns", "UDP", null), new ServicePort(53, "dns-tcp", "TCP", null)] } };
        Assert.Empty(rig.Applied(Make.Put(dns)).Results[0].Warnings);
        var other = dns with { Key = Make.Key("other"), Spec = dns.ServiceEntry! with { Ports = [new ServicePort(53, "dns-tcp", "TCP", null)] } };
        Assert.Empty(rig.Applied(Make.Put(other)).Results[0].Warnings);
    }

    [Fact]
    public void An_explicit_address_moves_its_holder_in_the_same_change_and_says_so()
    {
        var rig = new ChangesRig();
        rig.Applied(Make.Put("a", "a.example"));
        var reply = rig.Applied(Make.Put(Make.Entry("b", ["b.example"], ["240.240.0.1"])));
        Assert.Equal(2, rig.LeaseOf("a.example"));
        Assert.Contains(reply.Results[0].Warnings, w => w.Contains("a.example moved to another VIP", StringComparison.Ordinal) && w.Contains("b.example declares the address 240.240.0.1", StringComparison.Ordinal));
        Assert.Contains(rig.Facts, f => f is VipReleased { Index: 1, Reason: ReleaseReason.Evicted });
        Assert.Contains(rig.Facts, f => f is VipGranted { Index: 2 });
        Assert.Null(rig.Directory.HolderOf(1));
        Assert.Equal("a.example", rig.Directory.HolderOf(2)!.Host.Text);
    }

    [Fact]
    public void Both_sides_of_a_move_within_one_change_are_told()
    {
        var rig = new ChangesRig();
        rig.Applied(Make.Put("a", "a.example"));
        var reply = rig.Applied(Make.Put(Make.Entry("a", ["a.example"], port: 81)), Make.Put(Make.Entry("b", ["b.example"], ["240.240.0.1"])));
        Assert.Contains(reply.Results[0].Warnings, w => w.Contains("moved", StringComparison.Ordinal));
        Assert.Equal("240.240.0.2", reply.Results[0].Addresses[0].Value);
    }

    [Fact]
    public void A_CIDR_moves_everyone_it_covers_or_is_refused_whole()
    {
        var rig = new ChangesRig();
        rig.Applied(Make.Put(Make.Entry("a", Hosts("a", 3))));
        rig.Applied(Make.Put(Make.Entry("c", ["c.example"], ["240.240.0.0/30"], Resolution.None)));
        Assert.Equal(3, rig.Leases.Count);
        Assert.All(rig.Leases.Values, index => Assert.True(index > 3));
        rig.Applied(Make.Put(Make.Entry("more", Hosts("m", 8))));
        rig.Refused(RefusalReason.PoolExhausted, Make.Request(Make.Put(Make.Entry("d", ["d.example"], ["240.240.0.8/29"], Resolution.None))));
        var whole = rig.Applied(Make.Put(Make.Entry("w", ["w.example"], ["240.240.0.0/16"], Resolution.None)));
        Assert.Contains(whole.Results[0].Warnings, w => w.Contains("excludes nothing", StringComparison.Ordinal));
    }

    [Fact]
    public void VIPs_are_given_in_the_order_in_which_a_person_wrote_the_hosts()
    {
        var rig = new ChangesRig();
        var hosts = new[] { "z.example", "m.example", "a.example", "k.example" };
        rig.Applied(Make.Put(Make.Entry("second-by-name", hosts[..2])), Make.Put(Make.Entry("first-by-name", hosts[2..])));
        Assert.Equal([1, 2, 3, 4], hosts.Select(h => rig.LeaseOf(h)!.Value));
    }

    [Fact]
    public void Wildcards_get_a_VIP_only_under_DYNAMIC_DNS()
    {
        var rig = new ChangesRig();
        rig.Applied(Make.Put("a", "*.a.example"), Make.Put(Make.Entry("b", ["*.b.example"], resolution: Resolution.DynamicDns)));
        Assert.Null(rig.LeaseOf("*.a.example"));
        Assert.NotNull(rig.LeaseOf("*.b.example"));
    }

    [Fact]
    public void A_Service_is_declared_under_the_cluster_domain_and_gets_no_VIP()
    {
        var rig = new ChangesRig();
        rig.Applied(Make.Put(Make.Service("web", "shop", "10.1.2.3")));
        Assert.Equal("web.shop.svc.cluster.local", Assert.Single(rig.Directory.Hosts).Host.Text);
        Assert.Empty(rig.Leases);
    }

    [Fact]
    public void Owners_and_directories_agree_which_of_two_documents_of_one_change_is_the_older()
    {
        var rig = new ChangesRig();
        rig.Applied([.. Enumerable.Range(0, 20).SelectMany(i => new[] { "a", "b" }.Select(ns => Make.Put(Make.Entry("d" + i, ["h" + i + ".example"], ["10.0.0.1"], ns: ns))))]);
        Assert.Equal(20, rig.Directory.Names);
        foreach (var entry in rig.Directory.Hosts) Assert.Equal(rig.DeclarationsOf(entry.Host.Text)[0].Document.Namespace, entry.Declarations[0].Shape.Namespace);
        // The hash that decides says a of some and b of others: an order of names would not show that they agree.
        Assert.Equal(2, rig.Directory.Hosts.Select(h => h.Declarations[0].Shape.Namespace).Distinct().Count());
    }
}
