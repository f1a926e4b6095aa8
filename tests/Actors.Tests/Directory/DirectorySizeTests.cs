using System.Diagnostics;
using System.Runtime.CompilerServices;
using MeshDns.Actors.Directory;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Services;
using MeshDns.Contracts.Vips;
using MeshDns.Tests.Shared;
using Xunit.Abstractions;

namespace MeshDns.Actors.Tests.Directory;

/// <summary>What a host costs. MESHDNS_SLOW=1 runs the million of docs/performance.md.</summary>
[Collection("alone")]
public sealed class DirectorySizeTests(ITestOutputHelper output)
{
    private const int MaxBytesPerHost = 300;
    private const int BatchSize = 50_000;

    [Fact]
    public void A_host_with_an_explicit_address_costs_less_than_300_bytes()
    {
        var hosts = Environment.GetEnvironmentVariable("MESHDNS_SLOW") == "1" ? 1_000_000 : 100_000;
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var clock = Stopwatch.StartNew();
        var directory = new MeshDirectory(VipRange.Default, new MeshZones([HostName.Parse("mesh.internal")]), DirectoryFacts.ShardCount, TimeProvider.System);
        for (var first = 0; first < hosts; first += BatchSize) Apply(directory, first);
        var applied = clock.Elapsed;
        var bytes = (double)(GC.GetTotalMemory(forceFullCollection: true) - before) / hosts;
        var path = Path.GetTempFileName();
        clock.Restart();
        DirectoryFile.Save(path, directory);
        var saved = clock.Elapsed;
        var size = new FileInfo(path).Length;
        var loaded = new MeshDirectory(VipRange.Default, directory.Zones, DirectoryFacts.ShardCount, TimeProvider.System);
        clock.Restart();
        Assert.True(DirectoryFile.TryLoad(path, loaded, out _));
        output.WriteLine($"{hosts} hosts: {bytes:F0} bytes a host, applied in {applied.TotalSeconds:F2} s, saved in {saved.TotalSeconds:F2} s ({size >> 20} MiB), loaded in {clock.Elapsed.TotalSeconds:F2} s");
        File.Delete(path);
        Assert.Equal(hosts, loaded.Names);
        Assert.InRange(bytes, 1, MaxBytesPerHost);
        GC.KeepAlive(directory);
    }

    // Apart, so that no local of the measuring method keeps the last batch alive.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Apply(MeshDirectory directory, int first) => directory.Apply(DirectoryFacts.Batch(1, [.. Enumerable.Range(first, BatchSize).Select(Fact)]));

    // Fresh strings and lists for each, as a decoder makes them.
    private static MeshEvent Fact(int i)
    {
        var host = HostName.Parse($"svc-{i:D7}.mesh.internal");
        return new HostDeclared(host, new HostDeclaration
        {
            Document = new DocumentKey(DocumentKind.ServiceEntry, "default", $"svc-{i:D7}"),
            Created = 1_760_000_000_000 + i,
            Addresses = [$"10.{i >> 16}.{(i >> 8) & 255}.{i & 255}"],
            Ports = [new ServicePort(8080, $"{"http"}", "HTTP", null), new ServicePort(9090, "grpc", "GRPC", null)],
        });
    }
}
