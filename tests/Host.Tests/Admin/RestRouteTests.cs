using System.Globalization;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;
using MeshDns.Host.Cli;
using MeshDns.Host.Tests.Cli;

namespace MeshDns.Host.Tests.Admin;

/// <summary>What rests, out of an export and into a change, by HTTP and by the command line.</summary>
public sealed class RestRouteTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("meshdns-rest-").FullName;

    private static string In(TimeSpan time) => (DateTimeOffset.UtcNow + time).ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task An_export_ends_with_what_rests_and_both_ways_take_it_back()
    {
        await using var api = await AdminFixture.StartAsync();
        (await api.ApplyAsync(AdminFixture.Entry("one", "a.example.com") + "\n---\napiVersion: v1\nkind: Service\nmetadata: {name: web, annotations: {\"x.io/n\": \"# ü😀: 1\"}}\nspec: {ports: [{port: 80}]}\n")).Json!.ToString();
        var until = (DateTimeOffset.UtcNow + TimeSpan.FromHours(1)).ToUnixTimeMilliseconds();
        for (var i = 1; i < 1100; i++) api.Mesh.Rests.Add(new RestingVip($"240.241.{i >> 8}.{i & 255}", i % 2 == 0 ? HostName.Parse("old.example") : null, until));
        api.Mesh.Rests.RemoveAll(r => r.Vip.EndsWith(".0", StringComparison.Ordinal) || r.Vip.EndsWith(".255", StringComparison.Ordinal));
        api.Mesh.Rests.Sort((x, y) => string.CompareOrdinal(x.Vip, y.Vip));
        for (var i = 0; i < api.Mesh.Rests.Count; i++) api.Mesh.Rests[i] = api.Mesh.Rests[i] with { Vip = api.Mesh.Rests[i].Vip.Replace("240.241", "240.240", StringComparison.Ordinal) };
        var export = (await api.GetAsync("/v1/export")).Text;
        Assert.Contains("  clusterIP: 240.240.0.2\n  clusterIPs:\n    - 240.240.0.2\n    - \"2001:2::2\"\n", export, StringComparison.Ordinal);
        Assert.Contains("status:\n  addresses:\n    - host: a.example.com\n      value: 240.240.0.1\n", export, StringComparison.Ordinal);
        Assert.Equal(api.Mesh.Rests.Count, export.Split("\n# resting: ").Length - 1);

        api.Mesh.Requests.Clear();
        Assert.Equal(200, (await api.ApplyAsync(export)).Status);
        var file = Path.Combine(_folder, "export.yaml");
        await File.WriteAllTextAsync(file, export);
        (await CliRun.AgainstAsync(api.Url, "apply", "-f", file)).Exits(ExitCode.Done);
        Assert.Equal(2, api.Mesh.Requests.Count);
        Assert.All(api.Mesh.Requests, request =>
        {
            Assert.Equal(api.Mesh.Rests, request.Rests!);
            Assert.Equal(["240.240.0.1", "2001:2::1"], request.Changes[0].Wishes!.Select(w => w.Value));
            Assert.Equal("# ü😀: 1", request.Changes[1].Document!.Annotations!["x.io/n"]);
        });
    }

    [Fact]
    public async Task Rests_may_come_alone_and_mean_nothing_for_a_deletion()
    {
        await using var api = await AdminFixture.StartAsync();
        var line = $"# resting: 240.240.0.9 a.example {In(TimeSpan.FromHours(1))}\n";
        api.Mesh.OnChange = request => Task.FromResult<ChangeReply?>(new ChangeReply
        {
            Outcome = ChangeOutcome.Applied,
            Results = [.. request.Changes.Select(change => new DocumentResult { Key = change.Key, Action = DocumentAction.Unchanged })],
            Warnings = request.Rests is null ? null : ["noted"],
        });
        Assert.Equal("noted", (string?)(await api.ApplyAsync(line)).Json!["warnings"]![0]);
        var file = Path.Combine(_folder, "rests.yaml");
        await File.WriteAllTextAsync(file, line);
        Assert.Contains("warning: noted", (await CliRun.AgainstAsync(api.Url, "apply", "-f", file)).Exits(ExitCode.Done).Error, StringComparison.Ordinal);
        Assert.Equal("noted", (string?)(await api.PutAsync("/v1/service-entries/default/one", AdminFixture.Entry("one", "a.example") + "\n" + line)).Json!["warnings"]![0]);
        (await api.ApplyAsync(line, "?delete=true")).Problem(400);
        var deleted = await api.ApplyAsync(AdminFixture.Entry("one", "a.example") + "\n" + line, "?delete=true");
        Assert.Contains("nothing for a deletion", (string?)deleted.Json!["warnings"]![0], StringComparison.Ordinal);
        Assert.Null(api.Mesh.Requests[^1].Rests);
    }

    [Fact]
    public async Task A_line_that_cannot_be_here_is_refused_with_its_line()
    {
        await using var api = await AdminFixture.StartAsync();
        var set = AdminFixture.Entry("one", "a.example") + $"\n# resting: 240.240.0.9 a.example {In(TimeSpan.FromHours(1))}\n# resting: 10.0.0.1 a.example {In(TimeSpan.FromHours(1))}\n# resting: 240.240.0.8 - {In(TimeSpan.FromDays(400))}\n";
        var problem = (await api.ApplyAsync(set)).Problem(422);
        var first = set.Split('\n').TakeWhile(l => !l.Contains("10.0.0.1", StringComparison.Ordinal)).Count() + 1;
        Assert.Equal([first, first + 1], problem["errors"]!.AsArray().Select(e => (int)e!["line"]!));
        var file = Path.Combine(_folder, "bad.yaml");
        await File.WriteAllTextAsync(file, set);
        var run = (await CliRun.AgainstAsync(api.Url, "apply", "-f", file)).Exits(ExitCode.Failed);
        Assert.Contains($"{file}: line {first}: ", run.Error, StringComparison.Ordinal);
        Assert.Contains($"{file}: line {first + 1}: ", run.Error, StringComparison.Ordinal);
        Assert.Empty(api.Mesh.Requests);
    }
}
