using System.Net;
using MeshDns.Actors.Journal;
using MeshDns.Chaos.Run.Cluster;
using MeshDns.Chaos.Run.Links;
using MeshDns.Tests.Shared;
using Npgsql;

namespace MeshDns.Chaos.Run.Database;

/// <summary>
/// A primary and its standby. Every node has two relays, one for each place that a server may have; when a standby is promoted, the place of
/// the dead primary is taken by a new standby. So a node's connection string stays the same for its whole life.
/// </summary>
internal sealed class PostgresStore : IJournalStore
{
    private const string Name = "meshdns";

    private const string Ownerless = """
        SELECT coalesce(array_agg(o.stream), '{}') FROM meshdns.ownership o
        LEFT JOIN meshdns.member m ON m.node = o.owner AND m.incarnation = o.incarnation AND m.expires_at > meshdns.now_ms() WHERE m.node IS NULL
        """;

    private readonly bool _mayLose;
    private readonly PostgresServer?[] _places = new PostgresServer?[2];
    private readonly List<(Relay Relay, int Place)> _relays = [];
    private int _primary;

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

    public IEnumerable<string> SettingsOf(NodeAddress node, Network network)
    {
        var relays = Enumerable.Range(0, _places.Length).Select(place => new Relay(AddressOf(place), _ => network.Between(node.Name, Network.Database))).ToArray();
        for (var place = 0; place < relays.Length; place++) _relays.Add((relays[place], place));
        return
        [
            "journal.store=postgres",
            $"journal.connection-string=Host={string.Join(',', relays.Select(r => r.Address))};Username=postgres;Database={Name}",
            $"journal.allow-data-loss={(_mayLose ? "true" : "false")}",
        ];
    }

    /// <summary>Starts the primary again, after an orderly stop or after a kill.</summary>
    public async Task RestartAsync()
    {
        await Primary.RestartAsync();
        Point();
    }

    public Task KillPrimaryAsync() => Primary.KillAsync();

    /// <summary>Makes the standby the primary and gives it a standby of its own.</summary>
    public async Task PromoteAsync()
    {
        var old = _primary;
        _primary = 1 - _primary;
        await Primary.PromoteAsync();
        await _places[old]!.DisposeAsync();
        _places[old] = null;
        Point();
        await AddStandbyAsync();
    }

    /// <summary>From now on the standby gets nothing more, and no commit waits for it.</summary>
    public async Task LetStandbyLagAsync()
    {
        await Primary.SetAsync("synchronous_standby_names", "");
        await _places[1 - _primary]!.SetAsync("primary_conninfo", "");
    }

    public Task<JournalImage> ReadAsync() => PostgresImage.ReadAsync(Primary.ConnectionString(Name), CancellationToken.None);

    public async Task<IReadOnlyList<string>?> OwnerlessAsync()
    {
        if (_places[_primary] is not { } primary) return null;
        try
        {
            await using var connection = new NpgsqlConnection(primary.ConnectionString(Name) + ";Timeout=5;Command Timeout=5");
            await connection.OpenAsync();
            await using var command = new NpgsqlCommand(Ownerless, connection);
            return (string[]?)await command.ExecuteScalarAsync() ?? [];
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException) { return null; }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var (relay, _) in _relays) await relay.DisposeAsync();
        foreach (var server in _places) if (server is not null) await server.DisposeAsync();
    }

    private async Task AddStandbyAsync()
    {
        _places[1 - _primary] = await Primary.AddStandbyAsync(synchronous: true);
        Point();
    }

    private void Point()
    {
        foreach (var (relay, place) in _relays) relay.Target = AddressOf(place);
    }

    // Nobody listens on port 1: a place without a server refuses.
    private IPEndPoint AddressOf(int place) => new(IPAddress.Loopback, _places[place]?.Port ?? 1);
}
