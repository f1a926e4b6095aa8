using System.Text.RegularExpressions;
using MeshDns.Host.Nodes;
using MeshDns.Host.Tests.Settings;

namespace MeshDns.Host.Tests.Telemetry;

/// <summary>docs/metrics.md is what operators build on: every family of the program stands there as it is, and nothing else does.</summary>
public sealed partial class MetricsPageTests
{
    [Fact]
    public void The_page_has_every_family_with_its_type_labels_and_help_and_no_other()
    {
        var rows = File.ReadLines(Load.Repository("../docs/metrics.md")).Where(line => line.StartsWith("| `", StringComparison.Ordinal));
        using var metrics = new NodeMetrics();
        Assert.Equal(metrics.Families.Select(family => $"| `{family.Name}` | {family.Type} | {string.Join(", ", family.Labels)} | {family.Help} |"), rows);
    }

    [Fact]
    public void What_other_pages_say_of_a_family_is_said_of_one_that_exists()
    {
        var pages = Directory.EnumerateFiles(Load.Repository("../docs"), "*.md", SearchOption.AllDirectories);
        var named = pages.SelectMany(page => Named().Matches(File.ReadAllText(page)).Select(match => match.Groups[1].Value)).ToHashSet();
        Assert.Superset(new HashSet<string> { "meshdns_vips", "meshdns_edge_faults_total" }, named);
        using var metrics = new NodeMetrics();
        Assert.Empty(named.Except(metrics.Families.Select(family => family.Name)));
    }

    [GeneratedRegex("`(meshdns_[a-z_]+|process_[a-z_]+)")]
    private static partial Regex Named();
}
