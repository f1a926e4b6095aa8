using FsCheck;
using FsCheck.Fluent;

namespace MeshDns.Host.Tests.Upstream;

/// <summary>What may happen to a flight.</summary>
public enum FlightEvent
{
    Join,
    Leave,
    Forward,
    Reply,
    FalseReply,
    Unreachable,
    Tcp,
    Fail,
    Abandon,
}

/// <summary>One event.</summary>
/// <param name="Event">Which.</param>
/// <param name="Which">Of those that it can happen to, or how long it takes.</param>
/// <param name="How">In which of its ways.</param>
/// <param name="Fates">What becomes of the queries that are sent for it, one after the other: most are sent.</param>
public sealed record FlightStep(FlightEvent Event, int Which, int How, IReadOnlyList<int> Fates)
{
    /// <summary>A datagram that is not the reply: another id, another question, or no reply at all.</summary>
    public bool IsLie => Event == FlightEvent.Reply && How >= FlightReplies.FirstLie;
}

/// <summary>A flight's life.</summary>
/// <param name="Servers">How many there are.</param>
/// <param name="Rounds">How often each is asked; 0: while there is time.</param>
/// <param name="Probes">Which are asked to see whether they are back.</param>
/// <param name="HasStale">There is a stale answer.</param>
/// <param name="HasBudget">Hedges are granted.</param>
/// <param name="Steps">What happens.</param>
public sealed record FlightLife(int Servers, int Rounds, int Probes, bool HasStale, bool HasBudget, IReadOnlyList<FlightStep> Steps)
{
    public static Arbitrary<FlightLife> Any { get; } = Arb.From(
        from servers in Gen.Elements(1, 1, 2, 3, 8, 32)
        from rounds in Gen.Elements(0, 0, 1, 2, 5)
        from probes in Gen.Elements(0, 0, 2, int.MaxValue)
        from hasStale in Gen.Elements(true, false)
        from hasBudget in Gen.Elements(true, false)
        from length in Gen.Choose(1, 60)
        from steps in Gen.ListOf(Step, length)
        select new FlightLife(servers, rounds, probes, hasStale, hasBudget, [.. steps]), Shrink);

    public override string ToString() =>
        $"{Servers} servers, {Rounds} rounds, probes {Probes:x}{(HasStale ? ", stale" : "")}{(HasBudget ? ", budget" : "")}: {string.Join(", ", Steps.Select(each => $"{each.Event} {each.Which} {each.How} [{string.Join(' ', each.Fates)}]"))}";

    private static Gen<FlightStep> Step =>
        from what in Gen.Frequency(
            (4, Gen.Constant(FlightEvent.Join)), (1, Gen.Constant(FlightEvent.Leave)), (10, Gen.Constant(FlightEvent.Forward)), (8, Gen.Constant(FlightEvent.Reply)),
            (4, Gen.Constant(FlightEvent.FalseReply)), (2, Gen.Constant(FlightEvent.Unreachable)), (4, Gen.Constant(FlightEvent.Tcp)), (1, Gen.Constant(FlightEvent.Fail)), (1, Gen.Constant(FlightEvent.Abandon)))
        from which in Gen.Choose(0, 700)
        from how in Gen.Choose(0, FlightReplies.Count - 1)
        from fates in Gen.ListOf(Gen.Elements(0, 0, 0, 0, 0, 1, 2, 3), 4)
        select new FlightStep(what, which, how, [.. fates]);

    private static IEnumerable<FlightLife> Shrink(FlightLife life)
    {
        for (int size = life.Steps.Count / 2; size >= 1; size /= 2)
            for (int start = 0; start + size <= life.Steps.Count; start += size)
                yield return life with { Steps = [.. life.Steps.Take(start), .. life.Steps.Skip(start + size)] };
        if (life.Servers > 1)
            yield return life with { Servers = life.Servers / 2 };
    }
}
