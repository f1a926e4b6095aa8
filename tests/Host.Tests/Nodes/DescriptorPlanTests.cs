using MeshDns.Host.Edge;
using MeshDns.Host.Net;
using MeshDns.Host.Nodes;
using MeshDns.Host.Tests.Settings;

namespace MeshDns.Host.Tests.Nodes;

public sealed class DescriptorPlanTests
{
    [Theory, InlineData(null), InlineData(20_000L), InlineData(1_048_576L), InlineData(long.MaxValue)]
    public void With_enough_nothing_is_bounded_by_it(long? limit)
    {
        var plan = DescriptorPlan.Of(limit, Load.Set(), out var problem)!;
        Assert.Equal((16_384, 128, 1024, 4096, "", ""), (plan.Tcp, plan.TcpPerClient, plan.Api, plan.Cluster, plan.Warning, problem));
    }

    [Theory, InlineData(), InlineData("cluster.listen=127.0.0.1:1", "cluster.secret=0123456789abcdef", "journal.store=postgres", "journal.connection-string=Host=db")]
    public void With_less_the_clients_share_what_the_node_leaves_and_that_is_said(params string[] more)
    {
        var settings = Load.Set(more);
        for (var limit = 1; limit < 19_000; limit++)
        {
            if (DescriptorPlan.Of(limit, settings, out var problem) is not { } plan)
            {
                Assert.InRange(limit, 1, 1024);
                Assert.Contains($"RLIMIT_NOFILE) is {limit}, and this node needs at least", problem, StringComparison.Ordinal);
                continue;
            }
            Assert.Equal("", problem);
            if (plan.Warning.Length == 0)
            {
                Assert.Equal(new EdgeOptions().MaxTcpConnections, plan.Tcp);
                continue;
            }
            Assert.Contains($"at most {plan.Tcp} DNS connections over TCP are taken ({plan.TcpPerClient} from one address)", plan.Warning, StringComparison.Ordinal);
            Assert.InRange(plan.Tcp + plan.Api + plan.Cluster, 1, limit - DescriptorPlan.Own);
            Assert.InRange(plan.Tcp, DescriptorPlan.LeastForClients, 16_384);
            Assert.InRange(plan.Api, DescriptorPlan.LeastForClients, 1024);
            Assert.InRange(plan.TcpPerClient, 1, plan.Tcp / 2);
        }
    }

    [Fact]
    public void The_systems_limit_can_be_read() => Assert.InRange(DescriptorLimit.Read()!.Value, 64, long.MaxValue);
}
