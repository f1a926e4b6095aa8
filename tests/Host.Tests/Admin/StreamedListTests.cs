using System.Text.Json.Nodes;
using MeshDns.Contracts.Messages;
using MeshDns.Host.Admin;
using MeshDns.Host.Sources;

namespace MeshDns.Host.Tests.Admin;

/// <summary>Lists and exports are read in parts and sent as they are made, however many items there are.</summary>
public sealed class StreamedListTests
{
    private const int Documents = 2500;

    [Theory]
    [InlineData("/v1/service-entries?limit=10000", true)]
    [InlineData("/v1/hosts?limit=10000", true)]
    [InlineData("/v1/vips?limit=10000", true)]
    [InlineData("/v1/export", true)]
    [InlineData("/v1/service-entries?limit=10", false)]
    [InlineData("/v1/hosts?limit=10", false)]
    [InlineData("/v1/vips?limit=10", false)]
    public async Task A_large_reply_comes_in_chunks_and_a_small_one_with_its_length(string path, bool isLarge)
    {
        await using var api = await FullAsync();
        using var reply = await api.Http.GetAsync(new Uri(path, UriKind.Relative), HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal((isLarge, isLarge), (reply.Headers.TransferEncodingChunked == true, reply.Content.Headers.ContentLength is null));
        Assert.Equal("no-store", reply.Headers.CacheControl?.ToString());
        var text = await reply.Content.ReadAsStringAsync();
        if (path == "/v1/export") Assert.Equal(Documents, text.Split("---\n").Length - 1);
        else Assert.Equal(isLarge ? Documents : 10, JsonNode.Parse(text)!["items"]!.AsArray().Count);
        Assert.All(api.Mesh.Pages, page => Assert.InRange(page.Limit, 1, AdminLimits.PartItems));
    }

    [Fact]
    public async Task The_parts_of_a_page_are_joined_without_a_gap()
    {
        await using var api = await FullAsync();
        var names = new List<string>();
        string? next = "default/e0003";
        for (var pages = 0; next is not null; pages++)
        {
            var page = (await api.GetAsync($"/v1/service-entries?limit=1234&after={Uri.EscapeDataString(next)}")).Json!;
            names.AddRange(page["items"]!.AsArray().Select(item => (string)item!["metadata"]!["name"]!));
            Assert.Equal(Math.Min(Documents - 4, 1234 * (pages + 1)), names.Count);
            next = (string?)page["next"];
        }
        Assert.Equal(Enumerable.Range(4, Documents - 4).Select(i => $"e{i:D4}"), names);
    }

    [Theory]
    [InlineData("/v1/service-entries?limit=10000")]
    [InlineData("/v1/export")]
    public async Task One_that_fails_half_way_is_cut_and_not_taken_for_a_whole_one(string path)
    {
        await using var api = await FullAsync();
        var reads = 0;
        api.Mesh.OnRead = _ => ++reads > 1 ? throw new InvalidOperationException("gone") : Task.CompletedTask;
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => api.GetAsync(path));
    }

    [Fact]
    public async Task Many_that_nobody_reads_leave_the_rest_of_the_api_alone()
    {
        await using var api = await FullAsync(new AdminBounds { Lists = 2, Waiting = 1 });
        var gate = new TaskCompletionSource();
        api.Mesh.OnRead = cancel => gate.Task.WaitAsync(cancel);
        var lists = Enumerable.Range(0, 3).Select(_ => api.GetAsync("/v1/export")).ToArray();
        await api.MetricReachesAsync("meshdns_admin_requests_waiting{kind=\"list\"}", 1);
        (await api.GetAsync("/v1/hosts")).Problem(503);
        Assert.Equal(200, (await api.PutAsync("/v1/service-entries/default/e0001", AdminFixture.Entry("e0001", "h1.example.com"))).Status);
        Assert.Equal(200, (await api.GetAsync("/v1/explain?name=a.example.com")).Status);
        gate.SetResult();
        foreach (var answer in await Task.WhenAll(lists)) Assert.Equal(200, answer.Status);
    }

    private static async Task<AdminFixture> FullAsync(AdminBounds? bounds = null)
    {
        var api = await AdminFixture.StartAsync(bounds: bounds);
        api.Mesh.Capacity = Documents;
        var changes = Enumerable.Range(0, Documents).Select(i =>
        {
            var read = ManifestReader.Read("e", System.Text.Encoding.UTF8.GetBytes(AdminFixture.Entry($"e{i:D4}", $"h{i}.example.com")), ManifestFormat.Yaml).Documents[0].Document;
            return new DocumentChange(read.Key, read);
        });
        Assert.Equal(ChangeOutcome.Applied, (await api.Mesh.ChangeAsync(new ChangeRequest { Changes = [.. changes] }, TimeSpan.FromSeconds(10), CancellationToken.None)).Outcome);
        return api;
    }
}
