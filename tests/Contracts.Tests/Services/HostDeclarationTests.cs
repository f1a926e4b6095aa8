using MeshDns.Contracts.Names;
using MeshDns.Contracts.Services;

namespace MeshDns.Contracts.Tests.Services;

/// <summary>Who gets a VIP, and what a document says of its hosts.</summary>
public sealed class HostDeclarationTests
{
    private static readonly HostName _domain = HostName.Parse("cluster.local");

    private static MeshDocument Entry(string host, Resolution resolution, string? label = null, params string[] addresses) => new()
    {
        Key = new DocumentKey(DocumentKind.ServiceEntry, "shop", "db"),
        Labels = label is null ? null : new Dictionary<string, string> { [HostDeclaration.AutoAllocateLabel] = label },
        Spec = new ServiceEntrySpec { Hosts = [HostName.Parse(host)], Resolution = resolution, Addresses = addresses },
    };

    private static HostDeclaration Of(MeshDocument document) => HostDeclaration.Of(document, 5, _domain).Single().Declaration;

    [Theory]
    [InlineData("a.example", Resolution.Static, true)]
    [InlineData("a.example", Resolution.Dns, true)]
    [InlineData("a.example", Resolution.DnsRoundRobin, true)]
    [InlineData("a.example", Resolution.None, false)]
    [InlineData("*.a.example", Resolution.Static, false)]
    [InlineData("*.a.example", Resolution.DynamicDns, true)]
    public void Resolution_and_wildcard_decide(string host, Resolution resolution, bool eligible) => Assert.Equal(eligible, Of(Entry(host, resolution)).Eligible);

    [Theory]
    [InlineData("false", false)]
    [InlineData("False", false)]
    [InlineData("FALSE", false)]
    [InlineData("true", true)]
    [InlineData("", true)]
    [InlineData(" false", true)]
    [InlineData("no", true)]
    public void The_label_opts_out_with_false_in_any_case(string label, bool eligible) => Assert.Equal(eligible, Of(Entry("a.example", Resolution.Static, label)).Eligible);

    [Theory]
    [InlineData("10.0.0.1")]
    [InlineData("240.240.0.1")]
    [InlineData("10.0.0.0/8")]
    public void Addresses_of_any_sort_leave_no_room_for_a_VIP(string address) => Assert.False(Of(Entry("a.example", Resolution.Static, null, address)).Eligible);

    [Fact]
    public void Each_host_of_an_entry_gets_the_same_said_of_it_in_order()
    {
        var entry = Entry("a.example", Resolution.Static);
        entry = entry with { Spec = ((ServiceEntrySpec)entry.Spec!) with { Hosts = [HostName.Parse("b.example"), HostName.Parse("*.c.example"), HostName.Parse("a.example")], ExportTo = ["."], Ports = [new ServicePort(1, "p", "TCP", null)] } };
        var declared = HostDeclaration.Of(entry, 5, _domain);
        Assert.Equal(["b.example", "*.c.example", "a.example"], declared.Select(d => d.Host.Text));
        Assert.Equal([true, false, true], declared.Select(d => d.Declaration.Eligible));
        Assert.All(declared, d => Assert.Equal((entry.Key, 5L, "."), (d.Declaration.Document, d.Declaration.Created, d.Declaration.ExportTo[0])));
    }

    [Fact]
    public void A_Service_is_one_host_under_the_cluster_domain_with_its_cluster_IPs_or_a_VIP()
    {
        var service = new MeshDocument { Key = new DocumentKey(DocumentKind.Service, "shop", "web"), Spec = new ServiceSpec { Type = "ClusterIP", ClusterIPs = ["10.0.0.1"] } };
        var (host, declaration) = Assert.Single(HostDeclaration.Of(service, 5, _domain));
        Assert.Equal("web.shop.svc.cluster.local", host.Text);
        Assert.False(declaration.Eligible);
        Assert.Equal(["10.0.0.1"], declaration.Addresses);
        Assert.True(HostDeclaration.Of(service with { Spec = new ServiceSpec { Type = "ClusterIP", TakesVip = true } }, 5, _domain).Single().Declaration.Eligible);
        // As an earlier version kept it.
        Assert.False(HostDeclaration.Of(service with { Spec = new ServiceSpec { Type = "ClusterIP" } }, 5, _domain).Single().Declaration.Eligible);
    }

    [Fact]
    public void An_ExternalName_is_kept_as_the_target()
    {
        var service = new MeshDocument { Key = new DocumentKey(DocumentKind.Service, "shop", "web"), Spec = new ServiceSpec { Type = "ExternalName", ExternalName = "db.example.net" } };
        Assert.Equal("db.example.net", HostDeclaration.Of(service, 5, _domain).Single().Declaration.ExternalName);
    }
}
