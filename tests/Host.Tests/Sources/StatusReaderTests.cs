using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;
using MeshDns.Host.Sources;
using static MeshDns.Host.Tests.Sources.Manifests;

namespace MeshDns.Host.Tests.Sources;

/// <summary><c>status.addresses</c> of a ServiceEntry.</summary>
public sealed class StatusReaderTests
{
    private static string WithStatus(string status, string hosts = "[a.example]") => Entry($"hosts: {hosts}\nresolution: DNS") + "status:\n" + string.Join('\n', status.Split('\n').Select(l => "  " + l)) + "\n";

    private static HostAddress Address(string host, string value) => new(HostName.Parse(host), value);

    [Fact]
    public void What_Istio_writes_is_read_and_the_rest_of_a_status_is_ignored()
    {
        var document = ReadOne(WithStatus("""
            addresses:
            - {host: A.example., value: 240.240.0.9}
            - {host: a.example, value: '2001:2::9'}
            - {host: a.example, value: 240.240.0.9}
            - {host: b.example, value: 240.240.0.10}
            conditions: [{type: x.io, status: 'True'}]
            validationMessages: []
            observedGeneration: '1'
            source: api
            """, "[a.example, b.example]"));
        Assert.Equal([Address("a.example", "240.240.0.9"), Address("a.example", "2001:2::9"), Address("b.example", "240.240.0.10")], document.Wishes!);
        Assert.Equal(["status.conditions", "status.observedGeneration", "status.source", "status.validationMessages"], document.Ignored.Order(StringComparer.Ordinal));
        Assert.Equal(document.Wishes, document.ToChange().Wishes);
    }

    [Fact]
    public void An_address_without_a_host_is_that_of_the_only_one()
    {
        Assert.Equal([Address("a.example", "240.240.0.9")], ReadOne(WithStatus("addresses: [{value: 240.240.0.9}]")).Wishes!);
        var several = ReadOne(WithStatus("addresses: [{value: 240.240.0.9}]", "[a.example, b.example]"));
        Assert.Null(several.Wishes);
        Assert.Contains("names no host", Assert.Single(several.Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void An_address_for_a_pattern_that_no_name_matches_is_not_taken_with_a_warning()
    {
        var document = ReadOne(WithStatus("addresses: [{host: '*x.example', value: 240.240.0.9}]", "['*x.example', a.example]"));
        Assert.Null(document.Wishes);
        Assert.Contains(document.Warnings, warning => warning.StartsWith("status.addresses[]: is for a host that matches no DNS name", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("{addresses: []}")]
    [InlineData("{addresses: null}")]
    public void A_status_without_addresses_is_none(string status) => Assert.Null(ReadOne(Entry("hosts: [a.example]") + "status: " + status + "\n").Wishes);

    [Fact]
    public void A_status_that_is_no_map_is_ignored_as_ever() => Assert.Equal(["status"], ReadOne(Entry("hosts: [a.example]") + "status: fine\n").Ignored);

    [Fact]
    public void A_status_of_a_Service_is_ignored() => Assert.Equal(["status"], ReadOne(Service("clusterIP: 10.0.0.1") + "status: {loadBalancer: {}}\n").Ignored);

    [Theory]
    [InlineData("addresses: x", "status.addresses", "must be a list")]
    [InlineData("addresses: [x]", "status.addresses[0]", "must be a map")]
    [InlineData("addresses: [{host: a.example}]", "status.addresses[0].value", "is required")]
    [InlineData("addresses: [{host: a.example, value: x}]", "status.addresses[0].value", "not an IP address")]
    [InlineData("addresses: [{host: '*', value: 240.240.0.9}]", "status.addresses[0].host", "")]
    [InlineData("addresses: [{hst: a.example, value: 240.240.0.9}]", "status.addresses[0].hst", "did you mean 'host'?")]
    public void A_malformed_address_is_refused_by_its_path(string status, string path, string words)
    {
        var error = Assert.Single(Read(WithStatus(status)).Errors);
        Assert.Equal(path, error.Path);
        Assert.Contains(words, error.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Too_many_addresses_are_refused()
    {
        string Many(int count) => WithStatus($"addresses: [{string.Join(", ", Enumerable.Range(0, count).Select(i => $"{{host: a.example, value: 10.0.{i >> 8}.{i & 255}}}"))}]");
        Assert.Equal(ManifestLimits.StatusAddresses, ReadOne(Many(ManifestLimits.StatusAddresses)).Wishes!.Count);
        Assert.Contains("at most", Assert.Single(Read(Many(ManifestLimits.StatusAddresses + 1)).Errors).Reason, StringComparison.Ordinal);
    }
}
