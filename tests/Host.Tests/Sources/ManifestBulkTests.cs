using System.Diagnostics;
using System.Text;
using MeshDns.Contracts.Services;
using MeshDns.Host.Sources;
using Xunit.Abstractions;

namespace MeshDns.Host.Tests.Sources;

/// <summary>The manifest that fills the VIP pool: many small documents in one file.</summary>
public sealed class ManifestBulkTests(ITestOutputHelper output)
{
    private const int PoolSize = 65_024;

    [Theory]
    [InlineData(ManifestFormat.Yaml)]
    [InlineData(ManifestFormat.Json)]
    public void A_manifest_that_fills_the_pool_is_read_whole(ManifestFormat format)
    {
        var text = new StringBuilder();
        for (var i = 0; i < PoolSize; i++) text.Append(format == ManifestFormat.Yaml ? Yaml(i) : Json(i));
        var bytes = Encoding.UTF8.GetBytes(text.ToString());

        var (started, cpuBefore) = (Stopwatch.GetTimestamp(), Environment.CpuUsage.TotalTime);
        var result = ManifestReader.Read("pool", bytes, format);
        output.WriteLine($"{format}: {bytes.Length / 1e6:F1} MB in {Stopwatch.GetElapsedTime(started).TotalSeconds:F2} s, {(Environment.CpuUsage.TotalTime - cpuBefore).TotalSeconds:F2} s of CPU");

        Assert.Empty(result.Errors);
        Assert.Equal(PoolSize, result.Documents.Count);
        Assert.Equal(PoolSize, result.Documents[^1].Number);
        Assert.Equal("host-65023.example.com", Assert.Single(result.Documents[^1].Document.ServiceEntry!.Hosts).Text);
    }

    private static string Yaml(int i) =>
        $"""
        ---
        apiVersion: networking.istio.io/v1
        kind: ServiceEntry
        metadata:
          name: entry-{i}
        spec:
          hosts:
          - host-{i}.example.com
          ports:
          - number: 3306
            name: mysql
            protocol: TCP
          resolution: DNS

        """;

    private static string Json(int i) =>
        "{\"apiVersion\":\"networking.istio.io/v1\",\"kind\":\"ServiceEntry\",\"metadata\":{\"name\":\"entry-" + i +
        "\"},\"spec\":{\"hosts\":[\"host-" + i + ".example.com\"],\"ports\":[{\"number\":3306,\"name\":\"mysql\",\"protocol\":\"TCP\"}],\"resolution\":\"DNS\"}}\n";
}
