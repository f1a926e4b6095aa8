using MeshDns.Actors.Log;
using MeshDns.Actors.Vips;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Services;

namespace MeshDns.Actors.Changes;

/// <summary>Decides a change of what all nodes share: whole or not at all, and never so that a promise would not hold. Pure.</summary>
internal static class SettingsDecision
{
    private const int MostZones = 1024;
    private static readonly TimeSpan _leastQuarantine = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _mostTtl = TimeSpan.FromDays(1);

    /// <summary>Decides.</summary>
    /// <param name="fold">The cluster's fold.</param>
    /// <param name="state">What it is decided on.</param>
    /// <param name="change">What is asked.</param>
    /// <param name="at">Now, by the journal's clock.</param>
    public static DecidedChange Decide(MeshFold fold, MeshState state, SettingsChange change, long at)
    {
        if (state.Shared is not { } shared || state.SettingsView is not { } view) return Refused(RefusalReason.Invalid, "the log has no settings yet");
        if (change.IfMatch is { } wanted && wanted != shared.Tag) return Refused(RefusalReason.VersionMismatch, $"the settings are at \"{shared.Tag}\", not \"{wanted}\"");
        var domain = change.ClusterDomain ?? shared.ClusterDomain;
        var asked = new SharedSettings(change.QuarantineMs ?? shared.QuarantineMs, change.LargestTtlMs ?? shared.LargestTtlMs, change.Zones ?? shared.Zones, domain);
        if ((WhyNot(asked) ?? WhyNotDomain(state, shared, domain)) is { } why) return Refused(RefusalReason.Invalid, why);
        var after = asked with { Zones = SettingsFacts.Zones(asked.Zones, domain, fold.Range) };
        var facts = SettingsFacts.Between(state.Ledger, shared, after, at);
        var next = fold.Fold(state, facts);
        return new(next, facts, new ChangeReply { Outcome = ChangeOutcome.Applied, Settings = view with { Shared = after }, Warnings = Warnings(state.Ledger, next.Ledger) });

        DecidedChange Refused(RefusalReason reason, string detail) => new(state, [], ChangeReply.Refused(reason, detail));
    }

    /// <summary>What a node alone writes of its own configuration: all of it, but no other cluster domain while names of Services carry the one that the log has.</summary>
    public static SharedSettings OwnOf(MeshState state, SharedSettings shared, SharedSettings own) =>
        WhyNotDomain(state, shared, own.ClusterDomain) is null ? own : own with { ClusterDomain = shared.ClusterDomain };

    private static string? WhyNot(SharedSettings asked)
    {
        var (quarantine, ttl) = (asked.QuarantineMs, asked.LargestTtlMs);
        if (quarantine < _leastQuarantine.TotalMilliseconds || quarantine > RestingVip.Longest.TotalMilliseconds) return $"vips.quarantine must be from 1 second to 365 days; got {quarantine} ms";
        if (ttl < 1000 || ttl > _mostTtl.TotalMilliseconds || ttl % 1000 != 0) return $"dns.ttl must be from 1 second to 1 day in whole seconds; got {ttl} ms";
        if (quarantine < 4 * ttl) return $"vips.quarantine must be at least 4 x dns.ttl, {4 * ttl} ms; got {quarantine} ms: a client may keep a VIP for a TTL after an edge that was cut off has given it out";
        if (asked.Zones.Count > MostZones) return $"mesh.zones has at most {MostZones} zones; got {asked.Zones.Count}";
        foreach (var zone in asked.Zones.Append(asked.ClusterDomain))
            if (!HostName.TryParse(zone, out var name, out _) || name.IsWildcard || name.Text != zone) return $"'{zone}' is not a domain name in its canonical form";
        return null;
    }

    private static string? WhyNotDomain(MeshState state, SharedSettings shared, string domain)
    {
        if (domain == shared.ClusterDomain) return null;
        for (var bucket = 0; bucket < state.Tables.Count; bucket++)
            if (state.Tables[bucket].Documents.Keys.FirstOrDefault(k => SpecKinds.Of(k.Kind).IsInClusterDomain) is { Name.Length: > 0 } key)
                return $"mesh.cluster-domain cannot change while {key.Kind}s are declared, since their names carry it: {key} is one";
        return null;
    }

    private static string[]? Warnings(VipLedger before, VipLedger after) => after.QuarantineMs < before.QuarantineMs && after.RestFloor > 0
        ? [$"what is released before {DateTimeOffset.FromUnixTimeMilliseconds(Math.Min(after.RestFloor, DateTimeOffset.MaxValue.ToUnixTimeMilliseconds())):u} rests at least until then: a node that was cut off before this change may answer so long out of what it knows"]
        : null;
}
