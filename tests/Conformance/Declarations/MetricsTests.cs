using System.Diagnostics;
using System.Text;
using System.Text.RegularExpressions;
using MeshDns.Conformance.Harness;
using MeshDns.Tests.Shared;
using Xunit.Abstractions;

namespace MeshDns.Conformance.Declarations;

/// <summary>The metrics of the real process: Prometheus' own tool finds nothing to say of them, and queries add up.</summary>
public sealed partial class MetricsTests(DefaultNode fixture, ITestOutputHelper output) : MeshTest(fixture, output), IClassFixture<DefaultNode>
{
    [Fact]
    public async Task Promtool_takes_a_scrape() => await LintAsync((await Node.GetAsync("/metrics")).Text);

    [Fact]
    public void A_node_that_pushes_nothing_loads_nothing_for_it() =>
        Assert.DoesNotContain("OpenTelemetry", File.ReadAllText($"/proc/{Node.ProcessId}/maps"));

    // A node shows only what it has a part for; the page has all.
    [Fact]
    public async Task Promtool_takes_the_name_type_and_help_of_every_family()
    {
        var text = new StringBuilder();
        foreach (var row in File.ReadLines(Repository.At("docs/metrics.md")).Select(line => Row().Match(line)).Where(match => match.Success))
        {
            var (name, type) = (row.Groups[1].Value, row.Groups[2].Value);
            var labels = row.Groups[3].Value.Split(", ", StringSplitOptions.RemoveEmptyEntries).Select(label => label + "=\"x\"").ToList();
            text.Append($"# HELP {name} {row.Groups[4].Value}\n# TYPE {name} {type}\n");
            foreach (var (part, bound) in type == "histogram" ? ((string, string[])[])[("_bucket", ["le=\"+Inf\""]), ("_sum", []), ("_count", [])] : [("", [])])
                text.Append($"{name}{part}{{{string.Join(',', [.. labels, .. bound])}}} 1\n");
        }
        await LintAsync(text.ToString());
    }

    [Fact]
    public async Task Under_load_every_query_that_came_is_answered_dropped_or_waits()
    {
        _ = (await Node.ApplyAsync(Manifest.Vip("summed", "summed.test"))).Done;
        Upstream.Address4("elsewhere.test", "198.51.100.7");
        Upstream.On("never.test", _ => FakeReply.Never);
        const int Rounds = 50;
        var udp = Enumerable.Range(0, 4).Select(async _ =>
        {
            for (var i = 0; i < Rounds; i++)
                await RawClient.SendUdpAsync(Node.Dns, RawClient.Query("summed.test"), RawClient.Query("elsewhere.test"), RawClient.Query($"n{i}.test"), [1, 2, 3]);
        });
        var tcp = Enumerable.Range(0, 4).Select(async _ =>
        {
            for (var i = 0; i < Rounds; i++)
                await RawClient.PipelineAsync(Node.Dns, RawClient.Query("summed.test", id: 1), RawClient.Query("elsewhere.test", id: 2), RawClient.Query($"n{i}.test", id: 3));
        });
        await Task.WhenAll([.. udp, .. tcp]);
        await RawClient.SendUdpAsync(Node.Dns, RawClient.Query("never.test"));
        foreach (var transport in (string[])["udp", "tcp"])
        {
            var (received, ended, waiting) = (0.0, 0.0, 0.0);
            await Node.PollAsync(async () =>
            {
                var text = (await Node.GetAsync("/metrics")).Text;
                received = Sum(text, $"meshdns_queries_received_total{{transport=\"{transport}\"}}");
                ended = Sum(text, $"meshdns_queries_total{{transport=\"{transport}\"") +
                    ((string[])["malformed", "overload", "abandoned"]).Sum(reason => Sum(text, $"meshdns_queries_dropped_total{{transport=\"{transport}\",reason=\"{reason}\"}}"));
                waiting = Sum(text, transport == "udp" ? "meshdns_queries_waiting " : "meshdns_tcp_queries_waiting ");
                return received == ended + waiting;
            }, $"{transport}: received = answered + dropped + waiting");
            Assert.InRange(received, 4 * Rounds * 3, double.MaxValue);
        }
    }

    private static double Sum(string text, string sample) =>
        text.Split('\n').Where(line => line.StartsWith(sample, StringComparison.Ordinal)).Sum(line => double.Parse(line[(line.LastIndexOf(' ') + 1)..]));

    private static async Task LintAsync(string text)
    {
        var unpacked = Repository.At("artifacts/tools/promtool");
        var run = await CommandRun.Of(new ProcessStartInfo(File.Exists(unpacked) ? unpacked : "promtool", ["check", "metrics"]), text);
        Assert.True(run.ExitCode == 0 && run.Output.Length + run.Error.Length == 0, run.ToString());
    }

    [GeneratedRegex(@"^\| `([a-z_]+)` \| ([a-z]+) \| ([a-z, ]*) \| (.*) \|$")]
    private static partial Regex Row();
}
