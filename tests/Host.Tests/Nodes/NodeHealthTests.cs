using MeshDns.Actors.Directory;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Vips;
using MeshDns.Host.Nodes;
using MeshDns.Host.Telemetry;
using MeshDns.Tests.Shared;
using Microsoft.Extensions.Logging.Abstractions;

namespace MeshDns.Host.Tests.Nodes;

/// <summary>When a node calls itself ready.</summary>
public sealed class NodeHealthTests
{
    private readonly ManualTimeProvider _time = new();

    [Fact]
    public void A_saved_directory_alone_makes_no_node_ready_while_the_start_goes_on()
    {
        var health = new NodeHealth(LoadedDirectory(), new LoopWatch(_time), _time, NullLogger.Instance);
        Assert.Equal(["the node is starting"], health.NotReady);
        health.Started();
        Assert.Empty(health.NotReady);
        health.Stopping();
        Assert.Equal(["the node is stopping"], health.NotReady);
    }

    [Fact]
    public void A_start_that_hangs_keeps_queries_out_for_a_bounded_time()
    {
        var health = new NodeHealth(LoadedDirectory(), new LoopWatch(_time), _time, NullLogger.Instance);
        _time.Advance(NodeHealth.LongestStart - TimeSpan.FromTicks(1));
        Assert.NotEmpty(health.NotReady);
        _time.Advance(TimeSpan.FromTicks(1));
        Assert.Empty(health.NotReady);
    }

    [Fact]
    public void Without_a_directory_no_node_is_ready()
    {
        var health = new NodeHealth(NewDirectory(), new LoopWatch(_time), _time, NullLogger.Instance);
        health.Started();
        Assert.Equal(["the directory has not been loaded yet"], health.NotReady);
    }

    private MeshDirectory NewDirectory() => new(VipRange.Default, new MeshZones([HostName.Parse("cluster.local")]), DirectoryFacts.ShardCount, _time, violation => Assert.Fail(violation));

    private MeshDirectory LoadedDirectory()
    {
        var directory = NewDirectory();
        directory.Apply(DirectoryFacts.Batch(0, DirectoryFacts.Declare("a.example.com", ["192.0.2.1"])));
        return directory;
    }
}
