using System.Net;
using System.Net.Sockets;
using MeshDns.Contracts.Messages;
using MeshDns.Host.Cli;
using MeshDns.Host.Tests.Admin;

namespace MeshDns.Host.Tests.Cli;

/// <summary>apply and delete against a real server: what is printed, what is sent, how it exits.</summary>
public sealed class ChangeVerbTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("meshdns-cli-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Apply_prints_a_line_for_each_object_with_its_addresses()
    {
        await using var api = await AdminFixture.StartAsync();
        var file = Write("orders.yaml", AdminFixture.Entry("orders", "db.example.com"));
        var run = (await CliRun.AgainstAsync(api.Url, "apply", "-f", file)).Exits(ExitCode.Done);
        Assert.Equal("serviceentry/default/orders created  db.example.com -> 240.240.0.1, 2001:2::1\n", run.Output);
        Assert.Equal("", run.Error);
        Assert.Equal(1, api.Mesh.EdgeWaits);
        Assert.NotNull(api.Mesh.Requests[0].IdempotencyKey);
        run = (await CliRun.AgainstAsync(api.Url, "apply", "-f", file, "--no-wait", "--take-over")).Exits(ExitCode.Done);
        Assert.StartsWith("serviceentry/default/orders unchanged", run.Output, StringComparison.Ordinal);
        Assert.Equal(1, api.Mesh.EdgeWaits);
        Assert.True(api.Mesh.Requests[1].TakeOver);
        run = (await CliRun.AgainstAsync(api.Url, "apply", "-f", file, "--dry-run")).Exits(ExitCode.Done);
        Assert.StartsWith("serviceentry/default/orders unchanged (dry run)", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Apply_sends_all_files_as_one_change_and_tells_warnings_on_stderr()
    {
        await using var api = await AdminFixture.StartAsync();
        Write("a.yaml", AdminFixture.Entry("one", "a.example.com", more: "  subjectAltNames: [x]") + "\n---\n" + AdminFixture.Entry("two", "b.example.com"));
        Write("b.json", """{"apiVersion":"v1","kind":"Service","metadata":{"name":"web"},"spec":{"clusterIP":"10.0.0.1","ports":[{"port":80}]}}""");
        Write("readme.txt", "not a manifest");
        api.Mesh.MissingEdges = () => Task.FromResult<IReadOnlyList<string>>(["node-2"]);
        var run = (await CliRun.AgainstAsync(api.Url, "apply", "-f", _folder)).Exits(ExitCode.Done);
        Assert.Equal(3, Assert.Single(api.Mesh.Requests).Changes.Count);
        Assert.Equal(3, run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.Contains("warning: serviceentry/default/one: ignored, as they mean nothing for DNS: spec.subjectAltNames", run.Error, StringComparison.Ordinal);
        Assert.Contains("node-2", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Kinds_that_mean_nothing_for_names_get_a_line_each_unless_strict()
    {
        await using var api = await AdminFixture.StartAsync();
        const string other = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n";
        var file = Write("a.yaml", other + "---\n" + AdminFixture.Entry("one", "a.example.com"));
        var line = $"{file}: document 1: Deployment (apps/v1) web is skipped: its kind means nothing for names\n";
        (await CliRun.AgainstAsync(api.Url, "apply", "-f", file, "--strict")).Exits(ExitCode.Failed);
        (await CliRun.AgainstAsync(api.Url, "delete", "-f", file, "--strict")).Exits(ExitCode.Failed);
        Assert.Empty(api.Mesh.Requests);
        Assert.Equal(line, (await CliRun.AgainstAsync(api.Url, "apply", "-f", file)).Exits(ExitCode.Done).Error);
        Assert.Equal(line, (await CliRun.AgainstAsync(api.Url, "delete", "-f", file)).Exits(ExitCode.Done).Error);
        Assert.All(api.Mesh.Requests, request => Assert.Equal("one", Assert.Single(request.Changes).Key.Name));
        var nothing = (await CliRun.AgainstAsync(api.Url, "apply", "-f", Write("b.yaml", other))).Exits(ExitCode.Failed).Error;
        Assert.Contains("is skipped", nothing, StringComparison.Ordinal);
        Assert.Contains("no document declares a name", nothing, StringComparison.Ordinal);
        (await CliRun.AgainstAsync(api.Url, "delete", "se", "one", "--strict")).Exits(ExitCode.Usage);
    }

    [Fact]
    public async Task What_only_the_files_knew_is_told_once()
    {
        await using var api = await AdminFixture.StartAsync();
        var run = (await CliRun.AgainstAsync(api.Url, "apply", "-f", Write("a.yaml", AdminFixture.Entry("one", "a.example.com, A.example.com., '*x'", more: "  exportTo: ['~']")))).Exits(ExitCode.Done);
        Assert.Equal(3, run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
    }

    [Fact]
    public async Task Apply_reads_standard_input()
    {
        await using var api = await AdminFixture.StartAsync();
        (await CliRun.RunAsync(["apply", "-f", "-", "--server", api.Url.ToString()], new Dictionary<string, string>(), AdminFixture.Entry("orders", "db.example.com"))).Exits(ExitCode.Done);
        (await CliRun.RunAsync(["apply", "-f", "-", "--server", api.Url.ToString()], new Dictionary<string, string>(), "# nothing")).Exits(ExitCode.Failed);
    }

    [Fact]
    public async Task Errors_in_files_are_told_with_file_line_and_field_before_anything_is_sent()
    {
        await using var api = await AdminFixture.StartAsync();
        var good = Write("a.yaml", AdminFixture.Entry("one", "a.example.com"));
        var bad = Write("b.yaml", AdminFixture.Entry("two", "b.example.com") + "\n---\n" + AdminFixture.Entry("three", "'*'"));
        var run = (await CliRun.AgainstAsync(api.Url, "apply", "-f", good, "-f", bad)).Exits(ExitCode.Failed);
        Assert.Contains($"{bad}: document 2, line ", run.Error, StringComparison.Ordinal);
        Assert.Contains("spec.hosts[0]", run.Error, StringComparison.Ordinal);
        (await CliRun.AgainstAsync(api.Url, "apply", "-f", Path.Combine(_folder, "none.yaml"))).Exits(ExitCode.Failed);
        Assert.Empty(api.Mesh.Requests);
    }

    [Fact]
    public async Task A_refusal_names_the_file_that_its_document_came_from()
    {
        await using var api = await AdminFixture.StartAsync();
        var a = Write("a.yaml", AdminFixture.Entry("one", "a.example.com"));
        var b = Write("b.yaml", AdminFixture.Entry("two", "b.example.com"));
        api.Mesh.OnChange = request => Task.FromResult<ChangeReply?>(ChangeReply.Refused(RefusalReason.OtherSource, "it belongs to file:infra", request.Changes[1].Key));
        var run = (await CliRun.AgainstAsync(api.Url, "apply", "-f", a, "-f", b)).Exits(ExitCode.Failed);
        Assert.Contains("Owned by another source", run.Error, StringComparison.Ordinal);
        Assert.Contains($"{b}: document 1: ", run.Error, StringComparison.Ordinal);
        Assert.Equal("", run.Output);
    }

    [Fact]
    public async Task An_unknown_outcome_exits_3_and_unavailable_exits_1()
    {
        await using var api = await AdminFixture.StartAsync();
        var file = Write("a.yaml", AdminFixture.Entry("one", "a.example.com"));
        api.Mesh.OnChange = _ => Task.FromResult<ChangeReply?>(new ChangeReply { Outcome = ChangeOutcome.Unknown, Detail = "under way" });
        (await CliRun.AgainstAsync(api.Url, "apply", "-f", file)).Exits(ExitCode.OutcomeUnknown);
        api.Mesh.OnChange = _ => Task.FromResult<ChangeReply?>(new ChangeReply { Outcome = ChangeOutcome.Unavailable, Detail = "no store" });
        Assert.Contains("no store", (await CliRun.AgainstAsync(api.Url, "apply", "-f", file)).Exits(ExitCode.Failed).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_client_that_gives_up_waiting_exits_3()
    {
        // On a slow machine a client may give up before its request has arrived; then one with more patience asks another server.
        var asked = 0;
        for (var patience = TimeSpan.FromMilliseconds(200); asked == 0 && patience < TimeSpan.FromMinutes(1); patience *= 4) asked = await RequestsOfAsync(patience);
        Assert.Equal(1, asked);

        async Task<int> RequestsOfAsync(TimeSpan patience)
        {
            await using var api = await AdminFixture.StartAsync();
            var file = Write("a.yaml", AdminFixture.Entry("one", "a.example.com"));
            var gate = new TaskCompletionSource<ChangeReply?>();
            api.Mesh.OnChange = _ => gate.Task;
            (await CliRun.RunAsync(["apply", "-f", file, "--server", api.Url.ToString()], new Dictionary<string, string>(), timeout: patience)).Exits(ExitCode.OutcomeUnknown);
            var requests = api.Mesh.Requests.Count;
            gate.SetResult(null);
            return requests;
        }
    }

    [Theory]
    [InlineData(1, ExitCode.Done)]
    [InlineData(2, ExitCode.OutcomeUnknown)]
    public async Task A_lost_connection_is_tried_once_more_with_the_same_key(int lost, int exit)
    {
        await using var api = await AdminFixture.StartAsync();
        var file = Write("a.yaml", AdminFixture.Entry("one", "a.example.com"));
        await using var relay = new CuttingRelay(api.Server.Endpoint.Port, lost);
        (await CliRun.AgainstAsync(relay.Url, "apply", "-f", file)).Exits(exit);
        Assert.Equal(2, api.Mesh.Requests.Count);
        Assert.Equal(api.Mesh.Requests[0].IdempotencyKey, api.Mesh.Requests[1].IdempotencyKey);
    }

    [Fact]
    public async Task A_server_that_is_not_there_exits_1_as_nothing_was_sent()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var url = new Uri($"http://{listener.LocalEndpoint}");
        listener.Stop();
        var file = Write("a.yaml", AdminFixture.Entry("one", "a.example.com"));
        Assert.Contains("cannot connect", (await CliRun.AgainstAsync(url, "apply", "-f", file)).Exits(ExitCode.Failed).Error, StringComparison.Ordinal);
        (await CliRun.AgainstAsync(url, "health")).Exits(ExitCode.Failed);
    }

    [Fact]
    public async Task Delete_takes_a_name_or_files()
    {
        await using var api = await AdminFixture.StartAsync();
        var file = Write("a.yaml", AdminFixture.Entry("one", "a.example.com") + "\n---\n" + AdminFixture.Entry("two", "b.example.com", "prod"));
        (await CliRun.AgainstAsync(api.Url, "apply", "-f", file)).Exits(ExitCode.Done);
        Assert.Equal("serviceentry/prod/two deleted\n", (await CliRun.AgainstAsync(api.Url, "delete", "serviceentry", "two", "-n", "prod")).Exits(ExitCode.Done).Output);
        Assert.Equal("error: Not found: there is no ServiceEntry/prod/two\n", (await CliRun.AgainstAsync(api.Url, "delete", "se", "two", "-n", "prod")).Exits(ExitCode.Failed).Error);
        Assert.Equal("serviceentry/default/one deleted\nserviceentry/prod/two absent\n", (await CliRun.AgainstAsync(api.Url, "delete", "-f", file)).Exits(ExitCode.Done).Output);
        foreach (var wrong in new string[][] { ["delete"], ["delete", "se"], ["delete", "se", "x", "-f", file], ["delete", "pod", "x"] }) (await CliRun.AgainstAsync(api.Url, wrong)).Exits(ExitCode.Usage);
    }

    private string Write(string name, string text)
    {
        var path = Path.Combine(_folder, name);
        File.WriteAllText(path, text);
        return path;
    }
}
