using System.Globalization;

namespace MeshDns.ClusterBench;

/// <summary>Markdown tables on standard output.</summary>
internal static class Table
{
    public static void Head(string title, params string[] columns)
    {
        Console.WriteLine($"\n### {title}\n");
        Row(columns);
        Row([.. columns.Select(_ => "---")]);
    }

    public static void Row(params string[] cells) => Console.WriteLine($"| {string.Join(" | ", cells)} |");

    /// <summary>The given percentiles of times in milliseconds; 0 is the least and 100 the most.</summary>
    public static string[] Percentiles(IEnumerable<double> timesMs, params int[] percents)
    {
        var sorted = timesMs.Order().ToArray();
        return [.. percents.Select(p => sorted.Length == 0 ? "-" : Ms(sorted[Math.Max(0, (int)Math.Ceiling(sorted.Length * p / 100.0) - 1)]))];
    }

    public static string Ms(double ms) => ms switch
    {
        >= 1000 => string.Create(CultureInfo.InvariantCulture, $"{ms / 1000:F2} s"),
        >= 10 => string.Create(CultureInfo.InvariantCulture, $"{ms:F0} ms"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{ms:F1} ms"),
    };
}
