using System.Collections.Concurrent;
using System.Globalization;
using MeshDns.Actors;
using MeshDns.Actors.Cluster;
using MeshDns.Actors.Directory;
using MeshDns.Contracts.Names;

namespace MeshDns.Engine.Tests.Mesh;

/// <summary>The mesh part of a node without a database.</summary>
internal sealed class EdgeNode : IAsyncDisposable
{
    private readonly ConcurrentQueue<string> _alarms = new();

    public EdgeNode(string name, INodeClient client, Action<string> write, string? names = null, params string[] join)
    {
        var zones = new MeshZones([HostName.Parse("cluster.local")]);
        var options = new MeshOptions { Node = name, Zones = zones, Roles = ["edge"], Join = join };
        Names = new MeshDirectory(options.Range, zones, options.Shards, TimeProvider.System);
        if (names is not null) Assert.True(DirectoryFile.TryLoad(names, Names, out var reason), reason);
        Mesh = new EdgeMesh(options, Names, client, Guid.NewGuid().ToString("n"), TimeProvider.System, (level, source, text, error) =>
        {
            write(string.Create(CultureInfo.InvariantCulture, $"{DateTime.UtcNow:HH:mm:ss.fff} {name} {level} {source}: {text} {error}"));
            if (level == ActorLogLevel.Alarm) _alarms.Enqueue(text);
        });
        Mesh.Start();
    }

    public EdgeMesh Mesh { get; }

    public IMeshControl Control => Mesh.Control;

    public MeshDirectory Names { get; }

    public IReadOnlyCollection<string> Alarms => _alarms;

    public bool Knows(string host) => Names.Hosts.Any(h => h.Host.Text == host);

    public async Task WhenReadyAsync()
    {
        await EventuallyAsync(() => Mesh.NotReady.Length == 0);
        Assert.Equal(0, Names.Violations);
    }

    public static async Task EventuallyAsync(Func<bool> holds)
    {
        for (var i = 0; i < 1200 && !holds(); i++) await Task.Delay(25);
        Assert.True(holds());
    }

    public ValueTask DisposeAsync() => Mesh.DisposeAsync();
}
