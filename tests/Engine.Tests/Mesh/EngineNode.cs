using System.Globalization;
using MeshDns.Actors.Cluster;
using MeshDns.Actors.Directory;
using MeshDns.Actors.Store;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Services;

namespace MeshDns.Engine.Tests.Mesh;

/// <summary>A node's mesh part in the test's process, on real Akka and a real store.</summary>
internal sealed class EngineNode : IAsyncDisposable
{
    private EngineNode(OwnerMesh mesh, MeshDirectory names) => (Mesh, Names) = (mesh, names);

    public OwnerMesh Mesh { get; }

    public MeshDirectory Names { get; }

    public static async Task<EngineNode> OnSqliteAsync(string file, Action<string> write, string? names = null, long imageEvery = 2000, string feed = "", Func<ILogStore, ILogStore>? wrap = null, long? keepRows = null, Func<MeshOptions, MeshOptions>? configure = null, long imageBytes = 1 << 20)
    {
        ILogStore store = await SqliteLogStore.OpenAsync(file, TimeProvider.System, default);
        return Make("n1", wrap is null ? store : wrap(store), new JournalPlugin($"Data Source={file};Pooling=false", "SQLite.MS", IsShared: false), write, names, imageEvery, feed, keepRows, configure, imageBytes: imageBytes);
    }

    public static async Task<EngineNode> OnPostgresAsync(string name, string connectionString, Action<string> write, string feed = "", Func<MeshOptions, MeshOptions>? configure = null, OwnerVersions? versions = null)
    {
        var options = new PostgresJournalOptions(connectionString, TimeSpan.FromSeconds(5), AllowDataLoss: false);
        var store = await PostgresLogStore.OpenAsync(options, (level, source, text, error) => write($"{name} {level} {source}: {text}"), default);
        return Make(name, store, new JournalPlugin(options.Plugin(), "PostgreSQL.15", IsShared: true), write, feed: feed, configure: configure, versions: versions);
    }

    public static ChangeRequest Put(string name, string host)
    {
        var document = new MeshDocument { Key = new DocumentKey(DocumentKind.ServiceEntry, "default", name), Spec = new ServiceEntrySpec { Hosts = [HostName.Parse(host)], Addresses = [], Resolution = Resolution.Static, Ports = [new ServicePort(80, "main", "TCP", null)] } };
        return new ChangeRequest { Changes = [new DocumentChange(document.Key, document)] };
    }

    public async Task WhenReadyAsync()
    {
        for (var i = 0; i < 1200 && Mesh.NotReady.Length > 0; i++) await Task.Delay(25);
        Assert.Empty(Mesh.NotReady);
    }

    public async Task EventuallyAsync(Func<bool> holds)
    {
        for (var i = 0; i < 1200 && !holds(); i++) await Task.Delay(25);
        Assert.True(holds());
    }

    public void SaveNames(string file) => DirectoryFile.Save(file, Names);

    public ValueTask DisposeAsync() => Mesh.DisposeAsync();

    private static EngineNode Make(string name, ILogStore store, JournalPlugin plugin, Action<string> write, string? names = null, long imageEvery = 2000, string feed = "", long? keepRows = null, Func<MeshOptions, MeshOptions>? configure = null, OwnerVersions? versions = null, long imageBytes = 1 << 20)
    {
        var zones = new MeshZones([HostName.Parse("cluster.local")]);
        var options = new MeshOptions { Node = name, Zones = zones, Feed = feed };
        if (configure is not null) options = configure(options);
        var directory = new MeshDirectory(options.Range, zones, options.Shards, TimeProvider.System);
        if (names is not null) Assert.True(DirectoryFile.TryLoad(names, directory, out var reason), reason);
        var settings = new OwnerSettings { Store = store, Journal = plugin, Remote = new RemoteAddress("127.0.0.1", 0, null, null, IsEncrypted: false), DataId = name, ImageEvery = imageEvery, ImageBytes = imageBytes, KeepRows = keepRows, Versions = versions ?? OwnerVersions.Current };
        var mesh = new OwnerMesh(options, settings, directory, TimeProvider.System, new Random(),
            (level, source, text, error) => write(string.Create(CultureInfo.InvariantCulture, $"{DateTime.UtcNow:HH:mm:ss.fff} {name} {level} {source}: {text} {error}")));
        mesh.Start();
        return new EngineNode(mesh, directory);
    }
}
