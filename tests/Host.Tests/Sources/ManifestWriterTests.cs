using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Services;
using MeshDns.Host.Sources;
using HostName = MeshDns.Contracts.Names.HostName;

namespace MeshDns.Host.Tests.Sources;

public sealed class ManifestWriterTests
{
    private static readonly Config _config = Config.QuickThrowOnFailure.WithMaxTest(2_000);

    [Fact]
    public void What_is_written_as_yaml_is_read_back() => Check.One(_config, Prop.ForAll(RandomDocuments.Seeds, seed => AssertRoundTrip(seed, ManifestFormat.Yaml)));

    [Fact]
    public void What_is_written_as_json_is_read_back() => Check.One(_config, Prop.ForAll(RandomDocuments.Seeds, seed => AssertRoundTrip(seed, ManifestFormat.Json)));

    [Fact]
    public void Yaml_is_in_the_shape_that_people_know()
    {
        var document = Manifests.ReadOne(Manifests.Entry("hosts: ['*.b.c', a.b]\nresolution: STATIC\naddresses: ['2001:2::102']\nports: [{number: 80, name: http}]\nendpoints: [{address: 1.2.3.4, ports: {http: 81}}]", "name: e\nlabels: {a: 'true'}")).Document;
        Assert.Equal("""
            apiVersion: networking.istio.io/v1
            kind: ServiceEntry
            metadata:
              name: e
              namespace: default
              labels:
                a: "true"
            spec:
              hosts:
                - "*.b.c"
                - a.b
              addresses:
                - "2001:2::102"
              ports:
                - name: http
                  number: 80
                  protocol: TCP
              resolution: STATIC
              endpoints:
                - address: 1.2.3.4
                  ports:
                    http: 81
            status:
              addresses:
                - host: a.b
                  value: 240.240.0.1

            """, ManifestWriter.ToYaml(document, [new HostAddress(HostName.Parse("a.b"), "240.240.0.1")]));
    }

    [Fact]
    public void An_export_is_one_manifest()
    {
        var documents = Enumerable.Range(0, 50).Select(seed => new RandomDocuments(seed).Next()).DistinctBy(d => d.Key).ToList();
        using var writer = new StringWriter();
        ManifestWriter.WriteYaml(writer, documents.Select(d => new DocumentRecord(d, 1, "api", 0, 0, [])));
        var result = Manifests.Read(writer.ToString());
        Assert.Empty(result.Errors);
        Assert.Equal(documents.Select(Canonical), result.Documents.Select(d => Canonical(d.Document)));
    }

    private static void AssertRoundTrip(int seed, ManifestFormat format)
    {
        var document = new RandomDocuments(seed).Next();
        HostAddress[] status = [new HostAddress(HostName.Parse("a.b"), "2001:2::1")];
        var text = format == ManifestFormat.Yaml ? ManifestWriter.ToYaml(document, status) : ManifestWriter.ToJson(document, status);
        var read = Manifests.ReadOne(text, format);
        Assert.Empty(read.Ignored);
        if (document.ServiceEntry is not null) Assert.Equal(status, read.Wishes);
        // The VIP of a Service stands where Kubernetes has its address.
        if (document.Service is { ClusterIPs.Count: 0, Headless: false, ExternalName: null } service) document = document with { Spec = service with { ClusterIPs = ["2001:2::1"] } };
        Assert.Equal(Canonical(document), Canonical(read.Document));
    }

    // Records hold lists and maps, which compare by reference; their JSON compares by value.
    private static string Canonical(MeshDocument document) => JsonSerializer.Serialize(document);
}
