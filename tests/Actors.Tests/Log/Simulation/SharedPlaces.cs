using MeshDns.Actors.Log;
using MeshDns.Contracts.Messages;

namespace MeshDns.Actors.Tests.Log.Simulation;

/// <summary>Which settings whoever reads the log had at which place of it; held to the log folded anew at the end. A place of a past that was lost is nobody's.</summary>
internal sealed class SharedPlaces
{
    private readonly Dictionary<string, (LogPosition Place, SharedSettings? Shared)> _last = [];
    private readonly Dictionary<LogPosition, List<(string Who, SharedSettings? Shared)>> _seen = [];

    /// <summary>Notes what somebody has; the same again is not noted.</summary>
    public void Note(string who, LogPosition place, SharedSettings? shared)
    {
        if (place == LogPosition.Start || (_last.TryGetValue(who, out var last) && last.Place == place && ReferenceEquals(last.Shared, shared))) return;
        _last[who] = (place, shared);
        if (!_seen.TryGetValue(place, out var there)) _seen[place] = there = [];
        there.Add((who, shared));
    }

    /// <summary>Whoever had other settings at a place than the log gives there.</summary>
    public IEnumerable<string> Differences(MeshState state)
    {
        if (!_seen.TryGetValue(state.Position, out var there)) yield break;
        var wanted = Text(state.Shared);
        foreach (var (who, shared) in there)
            if (Text(shared) is var found && found != wanted) yield return $"{who} had at {state.Position} the settings {found}, the log gives {wanted}";
    }

    private static string Text(SharedSettings? shared) => shared is null ? "none" : $"[{shared.QuarantineMs} {shared.LargestTtlMs} {shared.ClusterDomain} {string.Join(' ', shared.Zones)}]";
}
