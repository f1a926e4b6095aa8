using System.Net;
using MeshDns.Actors.Store;

namespace MeshDns.Chaos.Run.Database;

/// <summary>The journal of a node on its own: a file in its data directory.</summary>
internal sealed class SqliteStore(string folder) : IJournalStore
{
    public bool IsShared => false;

    public IReadOnlyList<string> NodeSettings => [];

    public IPEndPoint? ServerAt(string node, IPEndPoint place) => null;

    public Task<LogDump> ReadAsync() => LogDump.ReadSqliteAsync(Path.Combine(folder, "node-1", "data", "journal.db"), CancellationToken.None);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
