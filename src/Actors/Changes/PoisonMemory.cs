using System.Collections.Immutable;

namespace MeshDns.Actors.Changes;

/// <summary>
/// Changes whose append failed, so that one that can never be appended does not stop all others. It lives in the process, over incarnations. A failure counts
/// only when the change was alone and the next incarnation could write its start: an outage of the database bans nobody.
/// </summary>
internal sealed class PoisonMemory
{
    private const int Most = 1000;

    private readonly ImmutableDictionary<string, Suspect> _suspects;

    private PoisonMemory(ImmutableDictionary<string, Suspect> suspects) => _suspects = suspects;

    public static PoisonMemory Empty { get; } = new(ImmutableDictionary<string, Suspect>.Empty);

    /// <summary>A change goes alone when it was in an append that failed.</summary>
    public bool GoesAlone(string mark) => _suspects.ContainsKey(mark);

    /// <summary>True when it failed alone twice, each time between two starts that were written.</summary>
    public bool IsPoisonous(string mark) => _suspects.TryGetValue(mark, out var suspect) && suspect.Failures >= 2;

    /// <summary>An append failed with these changes in it.</summary>
    public PoisonMemory Failed(IReadOnlyCollection<string> marks)
    {
        var suspects = _suspects;
        foreach (var mark in marks)
        {
            var known = suspects.GetValueOrDefault(mark) ?? new Suspect(0, false);
            if (suspects.Count < Most || suspects.ContainsKey(mark)) suspects = suspects.SetItem(mark, known with { IsPending = marks.Count == 1 });
        }
        return new PoisonMemory(suspects);
    }

    /// <summary>An incarnation could not write its start: the failure before it was the journal's.</summary>
    public PoisonMemory Outage() => new(_suspects.ToImmutableDictionary(s => s.Key, s => s.Value with { IsPending = false }));

    /// <summary>An incarnation's start was written: the failure before it was no outage.</summary>
    public PoisonMemory Started() =>
        new(_suspects.ToImmutableDictionary(s => s.Key, s => s.Value.IsPending ? new Suspect(s.Value.Failures + 1, false) : s.Value));

    /// <summary>A change was appended after all, or refused for good.</summary>
    public PoisonMemory Cleared(string mark) => _suspects.ContainsKey(mark) ? new PoisonMemory(_suspects.Remove(mark)) : this;

    private sealed record Suspect(int Failures, bool IsPending);
}
