using MeshDns.Contracts.Vips;
using MeshDns.Host.Upstream.Flights;
using MeshDns.Host.Upstream.Replies;
using MeshDns.Host.Upstream.Servers;

namespace MeshDns.Host.Tests.Upstream;

/// <summary>What the lives of <see cref="FlightProperties"/> once stumbled over.</summary>
public sealed class FlightTests
{
    private const int Good = 0;
    private const int FormErr = 4;
    private const int Truncated = 6;

    // What asks again then would have no timer, and its server's place would never be free.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_refusal_of_edns_that_comes_by_tcp_when_that_was_given_up_is_the_end(bool isAbandoned)
    {
        var flight = new Flight(new AnswerFilter(VipRange.Default), timeoutMs: 4000);
        flight.Begin(FlightReplies.Question, null, deadlineMs: 4000);
        flight.Start([new ServerHealth(), new ServerHealth()], count: 2, probes: 2, rounds: 1, patienceMs: null, nowMs: 0);
        flight.OnSent(0, 7); // The probe.
        flight.OnSent(1, 8);
        flight.OnReply(0, FlightReplies.Datagram(Truncated, 7, edns: true), isCut: false, latencyMs: 1, nowMs: 1);
        if (isAbandoned)
        {
            flight.Fail(ForwardFailure.Overload);
            flight.Abandon();
        }
        else
        {
            flight.OnDue(1000);
        }
        flight.OnTcp(0, FlightReplies.OfTcp(FormErr), 1001);
        Assert.Equal([FlightOutputKind.Send, FlightOutputKind.SendOverTcp, FlightOutputKind.CancelTcp, FlightOutputKind.End], Outputs(flight).Where(each => each.Attempt == 0 && each.Kind != FlightOutputKind.Complete).Select(each => each.Kind));
    }

    [Fact]
    public void A_probe_that_is_answered_brings_nothing_to_those_who_wait()
    {
        var flight = new Flight(new AnswerFilter(VipRange.Default), timeoutMs: 4000);
        flight.Begin(FlightReplies.Question, null, deadlineMs: 4000);
        flight.Start([new ServerHealth(), new ServerHealth()], count: 2, probes: 2, rounds: 1, patienceMs: null, nowMs: 0);
        flight.OnSent(0, 7); // The probe.
        flight.OnSent(1, 8);
        flight.OnReply(0, FlightReplies.Datagram(Good, 7, edns: true), isCut: false, latencyMs: 1, nowMs: 1);
        Assert.False(flight.IsOver);
        flight.OnReply(1, FlightReplies.Datagram(Good, 8, edns: true), isCut: false, latencyMs: 1, nowMs: 2);
        Assert.NotNull(flight.Outcome.Answer);
    }

    private static IEnumerable<FlightOutput> Outputs(Flight flight)
    {
        while (flight.TryTakeOutput(out FlightOutput output))
            yield return output;
    }
}
