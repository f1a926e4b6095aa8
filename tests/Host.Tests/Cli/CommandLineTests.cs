using MeshDns.Host.Cli;
using MeshDns.Host.Settings;

namespace MeshDns.Host.Tests.Cli;

/// <summary>Wrong usage, help, and the verbs that read settings.</summary>
public sealed class CommandLineTests
{
    private static readonly Dictionary<string, string> _nothing = [];

    [Theory]
    [InlineData]
    [InlineData("fly")]
    [InlineData("get")]
    [InlineData("get", "pods")]
    [InlineData("get", "hosts", "-o", "xml")]
    [InlineData("apply")]
    [InlineData("run", "--colour")]
    [InlineData("drain")]
    [InlineData("query")]
    [InlineData("query", "a..b")]
    [InlineData("query", "a.b", "WHAT")]
    [InlineData("query", "a.b", "7")]
    [InlineData("query", "a.b", "A", "--server", "host:port")]
    [InlineData("query", "a.b", "A", "--server", "host:0")]
    [InlineData("health", "--server", "not a url")]
    [InlineData("health", "--server", "ftp://127.0.0.1")]
    [InlineData("health", "--server", "http://127.0.0.1:1/path")]
    public async Task Wrong_usage_exits_2_and_says_why_on_stderr(params string[] arguments)
    {
        var run = (await CliRun.RunAsync(arguments, _nothing)).Exits(ExitCode.Usage);
        Assert.StartsWith("error: ", run.Error, StringComparison.Ordinal);
        Assert.Equal("", run.Output);
    }

    [Theory]
    [InlineData("--help")]
    [InlineData("get", "--help")]
    [InlineData("--version")]
    public async Task Help_exits_0(params string[] arguments) => Assert.NotEmpty((await CliRun.RunAsync(arguments, _nothing)).Exits(ExitCode.Done).Output);

    [Fact]
    public async Task Run_gets_the_settings_of_file_and_command_line()
    {
        var started = new List<MeshDnsSettings>();
        (await CliRun.RunAsync(["run", "--set", "admin.listen=127.0.0.1:0", "--set", "node.name=from-set"], _nothing, started: started)).Exits(ExitCode.Done);
        Assert.Equal(0, started[0].Admin.Listen.Port);
        Assert.Equal("from-set", started[0].Node.Name);
        (await CliRun.RunAsync(["verify"], _nothing)).Exits(ExitCode.Failed);
    }

    [Fact]
    public async Task Refused_settings_exit_1_with_every_reason_and_start_nothing()
    {
        var started = new List<MeshDnsSettings>();
        foreach (var verb in new[] { "run", "check-config", "verify" })
        {
            var run = (await CliRun.RunAsync([verb, "--set", "dns.ttl=never", "--set", "no.such.key=1"], _nothing, started: started)).Exits(ExitCode.Failed);
            Assert.Contains("dns.ttl", run.Error, StringComparison.Ordinal);
            Assert.Contains("no.such", run.Error, StringComparison.Ordinal);
        }
        (await CliRun.RunAsync(["run", "--set", "gateway.enabled=true"], _nothing, started: started)).Exits(ExitCode.Failed);
        Assert.Empty(started);
    }

    [Fact]
    public async Task Verify_reads_a_journal_with_settings_that_no_node_could_run_with()
    {
        string[] settings = ["--set", "journal.store=postgres", "--set", "journal.connection-string=Host=127.0.0.1"];
        var started = new List<MeshDnsSettings>();
        var refused = (await CliRun.RunAsync(["run", .. settings], _nothing, started: started)).Exits(ExitCode.Failed);
        Assert.Contains("cluster.listen", refused.Error, StringComparison.Ordinal);
        Assert.Empty(started);
        var verified = (await CliRun.RunAsync(["verify", .. settings], _nothing)).Exits(ExitCode.Failed);
        Assert.DoesNotContain("refused", verified.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Verify_prints_rows_on_demand()
    {
        Assert.Equal("rows ..\n", (await CliRun.RunAsync(["verify"], _nothing)).Output);
        Assert.Equal("rows 3..19\n", (await CliRun.RunAsync(["verify", "--print", "3..19"], _nothing)).Output);
        foreach (var wrong in (string[])["19..3", "3", "3..", "a..b", "-1..4", "1...4"])
            Assert.Contains("FROM..TO", (await CliRun.RunAsync(["verify", "--print", wrong], _nothing)).Exits(ExitCode.Usage).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Check_config_shows_each_setting_and_its_origin_without_secrets()
    {
        var run = (await CliRun.RunAsync(["check-config", "--set", "admin.token=very-secret-token"], _nothing)).Exits(ExitCode.Done);
        Assert.Contains("meshdns.dns.ttl = ", run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("very-secret-token", run.Output + run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Control_characters_do_not_reach_the_terminal() => Assert.Equal("a?[31mb\nc", CliText.Printable("a\u001b[31mb\nc"));
}
