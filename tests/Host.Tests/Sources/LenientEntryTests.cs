using MeshDns.Contracts.Services;
using MeshDns.Host.Sources;
using static MeshDns.Host.Tests.Sources.Manifests;

namespace MeshDns.Host.Tests.Sources;

/// <summary>What Istio takes and DNS does not care about is taken; what has no effect is said.</summary>
public sealed class LenientEntryTests
{
    [Theory]
    [InlineData("192.168.198.177/32", "192.168.198.177")]
    [InlineData("240.240.1.2/32", "240.240.1.2")]
    [InlineData("2001:DB8::1/128", "2001:db8::1")]
    [InlineData("::ffff:10.0.0.1/128", "10.0.0.1")]
    [InlineData("10.0.0.1/31", "10.0.0.0/31")]
    [InlineData("2001:db8::/32", "2001:db8::/32")]
    public void A_network_of_one_address_is_that_address(string written, string read) =>
        Assert.Equal([read], ReadEntry($"hosts: [a.b]\naddresses: ['{written}']").Addresses);

    [Fact]
    public void A_network_of_one_address_is_an_address_to_every_rule()
    {
        Assert.Equal(["10.0.0.1"], ReadEntry("hosts: [a.b]\nresolution: DNS\naddresses: [10.0.0.1/32]").Addresses);
        var twice = ReadOne(Entry("hosts: [a.b]\naddresses: [10.0.0.1, 10.0.0.1/32]"));
        Assert.Equal(["10.0.0.1"], twice.Document.ServiceEntry!.Addresses);
        Assert.Contains("twice", Assert.Single(twice.Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void A_host_that_is_there_twice_is_kept_once_and_warns()
    {
        var document = ReadOne(Entry("hosts: [a.example, A.Example., b.example]"));
        Assert.Equal(["a.example", "b.example"], document.Document.ServiceEntry!.Hosts.Select(h => h.Text));
        Assert.Equal("spec.hosts[]: the host 'a.example' is there twice", Assert.Single(document.Warnings));
    }

    [Fact]
    public void Names_below_localhost_may_be_declared() => Assert.Equal(2, ReadEntry("hosts: [app.localhost, '*.localhost', notinvalid]").Hosts.Count - 1);

    [Fact]
    public void A_pattern_that_no_name_matches_is_taken_and_warns()
    {
        var document = ReadOne(Entry("hosts: ['*x.example', a.b, '*-y', '*x.example']"));
        Assert.Equal(["a.b"], document.Document.ServiceEntry!.Hosts.Select(h => h.Text));
        Assert.Equal(["*x.example", "*-y"], document.Document.ServiceEntry!.Patterns);
        Assert.Contains("'*x.example' matches no DNS name", document.Warnings[0], StringComparison.Ordinal);
        foreach (var resolution in new[] { "NONE", "DYNAMIC_DNS" }) Assert.Empty(ReadEntry($"hosts: ['*x']\nresolution: {resolution}").Hosts);
    }

    [Fact]
    public void What_no_name_matches_is_shown_and_read_again()
    {
        var document = ReadOne(Entry("hosts: ['*x.example']")).Document;
        var again = ReadOne(ManifestWriter.ToYaml(document)).Document;
        Assert.Equal(document.ServiceEntry!.Patterns, again.ServiceEntry!.Patterns);
        Assert.Empty(again.ServiceEntry!.Hosts);
    }

    [Theory]
    [InlineData("['~']", "visible to nobody")]
    [InlineData("[prod]", null)]
    [InlineData("[.]", null)]
    [InlineData("['*', prod]", "beside it has no effect")]
    [InlineData("['*', '*']", "'*' is there twice")]
    [InlineData("['*']", null)]
    [InlineData("[]", null)]
    public void An_export_without_effect_warns(string exports, string? words)
    {
        var warnings = ReadOne(Entry($"hosts: [a.b]\nexportTo: {exports}")).Warnings;
        if (words is null) Assert.Empty(warnings);
        else Assert.Contains(words, Assert.Single(warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void Endpoints_that_are_elsewhere_are_ignored()
    {
        var document = ReadOne(Entry("hosts: [a.b]\nresolution: STATIC\nendpoints: [{address: 'unix:///run/s'}, {network: other}, {address: 10.0.0.1}, {address: 'unix://@abstract'}]"));
        Assert.Equal("10.0.0.1", Assert.Single(document.Document.ServiceEntry!.Endpoints).Address);
        Assert.Equal(["spec.endpoints[].address", "spec.endpoints[].network", "spec.endpoints[]"], document.Ignored);
        Assert.Empty(document.Warnings);
        var none = ReadOne(Entry("hosts: [a.b]\nresolution: STATIC\nendpoints: [{address: 'unix:///run/s'}]"));
        Assert.Contains("nowhere to go", Assert.Single(none.Warnings), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("STATIC", "{address: 'unix://run/s'}", "absolute path")]
    [InlineData("STATIC", "{address: 'unix:///run/'}", "absolute path")]
    [InlineData("STATIC", "{labels: {a: b}}", "is required")]
    [InlineData("DNS", "{network: other}", "is required")]
    [InlineData("DNS", "{address: 'unix:///run/s'}", "neither an IP address nor a host name")]
    public void Endpoints_that_Istio_refuses_too_are_refused(string resolution, string endpoint, string words) =>
        AssertRefused(Entry($"hosts: [a.b]\nresolution: {resolution}\nendpoints: [{endpoint}]"), "spec.endpoints[0].address", words);

    [Fact]
    public void Port_names_may_have_capitals_and_target_port_0_is_the_default()
    {
        var port = Assert.Single(ReadEntry("hosts: [a.b]\nports: [{number: 80, name: HTTP-Web, targetPort: 0}]").Ports);
        Assert.Equal(("HTTP-Web", null), (port.Name, port.TargetPort));
        foreach (var target in new[] { "0", "''" }) Assert.Null(Assert.Single(ReadService($"clusterIP: 10.0.0.1\nports: [{{port: 80, targetPort: {target}}}]").Ports).TargetPort);
    }

    [Theory]
    [InlineData("clusterIP: None", "headless")]
    [InlineData("type: ExternalName\nexternalName: a.b", null)]
    [InlineData("clusterIP: 10.0.0.1", null)]
    public void A_service_without_an_address_warns(string spec, string? words)
    {
        var warnings = ReadOne(Service(spec)).Warnings;
        if (words is null) Assert.Empty(warnings);
        else Assert.Contains(words, Assert.Single(warnings), StringComparison.Ordinal);
    }
}
