using MeshDns.Contracts.Messages;

namespace MeshDns.Tests.Shared.Judge;

/// <summary>
/// Promises 3, 4 and 7 for what all nodes share: every step of the log's settings is one change that somebody asked for, on the settings that it was asked for, once, in the order in which clients saw it; what was refused or was
/// a dry run left no trace; and no step allows a TTL for which the quarantine is too short.
/// </summary>
internal sealed class SettingsCheck(History history, JournalFacts journal, FaultTimes faults)
{
    private readonly List<Breach> _breaches = [];

    private IEnumerable<SharedSettings> States => journal.Settings.Steps.Select(s => s.After);

    public static IEnumerable<Breach> Run(History history, JournalFacts journal, FaultTimes faults)
    {
        var check = new SettingsCheck(history, journal, faults);
        check.CheckSteps();
        var last = 0L;
        foreach (var record in history.Settings) last = check.CheckRecord(record, last);
        return check._breaches;
    }

    /// <summary>What a change makes of settings; null when it has to be refused.</summary>
    public static SharedSettings? After(SharedSettings before, SettingsChange change)
    {
        if (change.IfMatch is { } wanted && wanted != before.Tag) return null;
        var domain = change.ClusterDomain ?? before.ClusterDomain;
        var zones = (change.Zones ?? before.Zones).Where(z => z != domain).Distinct().Order(StringComparer.Ordinal).ToArray();
        var after = new SharedSettings(change.QuarantineMs ?? before.QuarantineMs, change.LargestTtlMs ?? before.LargestTtlMs, zones, domain);
        return after.QuarantineMs >= 1000 && IsSafe(after) && after.LargestTtlMs >= 1000 && after.LargestTtlMs % 1000 == 0 && !zones.Any(z => z.Any(char.IsUpper)) ? after : null;
    }

    private static bool IsSafe(SharedSettings settings) => settings.QuarantineMs >= 4 * settings.LargestTtlMs;

    private void CheckSteps()
    {
        foreach (var (number, before, after) in journal.Settings.Steps)
        {
            if (!IsSafe(after)) Breach(4, $"the log allows at {number} a TTL of {after.LargestTtlMs} ms with a quarantine of {after.QuarantineMs} ms");
            if (before is not null && !history.Settings.Any(r => IsStepOf(r, before, after))) Breach(7, $"the log changes {Text(before)} to {Text(after)} at {number}, which nobody asked for");
        }
    }

    private long CheckRecord(SettingsRecord record, long last)
    {
        var what = $"{record.Id} ({record.Outcome}{(record.DryRun ? ", a dry run" : "")})";
        var steps = journal.Settings.Steps.Where(s => s.Before is { } before && IsStepOf(record, before, s.After)).ToArray();
        if (steps.Length > 1) Breach(7, $"{what} was done {steps.Length} times", record.CompletedAt);
        if (record.Outcome is CommandOutcome.Refused or CommandOutcome.Unavailable && steps.Length > 0) Breach(7, $"{what} is in the log at {steps[0].Number}", record.CompletedAt);
        if (!faults.IsCertain(record.InvokedAt, record.CompletedAt)) return last;
        if (record is { Outcome: CommandOutcome.Refused, Reason: RefusalReason.Invalid or RefusalReason.VersionMismatch } && States.All(s => After(s, record.Change) is not null))
            Breach(5, $"{what} was refused as {record.Reason}, though it could always be done", record.CompletedAt);
        if (record.Outcome != CommandOutcome.Applied) return last;
        CheckTold(record, what, steps);
        if (steps is not [var step, ..]) return last;
        if (step.Number < last) Breach(3, $"{what} is in the log at {step.Number}, before one at {last} that had been acknowledged when it was asked", record.CompletedAt);
        return Math.Max(last, step.Number);
    }

    // What changes nothing writes nothing: then the settings that it was told were there already.
    private void CheckTold(SettingsRecord record, string what, SettingsStep[] steps)
    {
        if (record.Told is not { } told) Breach(3, $"{what} was not told which settings hold", record.CompletedAt);
        else if (record.DryRun)
        {
            if (!States.Any(s => After(s, record.Change)?.Tag == told.Tag)) Breach(3, $"{what} was told {Text(told)}, which it could not come to", record.CompletedAt);
        }
        else if (steps is [var step, ..])
        {
            if (step.After.Tag != told.Tag) Breach(3, $"{what} was told {Text(told)}, the log has {Text(step.After)}", record.CompletedAt);
            if (step.Number > record.Position) Breach(3, $"{what} was acknowledged at {record.Position}, but it is at {step.Number}", record.CompletedAt);
        }
        else if (!journal.Settings.Steps.Any(s => s.Number <= record.Position && s.After.Tag == told.Tag && After(s.After, record.Change)?.Tag == told.Tag))
            Breach(3, $"{what} was acknowledged with {Text(told)}, but it is not in the log", record.CompletedAt);
    }

    private static bool IsStepOf(SettingsRecord record, SharedSettings before, SharedSettings after) => !record.DryRun && After(before, record.Change)?.Tag == after.Tag;

    private static string Text(SharedSettings settings) => $"[{settings.QuarantineMs} {settings.LargestTtlMs} {settings.ClusterDomain} {string.Join(' ', settings.Zones)}]";

    private void Breach(int promise, string sentence, long? at = null) => _breaches.Add(new Breach(promise, sentence, at));
}
