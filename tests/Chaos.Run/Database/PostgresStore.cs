using System.Net;
using MeshDns.Actors.Store;
using MeshDns.Tests.Shared;

namespace MeshDns.Chaos.Run.Database;

/// <summary>
/// A primary and its standby. Nodes know two places that a server may have, by addresses that only the router can reach; when a standby is
/// promoted, the place of the dead primary is taken by a new standby. So a node's connection string stays the same for its whole life.
/// </summary>
internal sealed class PostgresStore : IJournalStore
{
    private const string Name = "meshdns";

    private static readonly IPEndPoint[] _addresses = [IPEndPoint.Parse("100.127.255.1:5432"), IPEndPoint.Parse("100.127.255.2:5432")];

    private readonly bool _mayLose;
    private readonly PostgresServer?[] _places = new PostgresServer?[2];
    private int _primary;
    private volatile string? _lone;
    private int _loneSees;

    private PostgresStore(PostgresServer primary, bool mayLose)
    {
        _places[0] = primary;
        _mayLose = mayLose;
    }

    public bool IsShared => true;

    private PostgresServer Primary => _places[_primary]!;

    public static async Task<PostgresStore> StartAsync(bool mayLose)
    {
        var primary = await PostgresServer.StartAsync("synchronous_commit=on");
        var store = new PostgresStore(primary, mayLose);
        await primary.ExecuteAsync($"CREATE DATABASE {Name}");
        await store.AddStandbyAsync();
        return store;
    }

    public IReadOnlyList<string> NodeSettings =>
    [
        "journal.store=postgres",
        $"journal.connection-string=Host={string.Join(',', (object[])_addresses)};Username=postgres;Database={Name}",
        $"journal.allow-data-loss={(_mayLose ? "true" : "false")}",
    ];

    /// <summary>Starts the primary again, after an orderly stop or after a kill.</summary>
    public Task RestartAsync() => Primary.RestartAsync();

    public Task KillPrimaryAsync() => Primary.KillAsync();

    /// <summary>Makes the standby the primary and gives it a standby of its own.</summary>
    public async Task PromoteAsync()
    {
        await TakeOverAsync();
        await EndOldAsync();
    }

    /// <summary>From now on one node reaches the primary alone, and all others the standby alone. Connections that are open stay.</summary>
    public void Part(string lone) => (_loneSees, _lone) = (_primary, lone);

    /// <summary>Makes the standby the primary; the one before lives on.</summary>
    public async Task TakeOverAsync()
    {
        _primary = 1 - _primary;
        await Primary.PromoteAsync();
    }

    /// <summary>Ends the primary that another has taken over from; a new standby takes its place, and all nodes reach both.</summary>
    public async Task EndOldAsync()
    {
        var old = 1 - _primary;
        await _places[old]!.DisposeAsync();
        _places[old] = null;
        _lone = null;
        await AddStandbyAsync();
    }

    /// <summary>Asks the primary, beside all nodes.</summary>
    public Task<object?> AskAsync(string sql) => Primary.ExecuteAsync(sql, Name);

    /// <summary>From now on the standby gets nothing more, and no commit waits for it.</summary>
    public async Task LetStandbyLagAsync()
    {
        await Primary.SetAsync("synchronous_standby_names", "");
        await _places[1 - _primary]!.SetAsync("primary_conninfo", "");
    }

    // Nobody listens on port 1: a place without a server refuses.
    public IPEndPoint? ServerAt(string node, IPEndPoint place)
    {
        var index = Array.IndexOf(_addresses, place);
        if (index < 0) return null;
        var isReached = _lone is null || index == (node == _lone ? _loneSees : 1 - _loneSees);
        return new IPEndPoint(IPAddress.Loopback, isReached ? _places[index]?.Port ?? 1 : 1);
    }

    public Task<LogDump> ReadAsync() => LogDump.ReadPostgresAsync(Primary.ConnectionString(Name), CancellationToken.None);

    public async ValueTask DisposeAsync()
    {
        foreach (var server in _places) if (server is not null) await server.DisposeAsync();
    }

    private async Task AddStandbyAsync() => _places[1 - _primary] = await Primary.AddStandbyAsync(synchronous: true);
}
