using System.Net;
using System.Net.Sockets;
using MeshDns.Chaos.Run.Database;
using MeshDns.Chaos.Run.Links;
using Npgsql;

namespace MeshDns.Chaos.Database;

/// <summary>The database of the chaos run itself: what a promotion keeps and what it loses, through relays whose addresses stay.</summary>
public sealed class PostgresStoreTests
{
    private const string Setting = "journal.connection-string=";

    [Fact]
    public async Task A_synchronous_standby_has_everything_and_a_lagging_one_has_not()
    {
        await using var store = await PostgresStore.StartAsync(mayLose: true);
        var connection = store.NodeSettings.Single(s => s.StartsWith(Setting, StringComparison.Ordinal))[Setting.Length..];
        var (first, second) = (Before(store, "100.127.255.1:5432", ref connection), Before(store, "100.127.255.2:5432", ref connection));
        await using var one = first;
        await using var other = second;
        await ExecuteAsync(connection, "CREATE TABLE kept(id int)");
        await ExecuteAsync(connection, "INSERT INTO kept VALUES (1)");
        await store.KillPrimaryAsync();
        await store.RestartAsync();
        await ExecuteAsync(connection, "INSERT INTO kept VALUES (2)");
        await store.KillPrimaryAsync();
        await store.PromoteAsync();
        Assert.Equal(2L, await ExecuteAsync(connection, "SELECT count(*) FROM kept"));
        await store.LetStandbyLagAsync();
        await ExecuteAsync(connection, "INSERT INTO kept VALUES (3)");
        await store.KillPrimaryAsync();
        await store.PromoteAsync();
        Assert.Equal(2L, await ExecuteAsync(connection, "SELECT count(*) FROM kept"));
        await ExecuteAsync(connection, "INSERT INTO kept VALUES (4)");
    }

    // Stands in for the router, so that this needs no namespace: the place gets an address here.
    private static Relay Before(PostgresStore store, string place, ref string connection)
    {
        var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        Assert.Contains(place, connection, StringComparison.Ordinal);
        connection = connection.Replace(place, $"{listener.LocalEndPoint}", StringComparison.Ordinal);
        return new Relay(listener, (_, _) => new Route(new Network().Between("node-1", Network.Database), Namespace.Own.OpenTcp, store.ServerAt("node-1", IPEndPoint.Parse(place))!));
    }

    private static async Task<object?> ExecuteAsync(string connectionString, string sql)
    {
        await using var source = new NpgsqlDataSourceBuilder(connectionString + ";Pooling=false;Timeout=10").BuildMultiHost();
        await using var connection = await source.OpenConnectionAsync(TargetSessionAttributes.Primary);
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync();
    }
}
