using System.Text.Json.Nodes;
using MeshDns.Host.Cli;
using MeshDns.Host.Tests.Admin;

namespace MeshDns.Host.Tests.Cli;

/// <summary>get, explain, export, drain, health.</summary>
public sealed class ReadVerbTests
{
    [Fact]
    public async Task Tables_are_aligned()
    {
        await using var api = await AdminFixture.StartAsync();
        await api.ApplyAsync(AdminFixture.Entry("orders", "db.example.com") + "\n---\n" + AdminFixture.Entry("a-longer-name", "x.example.com", "prod"));
        Assert.Equal(
            """
            NAMESPACE   NAME            RESOLUTION   HOSTS            ADDRESSES
            default     orders          DNS          db.example.com   240.240.0.1,2001:2::1
            prod        a-longer-name   DNS          x.example.com    240.240.0.2,2001:2::2

            """, (await CliRun.AgainstAsync(api.Url, "get", "entries")).Exits(ExitCode.Done).Output);
        Assert.Equal(
            """
            IPV4          IPV6        HOST             STATE    SINCE                      UNTIL
            240.240.0.1   2001:2::1   db.example.com   leased   2023-11-14T22:13:20.000Z   -

            """, (await CliRun.AgainstAsync(api.Url, "get", "vips", "240.240.0.1")).Exits(ExitCode.Done).Output);
        Assert.Equal(
            """
            NODE     ADDRESS       ROLES        STATE   VERSION   STREAMS   NAMES   AGE    LAG
            node-1   127.0.0.1:0   owner,edge   up      0.1.0     2         2       0.2s   0

            """, (await CliRun.AgainstAsync(api.Url, "get", "nodes")).Exits(ExitCode.Done).Output.Replace("0.3s", "0.2s", StringComparison.Ordinal));
        Assert.Equal("STREAM   OWNER    EPOCH   SEQ\nvips     node-1   1       3\n", (await CliRun.AgainstAsync(api.Url, "get", "streams", "vips")).Exits(ExitCode.Done).Output);
        Assert.Equal("NAMESPACE   NAME   TYPE   ADDRESSES   PORTS\n", (await CliRun.AgainstAsync(api.Url, "get", "services")).Exits(ExitCode.Done).Output);
    }

    [Fact]
    public async Task Names_and_namespaces_narrow_what_is_shown()
    {
        await using var api = await AdminFixture.StartAsync();
        await api.ApplyAsync(AdminFixture.Entry("orders", "db.example.com") + "\n---\n" + AdminFixture.Entry("orders", "db.example.com", "prod"));
        Assert.Equal(3, Lines((await CliRun.AgainstAsync(api.Url, "get", "hosts", "db.example.com")).Output));
        Assert.Equal(2, Lines((await CliRun.AgainstAsync(api.Url, "get", "hosts", "db.example.com", "-n", "prod")).Output));
        Assert.Equal(2, Lines((await CliRun.AgainstAsync(api.Url, "get", "entries", "-n", "prod")).Output));
        Assert.Equal("prod", (string?)JsonNode.Parse((await CliRun.AgainstAsync(api.Url, "get", "entries", "orders", "-n", "prod", "-o", "json")).Output)!["metadata"]!["namespace"]);
        foreach (var missing in new string[][] { ["entries", "none"], ["hosts", "none.example.com"], ["vips", "192.0.2.1"], ["nodes", "none"], ["streams", "none"], ["hosts", "db.example.com", "-n", "dev"] })
            (await CliRun.AgainstAsync(api.Url, ["get", .. missing])).Exits(ExitCode.Failed);
    }

    [Theory]
    [InlineData("ServiceEntry/prod/none", "entries", "none", "-n", "prod")]
    [InlineData("ServiceEntry/default/none", "entries", "none")]
    [InlineData("Service/default/none", "services", "none")]
    [InlineData("none.example.com", "hosts", "none.example.com")]
    [InlineData("db.example.com in the namespace dev", "hosts", "db.example.com", "-n", "dev")]
    [InlineData("240.240.0.9 is free; no host ever held it", "vips", "240.240.0.9")]
    [InlineData("192.0.2.1", "vips", "192.0.2.1")]
    [InlineData("there is no none among the nodes", "nodes", "none")]
    public async Task What_is_missing_is_named(string named, params string[] what)
    {
        await using var api = await AdminFixture.StartAsync();
        await api.ApplyAsync(AdminFixture.Entry("orders", "db.example.com"));
        var run = (await CliRun.AgainstAsync(api.Url, ["get", .. what])).Exits(ExitCode.Failed);
        Assert.Contains(named, run.Error, StringComparison.Ordinal);
        Assert.Equal("", run.Output);
    }

    [Fact]
    public async Task All_pages_are_followed()
    {
        await using var api = await AdminFixture.StartAsync();
        await api.ApplyAsync(string.Join("\n---\n", Enumerable.Range(0, 1100).Select(i => AdminFixture.Entry($"e{i}", $"h{i}.example.com"))).Replace("resolution: DNS", "resolution: NONE", StringComparison.Ordinal));
        Assert.Equal(1101, Lines((await CliRun.AgainstAsync(api.Url, "get", "entries")).Output));
        var json = JsonNode.Parse((await CliRun.AgainstAsync(api.Url, "get", "hosts", "-o", "json")).Output)!;
        Assert.Equal(1100, json["items"]!.AsArray().Count);
    }

    [Fact]
    public async Task Yaml_and_export_can_be_applied_again()
    {
        await using var api = await AdminFixture.StartAsync();
        await api.ApplyAsync(AdminFixture.Entry("one", "a.example.com") + "\n---\n" + AdminFixture.Entry("two", "b.example.com"));
        foreach (var verb in new string[][] { ["get", "entries", "-o", "yaml"], ["export"] })
        {
            var yaml = (await CliRun.AgainstAsync(api.Url, verb)).Exits(ExitCode.Done).Output;
            var again = (await CliRun.RunAsync(["apply", "-f", "-", "--server", api.Url.ToString()], new Dictionary<string, string>(), yaml)).Exits(ExitCode.Done);
            Assert.Equal(2, again.Output.Split(" unchanged").Length - 1);
        }
        Assert.Contains("state: leased", (await CliRun.AgainstAsync(api.Url, "get", "vips", "-o", "yaml")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Explain_tells_the_steps()
    {
        await using var api = await AdminFixture.StartAsync();
        Assert.Equal("db.example.com AAAA asked by 10.0.0.9: NOERROR, by exact\n  1. it is declared\ndb.example.com. 30 IN AAAA 240.240.0.1\n",
            (await CliRun.AgainstAsync(api.Url, "explain", "db.example.com", "--type", "AAAA", "--client", "10.0.0.9")).Exits(ExitCode.Done).Output);
        (await CliRun.AgainstAsync(api.Url, "explain", "a b")).Exits(ExitCode.Failed);
    }

    [Fact]
    public async Task Drain_and_health()
    {
        await using var api = await AdminFixture.StartAsync();
        (await CliRun.AgainstAsync(api.Url, "drain", "node-1")).Exits(ExitCode.Done);
        (await CliRun.AgainstAsync(api.Url, "drain", "node-7")).Exits(ExitCode.Failed);
        (await CliRun.AgainstAsync(api.Url, "health")).Exits(ExitCode.Done);
        api.Health.NotReady = ["no upstream"];
        Assert.Contains("no upstream", (await CliRun.AgainstAsync(api.Url, "health")).Exits(ExitCode.Failed).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Server_and_token_come_from_the_environment_too()
    {
        await using var api = await AdminFixture.StartAsync(token: "tok");
        var environment = new Dictionary<string, string> { ["MESHDNS_SERVER"] = api.Url.ToString() };
        (await CliRun.RunAsync(["get", "nodes"], environment)).Exits(ExitCode.Failed);
        (await CliRun.RunAsync(["get", "nodes", "--token", "tok"], environment)).Exits(ExitCode.Done);
        environment["MESHDNS_TOKEN"] = "tok";
        (await CliRun.RunAsync(["get", "nodes"], environment)).Exits(ExitCode.Done);
        (await CliRun.RunAsync(["get", "nodes", "--token", "wrong"], environment)).Exits(ExitCode.Failed);
    }

    private static int Lines(string text) => text.Count(c => c == '\n');
}
