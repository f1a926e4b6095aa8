using System.Net;
using FsCheck;
using FsCheck.Fluent;
using MeshDns.Contracts.Dns;
using MeshDns.Host.Settings;
using MeshDns.Host.Upstream;
using MeshDns.Host.Upstream.Servers;
using MeshDns.Tests.Shared;
using Microsoft.Extensions.Logging.Abstractions;

namespace MeshDns.Host.Tests.Upstream;

public sealed class ResolvConfTests
{
    [Fact]
    public void Everything_that_matters_is_read_and_the_rest_ignored()
    {
        ResolvConf conf = ResolvConf.Parse("""
            # made by hand
            ; also a comment
            domain old.example
            nameserver 192.0.2.53   # the first
            nameserver	2001:db8::53
            nameserver 192.0.2.53
            nameserver nonsense
            search corp.example lab.example
            options ndots:5 timeout:3 attempts:4 rotate edns0 ndots:x
            sortlist 10.0.0.0
            nameserver
            """);
        Assert.Equal([new(IPAddress.Parse("192.0.2.53"), 53), new(IPAddress.Parse("2001:db8::53"), 53)], conf.Servers);
        Assert.Equal(["corp.example", "lab.example"], conf.Search);
        Assert.Equal((5, TimeSpan.FromSeconds(3), 4, true), (conf.Ndots, conf.Timeout!.Value, conf.Attempts!.Value, conf.Rotate));
    }

    [Fact]
    public void Options_are_bounded_as_in_the_c_library()
    {
        ResolvConf conf = ResolvConf.Parse("options ndots:99 timeout:99 attempts:99\n" + string.Concat(Enumerable.Range(1, 99).Select(i => $"nameserver 192.0.2.{i}\n")));
        Assert.Equal((15, TimeSpan.FromSeconds(30), 5, 32), (conf.Ndots, conf.Timeout!.Value, conf.Attempts!.Value, conf.Servers.Count));
    }

    [Fact]
    public void Any_text_is_read() =>
        Prop.ForAll<string>(text => ResolvConf.Parse("nameserver " + text).Servers.Count <= 32).QuickCheckThrowOnFailure();

    [Fact]
    public async Task Without_a_server_the_reply_says_so_and_a_changed_file_is_read_again()
    {
        string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        var settings = new UpstreamSettings([], [], TimeSpan.FromSeconds(4), 1 << 20);
        using var bench = new Bench(settings, resolvConf: path);
        Reply reply = await bench.AskAsync("x.example.");
        Assert.Equal((Rcode.ServFail, EdeCode.NoReachableAuthority), (reply.Rcode, reply.Error!.Value));
        Assert.Equal(1, bench.Counts.NoServers);
        try
        {
            await File.WriteAllTextAsync(path, "nameserver 192.0.2.53\n");
            Assert.Empty(bench.Counts.Servers);
            bench.Clock.Advance(ResolvConfWatcher.Interval);
            Assert.Equal("192.0.2.53:53", Assert.Single(bench.Counts.Servers).Address.ToString());
            await File.WriteAllTextAsync(path, "nameserver ::ffff:192.0.2.54\n");
            bench.Clock.Advance(ResolvConfWatcher.Interval);
            await bench.TurnedAsync();
            Assert.Equal("192.0.2.54:53", Assert.Single(bench.Counts.Servers).Address.ToString());
            File.Delete(path); // Gone for a moment, as when it is replaced: what was known stays.
            bench.Clock.Advance(ResolvConfWatcher.Interval);
            Assert.Single(bench.Counts.Servers);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void Timeout_attempts_and_rotate_decide_how_the_servers_are_asked()
    {
        var clock = new UpstreamClock(new ManualTimeProvider());
        using var loop = new UpstreamLoop(clock, new UpstreamCounters(), NullLogger.Instance, SystemWire.Open());
        var servers = new ServerDirectory(new UpstreamSettings([], [], TimeSpan.FromSeconds(4), 1 << 20), [], loop, clock, new UpstreamCounters(), NullLogger.Instance);
        servers.Use(ResolvConf.Parse("nameserver 192.0.2.1\nnameserver 192.0.2.2\noptions timeout:2 attempts:3 rotate"));
        ServerSet set = servers.For(servers.Routes.Others);
        Assert.Equal((3, TimeSpan.FromSeconds(2)), (set.Rounds!.Value, set.Patience!.Value));
        var turns = new ServerTurns();
        turns.Begin(set.Links.Count, set.Rounds);
        int taken = 0;
        for (; turns.Peek() != ServerTurns.Nobody; taken++)
            turns.Take();
        Assert.Equal(3 * 2, taken);
        var (first, second) = (new ServerLink[2], new ServerLink[2]);
        Assert.Equal((2, 2), (set.Order(first), set.Order(second)));
        Assert.Equal(first.Reverse(), second);
    }

    [Fact]
    public void A_fault_does_not_reach_the_timer_and_the_file_is_read_again()
    {
        string path = Path.GetTempFileName();
        try
        {
            var clock = new ManualTimeProvider();
            var faults = new List<Exception>();
            int reports = 0;
            using var watcher = new ResolvConfWatcher(path, clock, _ => { if (reports++ == 1) throw new InvalidOperationException("a bug"); }, faults.Add);
            File.WriteAllText(path, "nameserver 192.0.2.53");
            clock.Advance(ResolvConfWatcher.Interval);
            Assert.IsType<InvalidOperationException>(Assert.Single(faults));
            clock.Advance(ResolvConfWatcher.Interval);
            Assert.Equal(3, reports);
        }
        finally
        {
            File.Delete(path);
        }
    }
}
