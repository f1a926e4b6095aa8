using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Services;
using MeshDns.Tests.Shared;
using Microsoft.Extensions.Logging;

namespace MeshDns.Host.Tests.Admin;

/// <summary>A pool that fills up is in the log too, since a caller may drop the reply's warnings.</summary>
public sealed class PoolWarningTests
{
    private const string Full = VipWarning.PoolPrefix + "81 % used";

    [Fact]
    public async Task The_pools_warning_is_logged_at_most_once_a_minute()
    {
        var time = new ManualTimeProvider();
        var log = new ListLogger();
        await using var api = await AdminFixture.StartAsync(time: time, log: log);
        api.Mesh.OnChange = request => Task.FromResult<ChangeReply?>(new ChangeReply
        {
            Outcome = ChangeOutcome.Applied,
            Results = [new DocumentResult { Key = new DocumentKey(DocumentKind.ServiceEntry, "default", "e"), Action = DocumentAction.Created, Warnings = ["a port conflicts", Full] }],
        });
        await api.ApplyAsync(AdminFixture.Entry("e", "e.example.com"), "?dryRun=true");
        Assert.Empty(log.Of(LogLevel.Warning));
        for (var i = 0; i < 3; i++) Assert.Equal(200, (await api.ApplyAsync(AdminFixture.Entry("e", "e.example.com"))).Status);
        Assert.Equal(Full, Assert.Single(log.Of(LogLevel.Warning)));
        time.Advance(TimeSpan.FromSeconds(61));
        await api.ApplyAsync(AdminFixture.Entry("e", "e.example.com"));
        Assert.Equal([Full, Full], log.Of(LogLevel.Warning));
    }
}
