using System.Text;
using MeshDns.Contracts.Services;
using MeshDns.Host.Sources;
using static MeshDns.Host.Tests.Sources.Manifests;

namespace MeshDns.Host.Tests.Sources;

/// <summary>Anchors, aliases and merge keys, as kubectl reads them, and their bound.</summary>
public sealed class YamlAliasTests
{
    [Fact]
    public void An_alias_is_the_value_that_it_names()
    {
        var document = ReadOne("""
            apiVersion: networking.istio.io/v1
            kind: ServiceEntry
            metadata:
              name: &name orders
              labels:
                app: *name
                &key tier: &on "yes"
                other: *on
              annotations: {*key : x}
            spec:
              hosts: &hosts [a.b, &second c.d]
              ports: &ports
              - &port {number: 80, name: http}
              resolution: DNS
              endpoints:
              - {address: *second}
            """).Document;
        Assert.Equal("orders", document.Key.Name);
        Assert.Equal([new("app", "orders"), new("other", "yes"), new("tier", "yes")], document.Labels);
        Assert.Equal([new("tier", "x")], document.Annotations);
        Assert.Equal("c.d", Assert.Single(document.ServiceEntry!.Endpoints).Address);
    }

    [Fact]
    public void The_last_anchor_of_a_name_counts() =>
        Assert.Equal(["a.b", "c.d", "e.f", "c.d"], ReadEntry("hosts: [&h a.b, &h c.d, e.f, *h]").Hosts.Select(h => h.Text).Append("c.d"));

    [Fact]
    public void A_merge_key_adds_the_fields_that_a_map_does_not_have()
    {
        var entry = ReadEntry("""
            hosts: [a.b]
            resolution: STATIC
            ports: [{number: 80, name: http}]
            endpoints:
            - &first {address: 10.0.0.1, ports: {http: 8080}, labels: {zone: a}}
            - {<<: *first, address: 10.0.0.2}
            - {address: 10.0.0.3, <<: [{labels: {zone: b}}, *first]}
            - &fourth
              <<: *first
              address: 10.0.0.4
            - <<: *fourth
            """);
        Assert.Equal(["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.4"], entry.Endpoints.Select(e => e.Address));
        Assert.All(entry.Endpoints, e => Assert.Equal(8080, e.Ports!["http"]));
        Assert.Equal(["a", "a", "b", "a", "a"], entry.Endpoints.Select(e => e.Labels!["zone"]));
    }

    [Fact]
    public void An_error_in_what_an_alias_stands_for_has_the_place_of_the_alias_and_the_line_of_the_text()
    {
        var result = Read(Entry("hosts: &h [a.b, bad host]\nexportTo: *h"));
        Assert.Equal([("spec.hosts[1]", 6), ("spec.exportTo[0]", 6), ("spec.exportTo[1]", 6)], result.Errors.Select(e => (e.Path, e.Line)));
    }

    [Theory]
    [InlineData("hosts: *none", "*none names no anchor before it")]
    [InlineData("hosts: &h [a.b, *h]", "*h is inside the value that it names")]
    [InlineData("hosts: &h [a.b, {x: [*h]}]", "*h is inside the value that it names")]
    [InlineData("<<: 5", "takes a map or a list of maps, not the number 5")]
    [InlineData("<<: [{}, [x]]", "takes a map or a list of maps, not a list")]
    [InlineData("<<: {}\n<<: {}", "there twice")]
    [InlineData("'<<': {}\nhosts: [a.b]", "is not a known field")]
    [InlineData("&a [x]: 1", "a field name must be a string")]
    [InlineData("x: &a [x]\n*a : 1", "a field name must be a string")]
    public void Aliases_that_mean_nothing_are_refused(string spec, string words) => Assert.Contains(words, Refused(Entry(spec)).Reason, StringComparison.Ordinal);

    [Fact]
    public void Anchors_end_with_their_document()
    {
        Assert.Contains("names no anchor", Assert.Single(Read($"{Entry("hosts: &h [a.b]")}---\n{Entry("hosts: *h", "name: f")}").Errors).Reason, StringComparison.Ordinal);
        Assert.Contains("names no anchor", Assert.Single(Read($"{Entry("hosts: &h [a.b]")}...\n{Entry("hosts: *h", "name: f")}").Errors).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Ten_lines_that_double_each_other_are_refused_before_they_are_large()
    {
        var laughs = new StringBuilder("apiVersion: v1\nkind: ConfigMap\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for (var i = 1; i < 10; i++) laughs.Append($"a{i}: &a{i} [{string.Join(", ", Enumerable.Repeat($"*a{i - 1}", 10))}]\n");
        var before = GC.GetAllocatedBytesForCurrentThread();
        var error = Refused(laughs.ToString());
        Assert.Contains("aliases (*name) add more than 16777216 characters", error.Reason, StringComparison.Ordinal);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 256 << 20);
    }

    [Fact]
    public void The_bound_is_of_the_set_and_long_texts_count()
    {
        var text = new string('x', 1 << 20);
        string Document(int i) => $"apiVersion: v1\nkind: ConfigMap\na: &a {text}\nb: *a\nn: {i}\n";
        ManifestInput Input(int i) => new($"f{i}", Encoding.UTF8.GetBytes(Document(i)), ManifestFormat.Yaml);
        Assert.Empty(ManifestReader.ReadAll(Enumerable.Range(0, 15).Select(Input)).Errors);
        Assert.Equal("f15", Assert.Single(ManifestReader.ReadAll(Enumerable.Range(0, 16).Select(Input)).Errors).File);
        Assert.Equal("f16", ManifestReader.ReadAll(Enumerable.Range(0, 17).Select(Input)).Errors[^1].File);
    }

    [Fact]
    public void Aliases_count_toward_the_size_and_the_depth_of_a_document()
    {
        var text = new string('x', 300_000);
        Assert.Contains("at most 1048576 are allowed", Refused(Entry("hosts: [a.b]", $"name: e\nannotations:\n  a: &a {text}\n  b: *a\n  c: *a\n  d: *a")).Reason, StringComparison.Ordinal);
        var merged = $"name: e\nannotations:\n  <<:\n  - &m\n    a: {text}\n  - *m\n  - *m\n  - *m";
        Assert.Contains("at most 1048576 are allowed", Refused(Entry("hosts: [a.b]", merged)).Reason, StringComparison.Ordinal);
        var deep = new StringBuilder("a0: &a0 [x]\n");
        for (var i = 1; i < 70; i++) deep.Append($"a{i}: &a{i} [*a{i - 1}]\n");
        Assert.Contains("at most 64 levels", Refused(deep.ToString()).Reason, StringComparison.Ordinal);
    }
}
