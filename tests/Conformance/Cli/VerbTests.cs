using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using MeshDns.Conformance.Harness;
using MeshDns.Host.Sources;
using MeshDns.Tests.Shared;
using Microsoft.Data.Sqlite;
using Xunit.Abstractions;
using YamlDotNet.RepresentationModel;

namespace MeshDns.Conformance.Cli;

/// <summary>The verbs as a shell runs them: exit codes, what goes to which stream, output that programs can read.</summary>
public sealed class VerbTests(DefaultNode fixture, ITestOutputHelper output) : MeshTest(fixture, output), IClassFixture<DefaultNode>
{
    [Fact]
    public async Task Apply_reads_standard_input_and_a_second_time_changes_nothing()
    {
        var yaml = Manifest.Vip("piped", "piped.test") + Manifest.Fixed("piped-fixed", "fixed.piped.test", "192.0.2.1");
        var first = (await Node.CliAsync("apply -f -", yaml)).Done();
        var vip = Assert.Single(await Node.AddressesAsync("piped.test"));
        Assert.Contains($"serviceentry/default/piped created  piped.test -> {vip}, ", first);
        Assert.Contains("serviceentry/default/piped-fixed created", first);
        var second = (await Node.CliAsync("apply -f -", yaml)).Done();
        Assert.Equal(first.Replace(" created", " unchanged"), second);
    }

    [Fact]
    public async Task Apply_takes_a_folder_and_delete_takes_the_same_files()
    {
        var applied = (await Node.CliAsync("apply -f examples/")).Done();
        Assert.Contains("serviceentry/default/auto-allocated created  address.internal -> 240.240.", applied);
        Assert.Contains("service/shop/web created", applied);
        var deleted = (await Node.CliAsync("delete -f examples/")).Done();
        Assert.Equal(applied.Split('\n').Length, deleted.Split('\n').Length);
        Assert.DoesNotContain("created", deleted);
        Assert.Equal("NXDOMAIN", (await Node.DigAsync("address.internal A")).Status);
    }

    [Fact]
    public async Task Query_prints_what_a_client_gets()
    {
        (await Node.CliAsync("apply -f -", Manifest.Fixed("queried", "queried.test", "192.0.2.1"))).Done();
        foreach (var transport in (string[])["", "--tcp"])
            Assert.Matches($@"^;; NOERROR aa rd ra, from {Node.Dns} in [\d.]+ ms\nqueried\.test\. 30 IN A 192\.0\.2\.1\n$", (await Node.CliAsync($"query queried.test --server {Node.Dns} {transport}")).Done());
        (await Node.CliAsync($"query queried.test --server 127.0.0.1:{FreePort.Next()}")).Failed(1, "does not answer");
    }

    [Fact]
    public async Task A_refusal_is_exit_code_1_and_names_file_document_and_field()
    {
        var yaml = Manifest.Vip("fine", "fine.test") + Manifest.Entry("wrong", ["*"], "resolution: DNS");
        (await Node.CliAsync("apply -f -", yaml)).Failed(1, "document 2", "spec.hosts[0]");
        Assert.Equal(HttpStatusCode.NotFound, (await Node.GetAsync("/v1/service-entries/default/fine")).Status);
        (await Node.CliAsync("apply -f examples/absent.yaml")).Failed(1, "examples/absent.yaml");
        (await Node.CliAsync("delete ServiceEntry absent")).Failed(1, "absent");
        (await Node.CliAsync("get entries absent")).Failed(1, "absent");
        (await Node.CliAsync("explain bad..name")).Failed(1, "bad..name");
    }

    [Theory]
    [InlineData("")]
    [InlineData("frobnicate")]
    [InlineData("apply")]
    [InlineData("apply -f examples/ --surprise")]
    [InlineData("delete ServiceEntry")]
    [InlineData("get nonsense")]
    [InlineData("get vips -o xml")]
    [InlineData("explain")]
    public async Task Wrong_usage_is_exit_code_2(string arguments)
    {
        var run = await Node.CliAsync(arguments);
        run.Failed(2);
        Assert.NotEqual("", run.Error);
    }

    [Fact]
    public async Task A_server_that_is_not_there_is_exit_code_1()
    {
        var nobody = $"http://127.0.0.1:{FreePort.Next()}";
        (await CliRun($"apply -f examples/databases.yaml --server {nobody}")).Failed(1, nobody);
        (await CliRun($"health --server {nobody}")).Failed(1);
    }

    [Fact]
    public async Task A_change_whose_reply_never_comes_is_exit_code_3()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var serve = Task.Run(async () =>
        {
            // The request is read, and the connection cut, as often as it is tried.
            while (true)
            {
                using var client = await listener.AcceptTcpClientAsync();
                _ = await client.GetStream().ReadAsync(new byte[4096]);
            }
        });
        var run = await CliRun($"apply -f examples/databases.yaml --server http://{listener.LocalEndpoint}");
        run.Failed(3, "may or may not have happened");
        listener.Stop();
        await Assert.ThrowsAnyAsync<Exception>(() => serve);
    }

    [Fact]
    public async Task Lists_are_tables_json_and_yaml()
    {
        _ = (await Node.ApplyAsync(Manifest.Vip("listed", "listed.test") + Manifest.Service("listed", "clusterIP: 10.96.0.82", "ports: [{ port: 80 }]"))).Done;
        foreach (var what in (string[])["entries", "services", "hosts", "vips", "nodes", "streams"])
        {
            var table = (await Node.CliAsync($"get {what}")).Done();
            Assert.Matches("^[A-Z0-9]+( +[A-Z0-9]+)*\n", table);
            var items = JsonNode.Parse((await Node.CliAsync($"get {what} -o json")).Done())!["items"]!.AsArray();
            Assert.Equal(table.Count(c => c == '\n') - 1, items.Count);
            // Documents are a stream that apply takes back, anything else is one list; the same is in it.
            var yaml = new YamlStream();
            yaml.Load(new StringReader((await Node.CliAsync($"get {what} -o yaml")).Done()));
            var shown = what is "entries" or "services" ? yaml.Documents.Select(document => document.RootNode) : (YamlSequenceNode)yaml.Documents.Single().RootNode["items"];
            // How old what a node knows is differs from one moment to the next.
            Assert.Equal(items.Select(LeavesOf).Select(WithoutAge), shown.Select(LeavesOf).Select(WithoutAge));
        }
        var vip = JsonNode.Parse((await Node.CliAsync("get vips -o json")).Done())!["items"]!.AsArray().Single(item => (string?)item!["host"] == "listed.test")!;
        Assert.Equal(Assert.Single(await Node.AddressesAsync("listed.test")), (string?)vip["ipv4"]);
        Assert.Equal("listed.test", (string?)JsonNode.Parse((await Node.CliAsync($"get vips {vip["ipv4"]} -o json")).Done())!["host"]);
        Assert.Contains("listed.test", (await Node.CliAsync("get hosts listed.test")).Done());
    }

    [Fact]
    public async Task What_get_and_export_print_as_yaml_applies_again_unchanged()
    {
        _ = (await Node.ApplyAsync(Manifest.Vip("again", "again.test", "exportTo: ['*']") + Manifest.Service("again", "clusterIP: 10.96.0.81", "ports: [{ port: 80 }]"))).Done;
        foreach (var verb in (string[])["get entries -o yaml", "get services -o yaml", "export"])
        {
            var yaml = (await Node.CliAsync(verb)).Done();
            Assert.Empty(ManifestReader.Read("output", System.Text.Encoding.UTF8.GetBytes(yaml), ManifestFormat.Yaml).Errors);
            var lines = (await Node.CliAsync("apply -f -", yaml)).Done().Split('\n', StringSplitOptions.RemoveEmptyEntries);
            Assert.NotEmpty(lines);
            Assert.All(lines, line => Assert.Contains(" unchanged", line));
        }
    }

    [Fact]
    public async Task Explain_says_what_dig_gets()
    {
        _ = (await Node.ApplyAsync(Manifest.Vip("explained", "explained.test"))).Done;
        var vip = Assert.Single(await Node.AddressesAsync("explained.test"));
        var text = (await Node.CliAsync("explain explained.test")).Done();
        Assert.Contains("NOERROR", text);
        Assert.Contains(vip, text);
        Assert.Contains("NXDOMAIN", (await Node.CliAsync("explain nothing.cluster.local --type AAAA")).Done());
        Assert.Contains("forward", (await Node.CliAsync("explain elsewhere.test")).Done());
    }

    [Fact]
    public async Task Health_and_a_dry_run()
    {
        Assert.Equal("live and ready\n", (await Node.CliAsync("health")).Done());
        var events = await Node.EventsAsync();
        Assert.Contains("created (dry run)", (await Node.CliAsync("apply --dry-run -f -", Manifest.Vip("dry", "dry.test"))).Done());
        Assert.Equal(events, await Node.EventsAsync());
    }

    [Fact]
    public async Task Verify_reads_the_store_of_a_running_node() =>
        Assert.Contains("no breach", (await CliRun($"verify --set node.data-dir={fixture.DataDirectory}")).Done());

    [Theory]
    [InlineData("DELETE FROM journal WHERE sequence_number = (SELECT max(sequence_number) - 1 FROM journal)")]
    [InlineData("DELETE FROM journal WHERE sequence_number = 1")]
    [InlineData("UPDATE journal SET message = CAST(replace(CAST(message AS TEXT), 'd.test', 'x.test') AS BLOB) WHERE sequence_number = (SELECT max(sequence_number) - 1 FROM journal)")]
    [InlineData("UPDATE journal SET message = (SELECT message FROM journal WHERE sequence_number = 2) WHERE sequence_number = (SELECT max(sequence_number) FROM journal)")]
    [InlineData("UPDATE journal SET manifest = 'ffffffffffffffff' || substr(manifest, 17) WHERE sequence_number = (SELECT max(sequence_number) FROM journal) - 2")]
    public async Task Verify_finds_a_journal_that_was_tampered_with(string sql)
    {
        await using var node = await NodeProcess.StartAsync(fixture[sql.GetHashCode().ToString()]);
        _ = (await node.ApplyAsync(Manifest.Vip("a", "a.test") + Manifest.Vip("b", "b.test") + Manifest.Vip("c", "c.test"))).Done;
        _ = (await node.ApplyAsync(Manifest.Vip("d", "d.test"))).Done;
        Assert.Equal(0, await node.StopAsync());
        var folder = fixture[sql.GetHashCode().ToString()];
        await Verify.CleanAsync(folder);
        SQLitePCL.Batteries_V2.Init();
        using (var connection = new SqliteConnection($"Data Source={Path.Combine(folder, "journal.db")};Pooling=False"))
        {
            connection.Open();
            using var command = connection.CreateCommand();
#pragma warning disable CA2100 // The statement is the test's own.
            command.CommandText = sql;
#pragma warning restore CA2100
            Assert.NotEqual(0, command.ExecuteNonQuery());
        }
        (await CliRun($"verify --set node.data-dir={folder}")).Failed(1, "breach");
    }

    [Theory]
    [InlineData("check-config")]
    [InlineData("check-config --config hocon/single.conf")]
    public async Task Check_config_accepts_good_settings(string arguments) => (await CliRun(arguments)).Done();

    [Theory]
    [InlineData("check-config --set dns.tll=10s", "dns.tll")]
    [InlineData("check-config --set dns.ttl=soon", "dns.ttl")]
    [InlineData("run --set dns.ttl=soon", "dns.ttl")]
    [InlineData("run --set gateway.enabled=true", "gateway")]
    [InlineData("run --set vips.quarantine=1s", "vips.quarantine")]
    public async Task A_bad_setting_is_refused_at_start_by_its_key(string arguments, string key) => (await CliRun(arguments)).Failed(1, key);

    [Fact]
    public async Task A_bad_file_is_refused_with_its_line()
    {
        await File.WriteAllTextAsync(fixture["bad.conf"], "meshdns {\n  dns.ttl = 10s\n  dns.listen = [\"nowhere\"]\n}\n");
        (await CliRun($"check-config --config {fixture["bad.conf"]}")).Failed(1, "bad.conf:3", "nowhere");
    }

    [Fact]
    public async Task A_port_that_is_taken_ends_the_node_with_a_reason()
    {
        await using var second = NodeProcess.Launch(fixture["other"], $"dns.listen=127.0.0.1:0", $"admin.listen={Node.Admin.Authority}");
        Assert.Equal(1, await second.WaitForExitAsync());
        Assert.Contains($"cannot listen for HTTP on {Node.Admin.Authority}", second.Log);
    }

    private static string WithoutAge(string leaves) => Regex.Replace(leaves, "ageSeconds: [0-9.E-]+", "");

    private static string LeavesOf(JsonNode? node) => node switch
    {
        JsonObject map => string.Join('\n', map.Select(field => $"{field.Key}: {LeavesOf(field.Value)}")),
        JsonArray list => string.Join('\n', list.Select(LeavesOf)),
        _ => node?.ToString() ?? "null",
    };

    private static string LeavesOf(YamlNode node) => node switch
    {
        YamlMappingNode map => string.Join('\n', map.Select(field => $"{field.Key}: {LeavesOf(field.Value)}")),
        YamlSequenceNode list => string.Join('\n', list.Select(LeavesOf)),
        _ => ((YamlScalarNode)node).Value ?? "null",
    };

    private static Task<CommandRun> CliRun(string arguments) => Harness.Cli.RunAsync(arguments);
}
