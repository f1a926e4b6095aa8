using MeshDns.Contracts.Services;
using MeshDns.Host.Sources;
using static MeshDns.Host.Tests.Sources.Manifests;

namespace MeshDns.Host.Tests.Sources;

/// <summary>Real files mix kinds: what means nothing for names is passed over, what may be a slip of the pen is not.</summary>
public sealed class SkippedKindTests
{
    private const string Route = "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: route, namespace: shop}\nspec: {http: [{}]}\n";

    [Fact]
    public void Other_kinds_are_passed_over_with_a_line_each()
    {
        var result = Read($"{Route}---\n{Entry("hosts: [a.b]")}---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web}}\n---\napiVersion: v1\nkind: Pod\n");
        Assert.Empty(result.Errors);
        Assert.Equal(2, Assert.Single(result.Documents).Number);
        Assert.Equal(
            [
                "test.yaml: document 1: VirtualService (networking.istio.io/v1) shop/route is skipped: its kind means nothing for names",
                "test.yaml: document 3: Deployment (apps/v1) web is skipped: its kind means nothing for names",
                "test.yaml: document 4: Pod (v1) - is skipped: its kind means nothing for names",
            ],
            result.Skipped.Select(s => s.ToString()));
    }

    [Fact]
    public void Json_is_read_alike()
    {
        var result = Read("""{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web"}} {"apiVersion":"v1","kind":"Service","metadata":{"name":"a"},"spec":{"clusterIP":"10.0.0.1"}}""");
        Assert.Equal((1, 2), (Assert.Single(result.Skipped).Number, Assert.Single(result.Documents).Number));
        Assert.Empty(result.Errors);
    }

    [Fact]
    public void Strict_refuses_them()
    {
        var bytes = System.Text.Encoding.UTF8.GetBytes(Route + "---\n" + Entry("hosts: [a.b]"));
        var result = ManifestReader.Read("test.yaml", bytes, strict: true);
        Assert.Equal("test.yaml: document 1, line 2: kind: 'VirtualService' is not a known kind; known are ServiceEntry, Service and List", Assert.Single(result.Errors).ToString());
        Assert.Empty(result.Skipped);
    }

    [Fact]
    public void The_service_of_another_group_is_another_kind()
    {
        var result = Read("apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: fn}\n");
        Assert.Empty(result.Errors);
        Assert.Equal("serving.knative.dev/v1", Assert.Single(result.Skipped).ApiVersion);
    }

    [Fact]
    public void Another_kind_may_be_as_large_and_as_deep_as_its_schema()
    {
        var deep = string.Concat(Enumerable.Repeat("{a: ", 40)) + "1" + new string('}', 40);
        var result = Read($"apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: x}}\nspec: {deep}\nnote: {new string('x', ManifestLimits.DocumentSize)}\n");
        Assert.Empty(result.Errors);
        Assert.Single(result.Skipped);
    }

    [Fact]
    public void What_a_skipped_document_says_of_itself_is_bounded()
    {
        var skipped = Assert.Single(Read($"apiVersion: apps/v1\nkind: {new string('K', 10_000)}\nmetadata: {{name: \"a\\u001b[31m\", namespace: 5}}\n").Skipped);
        Assert.True(skipped.ToString().Length < 300);
        Assert.Equal((null, "a?[31m"), (skipped.Namespace, skipped.Name));
    }

    [Fact]
    public void Skipped_documents_count_among_the_documents()
    {
        var items = string.Concat(Enumerable.Repeat("{\"apiVersion\":\"v1\",\"kind\":\"Pod\"},", ManifestLimits.Documents))[..^1];
        var list = $"{{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[{items}]}}";
        Assert.Equal(ManifestLimits.Documents, Read(list).Skipped.Count);
        Assert.Contains("at most 100000 documents", Assert.Single(Read(list + "{\"apiVersion\":\"v1\",\"kind\":\"Pod\"}").Errors).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Typed_lists_are_read_and_their_items_need_not_say_what_they_are()
    {
        var entries = Read("apiVersion: networking.istio.io/v1beta1\nkind: ServiceEntryList\nmetadata: {resourceVersion: '1'}\nitems:\n- metadata: {name: a}\n  spec: {hosts: [a.b]}\n- apiVersion: networking.istio.io/v1\n  kind: ServiceEntry\n  metadata: {name: c}\n  spec: {hosts: [c.d]}\n");
        Assert.Empty(entries.Errors);
        Assert.Equal(["a", "c"], entries.Documents.Select(d => d.Document.Key.Name));
        var services = Read("""{"apiVersion":"v1","kind":"ServiceList","items":[{"metadata":{"name":"s"},"spec":{"clusterIP":"10.0.0.1"}}]}""");
        Assert.Equal(DocumentKind.Service, Assert.Single(services.Documents).Document.Key.Kind);
    }

    [Fact]
    public void Lists_may_hold_lists_and_other_kinds()
    {
        var result = Read("apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: List\n  items:\n  - {apiVersion: v1, kind: Pod}\n  - {apiVersion: v1, kind: Service, metadata: {name: s}, spec: {clusterIP: 10.0.0.1}}\n- apiVersion: networking.istio.io/v1\n  kind: VirtualServiceList\n  items: []\n");
        Assert.Empty(result.Errors);
        Assert.Equal(["Pod", "VirtualServiceList"], result.Skipped.Select(s => s.Kind));
        Assert.Single(result.Documents);
    }

    [Theory]
    [InlineData("apiVersion: v2\nkind: List", "apiVersion", "use v1")]
    [InlineData("apiVersion: v1\nkind: ServiceEntryList", "apiVersion", "networking.istio.io/v1")]
    [InlineData("apiVersion: v1\nkind: List\nitems: 5", "items", "must be a list")]
    [InlineData("apiVersion: v1\nkind: List\nitems:\n- metadata: {}", "items[0].kind", "is required", 2)]
    [InlineData("apiVersion: v1\nkind: List\nitem: []", "item", "did you mean 'items'?")]
    public void A_list_that_is_wrong_is_refused(string text, string path, string words, int errors = 1)
    {
        var result = Read(text);
        Assert.Equal(errors, result.Errors.Count);
        Assert.Contains(words, Assert.Single(result.Errors, e => e.Path == path).Reason, StringComparison.Ordinal);
    }
}
