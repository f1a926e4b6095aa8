using System.Net;
using MeshDns.Conformance.Harness;
using Xunit.Abstractions;

namespace MeshDns.Conformance.Declarations;

/// <summary>The HTTP API against the real process: refusals that name the field, versions, dry runs, idempotency, all or nothing.</summary>
public sealed class ApiTests(DefaultNode fixture, ITestOutputHelper output) : MeshTest(fixture, output), IClassFixture<DefaultNode>
{
    [Theory]
    [InlineData("spec.hosts[0]", "hosts: ['*']")]
    [InlineData("spec.hosts[1]", "hosts: [good.test, 'bad host']")]
    [InlineData("spec.hosts", "hosts: []")]
    [InlineData("spec.endpoints", "hosts: [a.test]\nresolution: NONE\nendpoints: [{ address: 192.0.2.1 }]")]
    [InlineData("spec.endpoints", "hosts: [a.test]\nresolution: DNS_ROUND_ROBIN\nendpoints: [{ address: a.test }, { address: b.test }]")]
    [InlineData("spec.hosts[0]", "hosts: ['*.a.test']\nresolution: DNS")]
    [InlineData("spec.hosts[0]", "hosts: [a.test]\nresolution: DYNAMIC_DNS")]
    [InlineData("spec.addresses", "hosts: ['*.a.test']\nresolution: DYNAMIC_DNS\naddresses: [192.0.2.1]")]
    [InlineData("spec.endpoints", "hosts: ['*.a.test']\nresolution: DYNAMIC_DNS\nendpoints: [{ address: 192.0.2.1 }]")]
    [InlineData("spec.addresses[0]", "hosts: [a.test]\nresolution: DNS\naddresses: [192.0.2.0/24]")]
    [InlineData("spec.addresses[1]", "hosts: [a.test]\naddresses: [192.0.2.1, 192.0.2.256]")]
    [InlineData("spec.ports[1].number", "hosts: [a.test]\nports: [{ number: 80, name: a }, { number: 80, name: b }]")]
    [InlineData("spec.ports[1].name", "hosts: [a.test]\nports: [{ number: 80, name: a }, { number: 81, name: a }]")]
    [InlineData("spec.ports[0].number", "hosts: [a.test]\nports: [{ number: 65536, name: a }]")]
    [InlineData("spec.resolution", "hosts: [a.test]\nresolution: SOMEHOW")]
    [InlineData("spec.surprise", "hosts: [a.test]\nsurprise: true")]
    public async Task A_bad_field_is_refused_by_its_path_and_nothing_happens(string field, string spec)
    {
        var events = await Node.EventsAsync();
        var yaml = $"apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {{ name: bad }}\nspec:\n{string.Join('\n', spec.Split('\n').Select(line => "  " + line))}\n";
        var problem = (await Node.ApplyAsync(Manifest.Vip("good", "good.test") + "---\n" + yaml)).Refused(HttpStatusCode.UnprocessableEntity);
        var error = Assert.Single(problem["errors"]!.AsArray())!;
        Assert.Equal((2, field), ((int)error["document"]!, (string?)error["field"]));
        Assert.NotEqual("", (string?)error["reason"]);
        Assert.Equal(events, await Node.EventsAsync());
        Assert.Equal(HttpStatusCode.NotFound, (await Node.GetAsync("/v1/service-entries/default/good")).Status);
    }

    [Theory]
    [InlineData("kind: Gateway\napiVersion: networking.istio.io/v1\nmetadata: { name: x }", HttpStatusCode.BadRequest)]
    [InlineData("kind: Gateway\napiVersion: networking.istio.io/v1\nmetadata: { name: x }", HttpStatusCode.UnprocessableEntity, "&strict=true")]
    [InlineData("kind: ServiceEntry\napiVersion: networking.istio.io/v9\nmetadata: { name: x }", HttpStatusCode.UnprocessableEntity)]
    [InlineData("{ this is: not: yaml", HttpStatusCode.BadRequest)]
    [InlineData("", HttpStatusCode.BadRequest)]
    public async Task An_unknown_kind_or_malformed_text_is_refused(string yaml, HttpStatusCode status, string query = "") => (await Node.ApplyAsync(yaml, query)).Refused(status);

    [Fact]
    public async Task Fields_without_a_meaning_for_DNS_are_accepted_and_listed()
    {
        var reply = await Node.ApplyAsync(Manifest.Vip("ignored", "ignored.test", "subjectAltNames: [spiffe://x]"));
        Assert.Contains("spec.subjectAltNames", reply.Done["results"]![0]!["ignored"]!.AsArray().Select(path => (string?)path));
    }

    [Fact]
    public async Task ETag_and_If_Match_guard_a_document()
    {
        const string Document = "/v1/service-entries/default/versioned";
        const string Path = Document + "?wait=edges";
        var created = await Node.SendAsync(HttpMethod.Put, Path, Manifest.Vip("versioned", "versioned.test"), ("If-None-Match", "*"));
        Assert.Equal((HttpStatusCode.Created, "\"1\""), (created.Status, created.ETag!.Tag));
        (await Node.SendAsync(HttpMethod.Put, Path, Manifest.Vip("versioned", "versioned.test"), ("If-None-Match", "*"))).Refused(HttpStatusCode.PreconditionFailed);
        var changed = await Node.SendAsync(HttpMethod.Put, Path, Manifest.Fixed("versioned", "versioned.test", "192.0.2.1"), ("If-Match", "\"1\""));
        Assert.Equal((HttpStatusCode.OK, "\"2\""), (changed.Status, changed.ETag!.Tag));
        (await Node.SendAsync(HttpMethod.Put, Path, Manifest.Vip("versioned", "versioned.test"), ("If-Match", "\"1\""))).Refused(HttpStatusCode.PreconditionFailed);
        (await Node.SendAsync(HttpMethod.Delete, Path, null, ("If-Match", "\"1\""))).Refused(HttpStatusCode.PreconditionFailed);
        Assert.Equal("\"2\"", (await Node.GetAsync(Document)).ETag!.Tag);
        Assert.Equal(["192.0.2.1"], await Node.AddressesAsync("versioned.test"));
        _ = (await Node.SendAsync(HttpMethod.Delete, Path, null, ("If-Match", "\"2\""))).Done;
        (await Node.SendAsync(HttpMethod.Delete, Path)).Refused(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task A_dry_run_says_what_would_happen_and_writes_nothing()
    {
        var (events, vips) = (await Node.EventsAsync(), await Node.VipsAsync());
        var reply = await Node.ApplyAsync(Manifest.Vip("dry", "dry.test"), "&dryRun=true");
        Assert.Equal(["dry created"], reply.Actions);
        Assert.True((bool)reply.Done["dryRun"]!);
        Assert.Equal(events, await Node.EventsAsync());
        Assert.Equal(vips, await Node.VipsAsync());
        Assert.Equal("NXDOMAIN", (await Node.DigAsync("dry.test A")).Status);
    }

    [Fact]
    public async Task An_idempotency_key_makes_a_change_happen_once()
    {
        (string, string) key = ("Idempotency-Key", Guid.NewGuid().ToString("N"));
        var first = await Node.SendAsync(HttpMethod.Post, "/v1/manifests", Manifest.Vip("keyed", "keyed.test"), key);
        Assert.Equal(["keyed created"], first.Actions);
        var events = await Node.EventsAsync();
        var second = await Node.SendAsync(HttpMethod.Post, "/v1/manifests", Manifest.Vip("keyed", "keyed.test"), key);
        Assert.Equal(["keyed created"], second.Actions);
        Assert.Equal(events, await Node.EventsAsync());
        (await Node.SendAsync(HttpMethod.Post, "/v1/manifests", Manifest.Vip("keyed", "other.test"), key)).Refused(HttpStatusCode.UnprocessableEntity);
    }

    [Fact]
    public async Task Lists_page_and_search()
    {
        _ = (await Node.ApplyAsync(string.Concat(Enumerable.Range(1, 7).Select(i => Manifest.Vip($"page-{i}", $"page-{i}.pages.test"))))).Done;
        foreach (var path in (string[])["/v1/service-entries?q=page-", "/v1/hosts?q=pages.test", "/v1/vips?q=pages.test"])
        {
            var seen = new List<string>();
            string? after = null;
            do
            {
                var page = (await Node.GetAsync(path + "&limit=3" + (after is null ? "" : $"&after={Uri.EscapeDataString(after)}"))).Done;
                seen.AddRange(page["items"]!.AsArray().Select(item => item!.ToJsonString()));
                Assert.InRange(seen.Count, 1, 7);
                after = (string?)page["next"];
            }
            while (after is not null);
            Assert.Equal(7, seen.Distinct().Count());
        }
        Assert.Equal("page-1.pages.test", (string?)(await Node.GetAsync("/v1/hosts/page-1.pages.test")).Done["host"]);
    }

    [Fact]
    public async Task Metrics_are_well_formed_and_count()
    {
        _ = (await Node.ApplyAsync(Manifest.Vip("counted", "counted.test"))).Done;
        const string Sample = "meshdns_queries_total{transport=\"udp\",type=\"A\",rcode=\"NOERROR\",stage=\"exact\"}";
        var before = await Node.MetricAsync(Sample) ?? 0;
        for (var i = 0; i < 3; i++) await Node.AddressesAsync("counted.test");
        Assert.Equal(before + 3, await Node.MetricAsync(Sample));

        var reply = await Node.GetAsync("/metrics");
        Assert.Equal("text/plain", reply.MediaType);
        var declared = new HashSet<string>();
        foreach (var line in reply.Text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.StartsWith("# TYPE ", StringComparison.Ordinal)) declared.Add(line.Split(' ')[2]);
            if (line[0] == '#') continue;
            var match = System.Text.RegularExpressions.Regex.Match(line, """^([a-z_]+)(\{[a-z0-9_]+="[^"]*"(,[a-z0-9_]+="[^"]*")*\})? (\S+)$""");
            Assert.True(match.Success, line);
            Assert.True(double.TryParse(match.Groups[4].Value.Replace("+Inf", "Infinity"), out _), line);
            Assert.True(declared.Contains(match.Groups[1].Value) || declared.Contains(System.Text.RegularExpressions.Regex.Replace(match.Groups[1].Value, "_(bucket|sum|count)$", "")), $"no TYPE: {line}");
        }
        foreach (var name in (string[])["meshdns_queries_total", "meshdns_upstream_queries_total", "meshdns_cache_hits_total", "meshdns_directory_names", "meshdns_directory_age_seconds",
            "meshdns_vips_capacity", "meshdns_vips", "meshdns_journal_append_seconds"]) Assert.Contains(name, declared);
    }
}
