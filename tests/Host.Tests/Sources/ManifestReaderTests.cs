using System.Text;
using MeshDns.Host.Sources;
using static MeshDns.Host.Tests.Sources.Manifests;

namespace MeshDns.Host.Tests.Sources;

public sealed class ManifestReaderTests
{
    private const string Good = "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: NAME}\nspec: {hosts: [NAME.x]}\n";

    private static string GoodNamed(string name) => Good.Replace("NAME", name, StringComparison.Ordinal);

    [Fact]
    public void An_error_says_file_document_line_path_and_reason()
    {
        var result = Read($"# comment\n---\n{GoodNamed("a")}---\n---\n{GoodNamed("b")}  \n---\n" + Entry("hosts:\n- a.b\n- bad host"));
        var error = Assert.Single(result.Errors);
        Assert.Equal("test.yaml: document 3, line 22: spec.hosts[1]: 'bad host' has the character ' ', which a host name cannot have", error.ToString());
        Assert.Equal(3, error.Number);
        Assert.Equal([1, 2], result.Documents.Select(d => d.Number));
    }

    [Fact]
    public void Every_error_is_reported_and_a_syntax_error_hides_nothing_after_it()
    {
        var result = Read($"{Entry("hosts: [a b, c d]")}---\nkind: [\n---\n{Entry("hosts: [e f]")}");
        Assert.Equal([(1, "spec.hosts[0]"), (1, "spec.hosts[1]"), (2, ""), (3, "spec.hosts[0]")], result.Errors.Select(e => (e.Number, e.Path)));
        Assert.Contains("not YAML", result.Errors[2].Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Errors_are_bounded()
    {
        var errors = Read(string.Concat(Enumerable.Repeat("---\nkind: X\n", 5000))).Errors;
        Assert.Equal(ManifestLimits.Errors + 1, errors.Count);
        Assert.Contains("stopped after 100 errors", errors[^1].Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("kind: Service\nmetadata: {name: a}\nspec: {clusterIP: None}", "apiVersion", "is required")]
    [InlineData("apiVersion: v1\nmetadata: {name: a}", "kind", "is required")]
    [InlineData("apiVersion: v1\nkind: Servcie", "kind", "did you mean 'Service'?")]
    [InlineData("apiVersion: networking.istio.io/v1\nkind: serviceentry", "kind", "did you mean 'ServiceEntry'?")]
    [InlineData("apiVersion: v1\nkind: EndpointsList", "kind", "not supported by this version yet")]
    [InlineData("apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice", "kind", "not supported by this version yet")]
    [InlineData("apiVersion: v1\nkind: Endpoints", "kind", "not supported by this version yet")]
    [InlineData("apiVersion: v2\nkind: Service", "apiVersion", "use v1")]
    [InlineData("apiVersion: v1\nkind: ServiceEntry", "apiVersion", "use one of networking.istio.io/v1")]
    [InlineData("apiVersion: v1\nkind: Service\nspec: {clusterIP: None}", "metadata", "is required")]
    [InlineData("apiVersion: v1\nkind: Service\nmetadata: {name: a}", "spec", "is required")]
    [InlineData("just text", "", "a document must be a map of fields, not the string 'just text'")]
    [InlineData("- a\n- b", "", "a document must be a map of fields, not a list")]
    [InlineData("apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {clusterIP: None}\nspecs: {}", "specs", "did you mean 'spec'?")]
    public void A_document_that_is_nothing_known_is_refused(string text, string path, string words) => AssertRefused(text, path, words);

    [Theory]
    [InlineData("namespace: b", "metadata.name", "is required")]
    [InlineData("name: ''", "metadata.name", "is required")]
    [InlineData("name: Upper", "metadata.name", "DNS-1123 subdomain")]
    [InlineData("name: 12", "metadata.name", "must be a string, not the number 12; put it in quotes")]
    [InlineData("name: a\nnamespace: a.b", "metadata.namespace", "DNS-1123 label")]
    [InlineData("name: a\ngenerateName: a-", "metadata.generateName", "is not supported")]
    [InlineData("name: a\nlabels: {on: 'x', app: true}", "metadata.labels.app", "must be a string, not the boolean true; put it in quotes")]
    [InlineData("name: a\nlabels: {app: yes}", "metadata.labels.app", "not the boolean true")]
    [InlineData("name: a\nlabels: {app: 1.5}", "metadata.labels.app", "not the number 1.5")]
    [InlineData("name: a\nlabels: {app: 'a b'}", "metadata.labels.app", "is not a valid label value")]
    [InlineData("name: a\nlabels: {'a/b/c': x}", "metadata.labels['a/b/c']", "is not a valid key")]
    [InlineData("name: a\nlabels: [x]", "metadata.labels", "must be a map, not a list")]
    [InlineData("name: a\nannotations: {n: 1}", "metadata.annotations.n", "must be a string")]
    [InlineData("name: a\nlabel: {}", "metadata.label", "did you mean 'labels'?")]
    public void Metadata_that_is_wrong_is_refused(string metadata, string path, string words) => AssertRefused(Entry("hosts: [a.b]", metadata), path, words);

    [Theory]
    [InlineData("hosts: !!set {x}", "the tag")]
    [InlineData("? [a]\n: b", "a field name must be a string")]
    [InlineData("hosts: [a.b]\n\tports: []", "a tab cannot indent")]
    public void Yaml_that_is_no_manifest_is_refused(string spec, string words) => Assert.Contains(words, Refused(Entry(spec)).Reason, StringComparison.Ordinal);

    [Fact]
    public void Nesting_is_bounded()
    {
        var deep = new string('[', ManifestLimits.Depth - 3) + "x" + new string(']', ManifestLimits.Depth - 3);
        Assert.Contains("must be a string, not a list", Refused(Entry($"hosts: [{deep[1..^1]}]")).Reason, StringComparison.Ordinal);
        Assert.Contains("at most 64 levels", Refused(Entry($"hosts: [{deep}]")).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_field_that_is_there_twice_is_refused()
    {
        AssertRefused(Entry("hosts: [a.b]\nports: []\nhosts: [c.d]"), "spec.hosts", "twice");
        Assert.Equal("spec", Refused("""{"apiVersion":"v1","kind":"Service","metadata":{"name":"a"},"spec":{},"spec":{"clusterIP":"None"}}""").Path);
    }

    [Fact]
    public void The_same_document_twice_is_refused_across_files_too()
    {
        var twice = Assert.Single(Read($"{GoodNamed("a")}---\n{GoodNamed("a")}").Errors);
        Assert.Equal("test.yaml: document 2, line 6: metadata.name: ServiceEntry/default/a is there twice; the first is document 1 of test.yaml", twice.ToString());
        var bytes = Encoding.UTF8.GetBytes(GoodNamed("a"));
        var result = ManifestReader.ReadAll([new ManifestInput("one", bytes, ManifestFormat.Yaml), new ManifestInput("two", bytes, ManifestFormat.Yaml)]);
        Assert.Equal("two", Assert.Single(result.Errors).File);
    }

    [Fact]
    public void Documents_end_at_markers_wherever_they_stand()
    {
        var result = Read($"\uFEFF%YAML 1.2\n---\n{GoodNamed("a")}...\n--- # comment\r\n{GoodNamed("b").Replace("\n", "\r\n", StringComparison.Ordinal)}---\n{GoodNamed("c")}...\n{GoodNamed("d")}---");
        Assert.Empty(result.Errors);
        Assert.Equal(["a", "b", "c", "d"], result.Documents.Select(d => d.Document.Key.Name));
        Assert.Equal([1, 2, 3, 4], result.Documents.Select(d => d.Number));
    }

    [Fact]
    public void Json_objects_may_follow_one_another_and_a_list_has_items()
    {
        const string One = """{"apiVersion":"v1","kind":"Service","metadata":{"name":"NAME"},"spec":{"clusterIP":"None"}}""";
        string Named(string name) => One.Replace("NAME", name, StringComparison.Ordinal);
        Assert.Equal(2, Read(Named("a") + "\n" + Named("b")).Documents.Count);
        var list = Read($$"""{"apiVersion":"v1","kind":"List","metadata":{},"items":[{{Named("a")}},{{Named("b")}},{"kind":"Endpoints","apiVersion":"v1"}]}""");
        Assert.Equal(2, list.Documents.Count);
        Assert.Equal("items[2].kind", Assert.Single(list.Errors).Path);
        Assert.Single(Read($"apiVersion: v1\nkind: List\nitems:\n- {Named("a")}").Documents);
        Assert.Single(Read($"{{\"kind\": \"List\", \"items\": [{Named("a")}]}}").Errors);
    }

    [Theory]
    [InlineData("spec:\n  hosts:\n\t- a.b", 7)]
    [InlineData("spec:\n  hosts: [a.b]\n\tports: []", 7)]
    [InlineData("spec:\n  hosts: [a.b]\n \tports: []", 7)]
    [InlineData("spec:\n  hosts:\n  - a.b\n\t- c.d", 8)]
    [InlineData("spec:\n\thosts: [a.b]", 6)]
    [InlineData("spec:\n  note: |\n    \ttext\n  hosts: [\n\ta.b]\n  more: 1", 9)]
    [InlineData("spec:\n  note: |\n    \ttext\n  hosts: [a.b]\n  more:\n\tx: 1", 10)]
    public void A_tab_is_reported_where_it_stands(string spec, int line)
    {
        var error = Refused("apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata:\n  name: e\n" + spec);
        Assert.Equal(line, error.Line);
        Assert.Contains("a tab cannot indent", error.Reason, StringComparison.Ordinal);
        // Documents before it: five lines, markers and an empty one.
        Assert.Equal(line + 7, Assert.Single(Read($"{GoodNamed("z")}---\n---\n\napiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata:\n  name: e\n{spec}").Errors).Line);
    }

    [Fact]
    public void What_the_parser_gives_up_on_is_reported_near_its_place()
    {
        var error = Refused("a: 1\nb: 2\nc: {x: 1\n\nd: 1\n");
        Assert.Equal(3, error.Line);
        Assert.Contains("not YAML", error.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{\"kind\":\"Service\",}", 1)]
    [InlineData("{\n\"kind\": tru}", 2)]
    [InlineData("{\n\n\"kind\":\"\\ud800\"}", 3)]
    [InlineData("{\"a\":1", 1)]
    public void Json_that_is_broken_says_its_line(string text, int line)
    {
        var error = Refused(text);
        Assert.Contains("not JSON", error.Reason, StringComparison.Ordinal);
        Assert.Equal(line, error.Line);
    }

    [Fact]
    public void Text_that_is_not_utf8_is_refused_with_its_line()
    {
        var error = Assert.Single(ManifestReader.Read("f", new byte[] { (byte)'a', (byte)'\n', 0xc3, 0x28 }).Errors);
        Assert.Equal("f: line 2: the text is not UTF-8", error.ToString());
    }

    [Fact]
    public void Large_input_is_refused_by_its_size()
    {
        Assert.Contains("bytes, at most", Assert.Single(ManifestReader.Read("f", new byte[ManifestLimits.ManifestBytes + 1]).Errors).Reason, StringComparison.Ordinal);
        Assert.Contains("characters, at most", Refused(Entry($"hosts: [a.b]\nlocation: {new string('x', ManifestLimits.DocumentSize)}")).Reason, StringComparison.Ordinal);
        Assert.Contains("document markers", Assert.Single(Read(string.Concat(Enumerable.Repeat("---\n", ManifestLimits.Markers + 1))).Errors).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_is_a_manifest_without_documents()
    {
        foreach (var text in new[] { "", "\n", "---\n---\n", "# only a comment", "null" })
        {
            var result = Read(text);
            Assert.Empty(result.Errors);
            Assert.Empty(result.Documents);
        }
    }
}
