using MeshDns.Contracts.Dns;
using MeshDns.Contracts.Names;
using MeshDns.Host.Resolve;
using MeshDns.Host.Settings;
using MeshDns.Host.Upstream;
using MeshDns.Tests.Shared;
using Microsoft.Extensions.Logging;

namespace MeshDns.Host.Tests.Upstream;

/// <summary>A bug costs its own query, and nobody waits for ever.</summary>
public sealed class FaultTests
{
    [Fact]
    public async Task A_flight_that_fails_by_a_fault_lands_and_the_next_query_is_asked_anew()
    {
        using var upstream = new FakeUpstream(query => query.Answer(FakeRecord.A("x.example.", 60, "192.0.2.1")));
        // No ranges: the filter faults at the first address. The log faults too, so that the handler of the fault does not get to its end.
        var settings = new UpstreamSettings([upstream.Address], [], TimeSpan.FromSeconds(4), 1 << 20);
        using var forwarder = new UpstreamForwarder(new UpstreamOptions(settings, [], null!, "/nonexistent/resolv.conf"), null, new ManualTimeProvider(), new BrokenLog());
        for (int asked = 1; asked <= 2; asked++)
        {
            var reply = new byte[DnsLimits.MaxUdpSize];
            int length = await forwarder.ForwardAsync(new Ask("x.example.").ToPacket(), Finding.Forward, ClientView.Default, default, reply, reply.Length, CancellationToken.None).AsTask().WaitAsync(TimeSpan.FromSeconds(20));
            Assert.Equal(Rcode.ServFail, Reply.Read(reply.AsSpan(0, length)).Rcode);
            Assert.Equal(asked, upstream.Queries.Count);
        }
    }

    private sealed class BrokenLog : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            throw new InvalidOperationException("the log is broken");
    }
}
