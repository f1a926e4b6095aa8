using System.Globalization;
using System.Text.Unicode;
using MeshDns.Actors.Directory;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Vips;
using MeshDns.Host.Resolve;
using MeshDns.Tests.Shared;

namespace MeshDns.Bench.Edge;

/// <summary>The names that the load asks for.</summary>
internal static class Names
{
    private const int Batch = 10_000;

    public static string Host(int index) => string.Create(CultureInfo.InvariantCulture, $"svc-{index:00000}.mesh.internal");

    public static string Address(int index) => string.Create(CultureInfo.InvariantCulture, $"10.{1 + (index >> 16)}.{(index >> 8) & 255}.{index & 255}");

    public static MeshEvent Fact(int index) => DirectoryFacts.Declare(Host(index), [Address(index)], name: Host(index));

    /// <summary>The same fact as the feed gets it from a journal: decoded from its row.</summary>
    public static MeshEvent Decoded(int index)
    {
        Span<byte> row = stackalloc byte[512];
        Utf8.TryWrite(row, CultureInfo.InvariantCulture, $$$"""
            {"host":"svc-{{{index:00000}}}.mesh.internal","declaration":{"document":"ServiceEntry/default/svc-{{{index:00000}}}.mesh.internal","created":1,"eligible":false,"addresses":["10.{{{1 + (index >> 16)}}}.{{{(index >> 8) & 255}}}.{{{index & 255}}}"],"resolution":"None","ports":[{"number":80,"name":"http","protocol":"HTTP"}],"endpoints":[],"exportTo":[]}}
            """, out var length);
        byte[] payload = [.. row[..length]];
        return EventCodec.Decode("host-declared.1", payload);
    }

    public static MeshDirectory Directory(int names, params string[] wildcards)
    {
        var directory = new MeshDirectory(VipRange.Default, new MeshZones([HostName.Parse("mesh.internal")]), DirectoryFacts.ShardCount, TimeProvider.System);
        for (var from = 0; from < names; from += Batch)
            directory.Apply(DirectoryFacts.Batch(Now, [.. Enumerable.Range(from, Math.Min(Batch, names - from)).Select(Fact)]));
        directory.Apply(DirectoryFacts.Batch(Now, [.. wildcards.Select(w => DirectoryFacts.Declare(w, ["10.0.0.1"]))]));
        return directory;
    }

    public static long Now => TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();

    public static MeshResolver Resolver(MeshDirectory directory) => new(directory, new MeshResolverOptions(), TimeProvider.System);
}
