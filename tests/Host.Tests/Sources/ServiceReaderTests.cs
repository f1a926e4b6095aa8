using MeshDns.Contracts.Services;
using static MeshDns.Host.Tests.Sources.Manifests;

namespace MeshDns.Host.Tests.Sources;

public sealed class ServiceReaderTests
{
    [Fact]
    public void Every_field_is_read()
    {
        var service = ReadService("""
            clusterIP: 10.96.0.1
            clusterIPs: [10.96.0.1, "fd00::1"]
            publishNotReadyAddresses: true
            ports:
            - {name: http, port: 80, targetPort: 8080}
            - {name: dns, port: 53, protocol: UDP, targetPort: 53}
            - {name: dns-tcp, port: 53}
            """);
        Assert.Equal("ClusterIP", service.Type);
        Assert.Equal(["10.96.0.1", "fd00::1"], service.ClusterIPs);
        Assert.False(service.Headless);
        Assert.True(service.PublishNotReadyAddresses);
        Assert.Equal([new ServicePort(80, "http", "TCP", 8080), new ServicePort(53, "dns", "UDP", null), new ServicePort(53, "dns-tcp", "TCP", null)], service.Ports);
    }

    [Theory]
    [InlineData("clusterIP: None")]
    [InlineData("clusterIPs: [None]")]
    [InlineData("clusterIP: None\nclusterIPs: [None]")]
    public void Cluster_ip_none_is_headless(string spec)
    {
        var service = ReadService(spec);
        Assert.True(service.Headless);
        Assert.Empty(service.ClusterIPs);
    }

    [Fact]
    public void An_external_name_is_folded() => Assert.Equal("www.example.com", ReadService("type: ExternalName\nexternalName: WWW.example.com.").ExternalName);

    [Theory]
    [InlineData("type: Cluster", "spec.type", "'Cluster' is none of ClusterIP")]
    [InlineData("clusterIP: 10.96.0", "spec.clusterIP", "neither an IP address nor 'None'")]
    [InlineData("clusterIP: 10.0.0.1\nclusterIPs: [10.0.0.2]", "spec.clusterIPs[0]", "must be the same as clusterIP")]
    [InlineData("clusterIPs: [10.0.0.1, 10.0.0.2]", "spec.clusterIPs[1]", "different families")]
    [InlineData("clusterIPs: [None, 10.0.0.2]", "spec.clusterIPs", "'None' must stand alone")]
    [InlineData("clusterIPs: [10.0.0.1, '::1', '::2']", "spec.clusterIPs", "at most 2")]
    [InlineData("type: NodePort\nclusterIP: None", "spec.clusterIP", "for the type ClusterIP")]
    [InlineData("type: ExternalName", "spec.externalName", "is required")]
    [InlineData("type: ExternalName\nexternalName: '*.x.y'", "spec.externalName", "wildcard")]
    [InlineData("type: ExternalName\nexternalName: 1.2.3.4", "spec.externalName", "is an address")]
    [InlineData("type: ExternalName\nexternalName: a.b\nclusterIP: 10.0.0.1", "spec.clusterIP", "must not be set for an ExternalName")]
    [InlineData("clusterIP: None\nports: [{port: 80}, {name: a, port: 81}]", "spec.ports[0].name", "is required when there are several ports")]
    [InlineData("clusterIP: None\nports: [{name: a, port: 80}, {name: b, port: 80}]", "spec.ports[1].port", "twice for TCP")]
    [InlineData("clusterIP: None\nports: [{name: a, port: 80}, {name: a, port: 81}]", "spec.ports[1].name", "'a' is there twice")]
    [InlineData("clusterIP: None\nports: [{port: 80, protocol: HTTP}]", "spec.ports[0].protocol", "none of TCP, UDP, SCTP")]
    [InlineData("clusterIP: None\nports: [{port: 80, targetPort: '80'}]", "spec.ports[0].targetPort", "neither a port number nor a port name")]
    [InlineData("clusterIP: None\nports: [{number: 80}]", "spec.ports[0].port", "is required", 2)]
    [InlineData("clusterIP: None\npublishNotReadyAddresses: 'yes'", "spec.publishNotReadyAddresses", "must be true or false")]
    [InlineData("clusterIP: None\nselectr: {}", "spec.selectr", "did you mean 'selector'?")]
    public void A_field_that_is_wrong_is_refused(string spec, string path, string words, int errors = 1)
    {
        var result = Read(Service(spec));
        Assert.Empty(result.Documents);
        Assert.Equal(errors, result.Errors.Count);
        var error = Assert.Single(result.Errors, e => e.Path == path);
        Assert.Contains(words, error.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_name_that_is_no_label_is_refused() => AssertRefused(Service("clusterIP: None", "name: a.b"), "metadata.name", "DNS-1123 label");

    [Fact]
    public void Fields_without_meaning_for_dns_are_listed()
    {
        var document = ReadOne(Service("clusterIP: 10.0.0.1\nselector: {app: x}\nsessionAffinity: None\nexternalName: left.over\nports: [{port: 80, targetPort: http, nodePort: 30080}]"));
        string[] expected = ["spec.externalName", "spec.ports[].nodePort", "spec.ports[].targetPort", "spec.selector", "spec.sessionAffinity"];
        Assert.Equal(expected, document.Ignored.Order(StringComparer.Ordinal));
        Assert.Null(document.Document.Service!.ExternalName);
        Assert.Null(Assert.Single(document.Document.Service!.Ports).TargetPort);
    }

    [Fact]
    public void A_service_without_a_cluster_ip_gets_a_VIP_and_one_that_opts_out_warns()
    {
        Assert.Empty(ReadOne(Service("ports: [{port: 80}]")).Warnings);
        const string optedOut = "name: s\nlabels: {networking.istio.io/enable-autoallocate-ip: 'False'}";
        foreach (var type in (string[])["ClusterIP", "NodePort", "LoadBalancer"])
            Assert.Contains("has no address", Assert.Single(ReadOne(Service($"type: {type}", optedOut)).Warnings), StringComparison.Ordinal);
        Assert.Empty(ReadOne(Service("clusterIP: 10.0.0.1", optedOut)).Warnings);
    }
}
