using MeshDns.Actors.Journal;
using MeshDns.Chaos.Run.Cluster;
using MeshDns.Chaos.Run.Links;

namespace MeshDns.Chaos.Run.Database;

/// <summary>The journal of a node on its own: a file in its data directory.</summary>
internal sealed class SqliteStore(string folder) : IJournalStore
{
    public bool IsShared => false;

    public IEnumerable<string> SettingsOf(NodeAddress node, Network network) => [];

    public Task<JournalImage> ReadAsync() => Task.FromResult(SqliteImage.Read(Path.Combine(folder, "node-1", "data")));

    public Task<IReadOnlyList<string>?> OwnerlessAsync() => Task.FromResult<IReadOnlyList<string>?>([]);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
