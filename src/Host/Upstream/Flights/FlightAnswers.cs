using MeshDns.Host.Upstream.Cache;
using MeshDns.Host.Upstream.Replies;

namespace MeshDns.Host.Upstream.Flights;

/// <summary>Makes of what came of a flight what those who waited for it get, and keeps it for the next. For the loop's thread.</summary>
internal sealed class FlightAnswers(ForwarderServices services)
{
    /// <summary>What is served. What is our own doing is not kept; see <see cref="ForwardFailure"/>.</summary>
    public ServedAnswer Of(FlightRunner flight)
    {
        (CachedAnswer? answer, ForwardFailure? failure) = flight.Flight.Outcome;
        if (answer is not null)
            return Kept(flight, answer);
        if (failure is not { } reason)
            return Fault(flight);
        if (reason.IsLocal)
        {
            services.Counters.Overloads.Add();
            return flight.Flight.Waiters.Stale is { } stale ? new ServedAnswer(stale, IsStale: true) : Uncached(flight, reason);
        }
        services.Counters.Failures.Add();
        return Kept(flight, FailureAnswers.Cached(flight.Flight.Question, reason, services.Cache.Find(flight.Key, out _), services.Loop.NowMs));
    }

    /// <summary>What is served when not even that could be made.</summary>
    public ServedAnswer Fault(FlightRunner flight) => Uncached(flight, FlightOutcome.Fault);

    private ServedAnswer Kept(FlightRunner flight, CachedAnswer answer)
    {
        CachedAnswer kept = services.Cache.Store(flight.Key, answer);
        return new ServedAnswer(kept, IsStale: kept != answer);
    }

    private ServedAnswer Uncached(FlightRunner flight, in ForwardFailure failure) =>
        new(FailureAnswers.Uncached(flight.Flight.Question, failure, services.Loop.NowMs), IsStale: false);
}
