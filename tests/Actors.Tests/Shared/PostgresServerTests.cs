using MeshDns.Tests.Shared;

namespace MeshDns.Actors.Tests.Shared;

/// <summary>The server that the other tests stand on does what they ask of it.</summary>
public sealed class PostgresServerTests
{
    [Fact]
    public async Task It_restarts_after_a_kill_and_a_stop_with_its_content()
    {
        await using var server = await PostgresServer.StartAsync("fsync=on");
        await server.ExecuteAsync("CREATE TABLE t (n int)");
        await server.ExecuteAsync("INSERT INTO t VALUES (7)");
        await server.KillAsync();
        await server.RestartAsync();
        Assert.Equal(7, await server.ExecuteAsync("SELECT n FROM t"));
        await server.RestartAsync();
        Assert.Equal(7, await server.ExecuteAsync("SELECT n FROM t"));
    }

    [Fact]
    public async Task A_synchronous_standby_has_every_commit_when_it_is_promoted()
    {
        await using var server = await PostgresServer.StartAsync();
        await using var standby = await server.AddStandbyAsync(synchronous: true);
        await server.ExecuteAsync("CREATE TABLE t (n int)");
        await server.ExecuteAsync("INSERT INTO t VALUES (7)");
        await server.KillAsync();
        await standby.PromoteAsync();
        Assert.Equal(7, await standby.ExecuteAsync("SELECT n FROM t"));
        await standby.ExecuteAsync("INSERT INTO t VALUES (8)");
    }

    [Fact]
    public async Task A_paused_server_does_not_answer_until_it_is_resumed()
    {
        await using var server = await PostgresServer.StartAsync();
        await server.PauseAsync();
        var answer = server.ExecuteAsync("SELECT 1");
        Assert.NotSame(answer, await Task.WhenAny(answer, Task.Delay(200)));
        await server.ResumeAsync();
        Assert.Equal(1, await answer);
    }
}
