using System.Text;
using MeshDns.Contracts.Messages;
using MeshDns.Host.Sources;

namespace MeshDns.Host.Tests.Admin;

/// <summary>Replies are bounded by bytes, whatever the size of the documents.</summary>
public sealed class PageSizeTests
{
    private const int Megabyte = 1024 * 1024;
    private const int Documents = 80;

    [Fact]
    public async Task A_page_of_large_documents_is_cut_and_the_next_goes_on_after_it()
    {
        await using var api = await LargeAsync();
        var names = new List<string>();
        var pages = 0;
        for (string? next = ""; next is not null; pages++)
        {
            var page = await api.GetAsync("/v1/service-entries?limit=10000" + (next.Length > 0 ? "&after=" + Uri.EscapeDataString(next) : ""));
            Assert.InRange(page.Text.Length, 1, 10 * Megabyte);
            names.AddRange(page.Json!["items"]!.AsArray().Select(item => (string)item!["metadata"]!["name"]!));
            next = (string?)page.Json["next"];
        }
        Assert.Equal(3, pages);
        Assert.Equal(Enumerable.Range(0, Documents).Select(i => $"e{i:D2}"), names);
    }

    [Fact]
    public async Task A_last_item_that_fills_its_page_has_none_after_it()
    {
        await using var api = await LargeAsync();
        var page = await api.GetAsync("/v1/service-entries?limit=34&after=default/e45");
        Assert.Equal(34, page.Json!["items"]!.AsArray().Count);
        Assert.Null((string?)page.Json["next"]);
    }

    [Fact]
    public async Task An_export_of_large_documents_is_whole()
    {
        await using var api = await LargeAsync();
        var result = ManifestReader.Read("export", Encoding.UTF8.GetBytes((await api.GetAsync("/v1/export")).Text), ManifestFormat.Yaml);
        Assert.Empty(result.Errors);
        Assert.Equal(Documents, result.Documents.Count);
    }

    private static async Task<AdminFixture> LargeAsync()
    {
        var api = await AdminFixture.StartAsync();
        var changes = Enumerable.Range(0, Documents).Select(i =>
        {
            var small = ManifestReader.Read("e", Encoding.UTF8.GetBytes(AdminFixture.Entry($"e{i:D2}", $"h{i}.example.com")), ManifestFormat.Yaml).Documents[0].Document;
            return new DocumentChange(small.Key, small with { Annotations = new Dictionary<string, string> { ["note"] = new('x', 250_000) } });
        });
        var reply = await api.Mesh.ChangeAsync(new ChangeRequest { Changes = [.. changes] }, TimeSpan.FromSeconds(10), CancellationToken.None);
        Assert.Equal(ChangeOutcome.Applied, reply.Outcome);
        return api;
    }
}
