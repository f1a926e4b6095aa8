using MeshDns.Chaos.Run.Cluster;
using MeshDns.Chaos.Run.Database;
using MeshDns.Chaos.Run.Links;
using Npgsql;

namespace MeshDns.Chaos.Database;

/// <summary>The database of the chaos run itself: what a promotion keeps and what it loses, through relays whose addresses stay.</summary>
public sealed class PostgresStoreTests
{
    [Fact]
    public async Task A_synchronous_standby_has_everything_and_a_lagging_one_has_not()
    {
        await using var store = await PostgresStore.StartAsync(mayLose: true);
        var network = new Network();
        var address = new NodeAddress(1, 1, 1, 1);
        var connection = store.SettingsOf(address, network).Single(s => s.StartsWith("journal.connection-string=", StringComparison.Ordinal))["journal.connection-string=".Length..];
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

    private static async Task<object?> ExecuteAsync(string connectionString, string sql)
    {
        await using var source = new NpgsqlDataSourceBuilder(connectionString + ";Pooling=false;Timeout=10").BuildMultiHost();
        await using var connection = await source.OpenConnectionAsync(TargetSessionAttributes.Primary);
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync();
    }
}
