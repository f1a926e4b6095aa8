using MeshDns.Contracts.Services;
using static MeshDns.Host.Tests.Sources.Manifests;

namespace MeshDns.Host.Tests.Sources;

public sealed class ServiceEntryReaderTests
{
    [Fact]
    public void Every_field_is_read()
    {
        var document = ReadOne(Entry("""
            hosts: [DB.Example.com., "*.Bücher.example"]
            addresses: [198.51.100.7, 10.1.2.3/8, "2001:DB8:0::7", "::ffff:192.0.2.1"]
            ports:
            - {number: 3306, name: mysql, protocol: tcp, targetPort: 13306}
            - {number: 80, targetPort: 80}
            location: MESH_EXTERNAL
            resolution: STATIC
            endpoints:
            - address: 192.0.2.1
              ports: {mysql: 23306}
              labels: {zone: a}
            exportTo: [., other]
            """, "name: db.v1\nnamespace: prod\nlabels: {app: db}\nannotations: {note: \"Any text: really\"}")).Document;

        Assert.Equal(new DocumentKey(DocumentKind.ServiceEntry, "prod", "db.v1"), document.Key);
        Assert.Equal("db", document.Labels!["app"]);
        Assert.Equal("Any text: really", document.Annotations!["note"]);
        var entry = document.ServiceEntry!;
        Assert.Equal(["db.example.com", "*.xn--bcher-kva.example"], entry.Hosts.Select(h => h.Text));
        Assert.Equal(["198.51.100.7", "10.0.0.0/8", "2001:db8::7", "192.0.2.1"], entry.Addresses);
        Assert.Equal([new ServicePort(3306, "mysql", "TCP", 13306), new ServicePort(80, null, "TCP", null)], entry.Ports);
        Assert.Equal("MESH_EXTERNAL", entry.Location);
        Assert.Equal(Resolution.Static, entry.Resolution);
        var endpoint = Assert.Single(entry.Endpoints);
        Assert.Equal("192.0.2.1", endpoint.Address);
        Assert.Equal(23306, endpoint.Ports!["mysql"]);
        Assert.Equal("a", endpoint.Labels!["zone"]);
        Assert.Equal([".", "other"], entry.ExportTo);
    }

    [Theory]
    [InlineData("v1")]
    [InlineData("v1beta1")]
    [InlineData("v1alpha3")]
    public void Each_version_of_the_api_is_taken(string version) =>
        ReadOne(Entry("hosts: [a.b]").Replace("io/v1", "io/" + version, StringComparison.Ordinal));

    [Fact]
    public void Resolution_is_none_and_namespace_is_default_unless_said()
    {
        var document = ReadOne(Entry("hosts: [a.b]")).Document;
        Assert.Equal(Resolution.None, document.ServiceEntry!.Resolution);
        Assert.Equal("default", document.Key.Namespace);
        Assert.Null(document.Labels);
    }

    [Theory]
    [InlineData("resolution: DNS", "spec.hosts", "is required")]
    [InlineData("hosts: []", "spec.hosts", "is required")]
    [InlineData("hosts: a.b", "spec.hosts", "must be a list, not the string 'a.b'")]
    [InlineData("hosts: ['*']", "spec.hosts[0]", "bare '*'")]
    [InlineData("hosts: [a.b, c_$d]", "spec.hosts[1]", "the character '$'")]
    [InlineData("hosts: [10.0.0.1]", "spec.hosts[0]", "is an address")]
    [InlineData("hosts: [LocalHost.]", "spec.hosts[0]", "'localhost' is the machine itself")]
    [InlineData("hosts: [a.b, invalid]", "spec.hosts[1]", "cannot be declared")]
    [InlineData("hosts: [x.Y.invalid]", "spec.hosts[0]", "'x.y.invalid' cannot be declared")]
    [InlineData("hosts: ['*.invalid']", "spec.hosts[0]", "cannot be declared")]
    [InlineData("hosts: ['**.b']", "spec.hosts[0]", "a '*' is allowed only")]
    [InlineData("hosts: ['a*.b']", "spec.hosts[0]", "a '*' is allowed only")]
    [InlineData("hosts: ['*x..b']", "spec.hosts[0]", "a '*' is allowed only")]
    [InlineData("hosts: [a.b]\naddresses: [1.2.3.4/032]", "spec.addresses[0]", "neither an IP address nor a CIDR")]
    [InlineData("hosts: [a.b]\naddresses: ['1.2.3.4/128']", "spec.addresses[0]", "neither an IP address nor a CIDR")]
    [InlineData("hosts: [a.b]\naddresses: ['1.2.3.4/32/32']", "spec.addresses[0]", "neither an IP address nor a CIDR")]
    [InlineData("hosts: [true]", "spec.hosts[0]", "must be a string, not the boolean true; put it in quotes")]
    [InlineData("hosts: [a.b]\naddresses: [1.2.3]", "spec.addresses[0]", "neither an IP address nor a CIDR")]
    [InlineData("hosts: [a.b]\naddresses: [10.0.0.0/33]", "spec.addresses[0]", "neither an IP address nor a CIDR")]
    [InlineData("hosts: [a.b]\naddresses: ['::ffff:10.0.0.0/8']", "spec.addresses[0]", "neither an IP address nor a CIDR")]
    [InlineData("hosts: [a.b]\nresolution: dns", "spec.resolution", "'dns' is none of NONE, STATIC, DNS")]
    [InlineData("hosts: [a.b]\nlocation: INSIDE", "spec.location", "neither MESH_EXTERNAL nor MESH_INTERNAL")]
    [InlineData("hosts: [a.b]\nexportTo: ['~', a]", "spec.exportTo", "'~' (nobody) must stand alone")]
    [InlineData("hosts: [a.b]\nexportTo: [., Prod]", "spec.exportTo[1]", "DNS-1123 label")]
    [InlineData("host: [a.b]\nhosts: [a.b]", "spec.host", "did you mean 'hosts'?")]
    [InlineData("hosts: [a.b]\nzzzzzzz: 1", "spec.zzzzzzz", "is not a known field")]
    public void A_field_that_is_wrong_is_refused_by_its_path(string spec, string path, string words) => AssertRefused(Entry(spec), path, words);

    [Theory]
    [InlineData("{name: a}", "spec.ports[0].number", "is required")]
    [InlineData("{number: \"80\"}", "spec.ports[0].number", "must be a whole number, not the string '80'; take the quotes away")]
    [InlineData("{number: 80.5}", "spec.ports[0].number", "must be a whole number, not the number 80.5")]
    [InlineData("{number: 0}", "spec.ports[0].number", "must be 1 to 65535, not 0")]
    [InlineData("{number: 65536}", "spec.ports[0].number", "must be 1 to 65535, not 65536")]
    [InlineData("{number: 1, targetPort: 70000}", "spec.ports[0].targetPort", "must be 0 to 65535, not 70000")]
    [InlineData("{number: 1, name: a_b}", "spec.ports[0].name", "DNS-1123 label")]
    [InlineData("{number: 1, protocol: SCTP}", "spec.ports[0].protocol", "not a protocol that Istio knows")]
    [InlineData("{number: 1, port: 2}", "spec.ports[0].port", "is not a known field")]
    [InlineData("{number: 1, name: a}, {number: 1, name: b}", "spec.ports[1].number", "the port 1 is there twice")]
    [InlineData("{number: 1, name: http}, {number: 2, name: HTTP}", "spec.ports[1].name", "the port name 'HTTP' is there twice")]
    [InlineData("{number: 1, name: a}, {number: 2, name: a}", "spec.ports[1].name", "the port name 'a' is there twice")]
    [InlineData("80", "spec.ports[0]", "a port must be a map of fields, not the number 80")]
    public void A_port_that_is_wrong_is_refused(string ports, string path, string words) => AssertRefused(Entry($"hosts: [a.b]\nports: [{ports}]"), path, words);

    [Theory]
    [InlineData("{labels: {a: b}}", "spec.endpoints[0].address", "is required")]
    [InlineData("{address: '*.x.y'}", "spec.endpoints[0].address", "wildcard")]
    [InlineData("{address: a.b, ports: {web: 80}}", "spec.endpoints[0].ports.web", "'web' is not the name of a port in spec.ports")]
    [InlineData("{address: a.b, ports: {http: x}}", "spec.endpoints[0].ports.http", "must be a whole number")]
    [InlineData("{address: a.b, labels: {n: 1}}", "spec.endpoints[0].labels.n", "must be a string, not the number 1")]
    [InlineData("{address: a.b, adress: c.d}", "spec.endpoints[0].adress", "did you mean 'address'?")]
    public void An_endpoint_that_is_wrong_is_refused(string endpoint, string path, string words) =>
        AssertRefused(Entry($"hosts: [a.b]\nresolution: DNS\nports: [{{number: 80, name: http}}]\nendpoints: [{endpoint}]"), path, words);

    [Theory]
    [InlineData("hosts: [a.b]\nendpoints: [{address: 1.2.3.4}]", "spec.endpoints", "resolution NONE cannot have endpoints")]
    [InlineData("hosts: [a.b]\nresolution: STATIC\nendpoints: [{address: 1.2.3.4}, {address: c.d}]", "spec.endpoints[1].address", "'c.d' is not an IP address")]
    [InlineData("hosts: [a.b]\nresolution: STATIC\nendpoints: [{address: 'unix:///s'}, {address: c.d}]", "spec.endpoints[1].address", "'c.d' is not an IP address")]
    [InlineData("hosts: [a.b, a.b, '*.c']\nresolution: DNS", "spec.hosts[2]", "a wildcard cannot be resolved")]
    [InlineData("hosts: ['*.c']\nresolution: DNS_ROUND_ROBIN", "spec.hosts[0]", "a wildcard cannot be resolved")]
    [InlineData("hosts: [a.b]\nresolution: DNS_ROUND_ROBIN\nendpoints: [{address: c.d}, {address: e.f}]", "spec.endpoints", "at most one endpoint, not 2")]
    [InlineData("hosts: ['*.b', a.b]\nresolution: DYNAMIC_DNS", "spec.hosts[1]", "needs wildcard hosts")]
    [InlineData("hosts: ['*.b']\nresolution: DYNAMIC_DNS\naddresses: [1.2.3.4]", "spec.addresses", "cannot have addresses")]
    [InlineData("hosts: ['*.b']\nresolution: DYNAMIC_DNS\nendpoints: [{address: c.d}]", "spec.endpoints", "cannot have endpoints")]
    [InlineData("hosts: [a.b]\nresolution: DNS\naddresses: [1.2.3.4, 1.2.3.4/32, 10.0.0.0/8]", "spec.addresses[2]", "NONE and STATIC only")]
    public void Fields_that_contradict_each_other_are_refused(string spec, string path, string words) => AssertRefused(Entry(spec), path, words);

    [Theory]
    [InlineData("hosts: ['*.b']\nresolution: DYNAMIC_DNS")]
    [InlineData("hosts: ['*.b']\nresolution: DNS\nendpoints: [{address: c.d}]")]
    [InlineData("hosts: [a.b]\nresolution: DNS\nendpoints: [{address: C.d.}, {address: 1.2.3.4}]")]
    [InlineData("hosts: [a.b]\nresolution: NONE\naddresses: [10.0.0.0/8]")]
    [InlineData("hosts: [a.b]\nresolution: null\nports: []\nlocation: ~")]
    public void What_the_rules_allow_is_taken(string spec) => ReadEntry(spec);

    [Fact]
    public void Static_without_endpoints_warns() => Assert.Contains("STATIC without endpoints", Assert.Single(ReadOne(Entry("hosts: [a.b]\nresolution: STATIC")).Warnings), StringComparison.Ordinal);

    [Fact]
    public void The_same_address_twice_is_kept_once_and_warns()
    {
        var document = ReadOne(Entry("hosts: [a.b]\naddresses: ['::1', '0::1']"));
        Assert.Equal(["::1"], document.Document.ServiceEntry!.Addresses);
        Assert.Contains("twice", Assert.Single(document.Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void Bounds_are_held()
    {
        string Many(int count, Func<int, string> item) => string.Join(", ", Enumerable.Range(0, count).Select(item));
        Assert.Equal(256, ReadEntry($"hosts: [{Many(256, i => $"h{i}.x")}]").Hosts.Count);
        AssertRefused(Entry($"hosts: [{Many(257, i => $"h{i}.x")}]"), "spec.hosts", "has 257 items, at most 256");
        AssertRefused(Entry($"hosts: [a.b]\nresolution: DNS\nendpoints: [{Many(1001, i => $"{{address: e{i}.x}}")}]"), "spec.endpoints", "has 1001 items, at most 1000");
        AssertRefused(Entry($"hosts: [{Many(200, i => $"h{i}.x")}]\nresolution: DNS\nendpoints: [{Many(400, i => $"{{address: e{i}.x}}")}]"), "spec.endpoints", "more than 65536");
    }

    [Fact]
    public void Known_fields_without_meaning_for_dns_are_listed_once_each()
    {
        var document = ReadOne(Entry("""
            hosts: [a.b]
            resolution: STATIC
            workloadSelector: {labels: {app: x}}
            subjectAltNames: [spiffe://x]
            endpoints:
            - {address: 1.2.3.4, weight: 1, locality: a/b}
            - {address: 1.2.3.5, weight: 2}
            """, "name: e\nuid: abc\nresourceVersion: \"7\"\ncreationTimestamp: null") + "status: {addresses: [], conditions: []}\n");
        Assert.Equal(["metadata.uid", "metadata.resourceVersion", "spec.workloadSelector", "spec.subjectAltNames", "spec.endpoints[].weight", "spec.endpoints[].locality", "status.conditions"], document.Ignored);
    }
}
