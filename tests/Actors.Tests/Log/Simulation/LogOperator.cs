using MeshDns.Contracts.Messages;
using MeshDns.Tests.Shared.Judge;

namespace MeshDns.Actors.Tests.Log.Simulation;

/// <summary>
/// A client that changes what all nodes share (docs/adr/0028), one change at a time, through whatever owner, and notes what it was told. Each change that is to write anything names a zone or a quarantine of its own, so that the judge
/// knows which one wrote it. Some are wrong, say what is so already, are meant for other settings, or are dry runs.
/// </summary>
internal sealed class LogOperator
{
    // A database's clock that runs ahead unnoticed takes the margin of a TTL: none is smaller than that of the founding.
    private static readonly long[] _ttls = [LogWorld.MaxTtlMs, LogWorld.MaxTtlMs, 12_000, 15_000, LogWorld.NodesTtlMs];
    private static readonly long[] _quarantines = [40_000, 50_000, LogWorld.QuarantineMs, LogWorld.QuarantineMs, 80_000, 100_000];
    private static readonly string[] _zones = ["example", "h1.example", "mesh.internal"];

    private readonly LogWorld _world;
    private readonly Random _random;
    private SharedSettings _known = LogWorld.FirstSettings;
    private string _staleTag = "0";
    private int _changes;

    public LogOperator(LogWorld world)
    {
        _world = world;
        _random = new Random(world.Random.Next());
    }

    public bool IsStopped { get; set; }

    public int Applied { get; private set; }

    public int Refused { get; private set; }

    public void Begin() => _world.Agenda.After(1000 + _random.Next(12_000), Next);

    private void Next()
    {
        if (IsStopped) return;
        var id = $"o-{++_changes}";
        var change = Change();
        var request = new ChangeRequest { Changes = [], Settings = change, IdempotencyKey = _random.Next(5) < 3 ? id : null, DryRun = _random.Next(8) == 0 };
        Try(new Asked(id, request, change, _world.NowMs, _world.Log.Losses));
    }

    private SettingsChange Change() => _random.Next(12) switch
    {
        0 => Wrong(),
        1 => new SettingsChange { IfMatch = _known.Tag, QuarantineMs = _known.QuarantineMs, LargestTtlMs = _known.LargestTtlMs, Zones = _known.Zones, ClusterDomain = _known.ClusterDomain },
        2 => Good() with { IfMatch = _staleTag },
        3 or 4 => Good() with { IfMatch = _known.Tag },
        _ => Good(),
    };

    private SettingsChange Wrong() => _random.Next(4) switch
    {
        0 => new SettingsChange { QuarantineMs = 39_999, LargestTtlMs = 10_000, Zones = [Own] },
        1 => new SettingsChange { LargestTtlMs = 10_500, Zones = [Own] },
        2 => new SettingsChange { Zones = [Own, "Upper.internal"] },
        _ => new SettingsChange { QuarantineMs = 999, Zones = [Own] },
    };

    private SettingsChange Good()
    {
        var isByQuarantine = _random.Next(2) == 0;
        return new SettingsChange
        {
            QuarantineMs = isByQuarantine ? _quarantines[_random.Next(_quarantines.Length)] + _changes : null,
            LargestTtlMs = _random.Next(2) == 0 ? _ttls[_random.Next(_ttls.Length)] : null,
            Zones = isByQuarantine && _random.Next(3) != 0 ? null : [Own, .. _zones.Where(_ => _random.Next(2) == 0)],
            ClusterDomain = _random.Next(8) == 0 ? _random.Next(2) == 0 ? "cluster.local" : "other.local" : null,
        };
    }

    private string Own => $"o{_changes}.internal";

    // With a key it asks again, on another node, until it knows; without one it must not.
    private void Try(Asked asked)
    {
        asked.Attempts++;
        LogNode[] there = [.. _world.Owners.Where(n => n.IsUp && !n.Process.IsPaused)];
        if (there.Length == 0)
        {
            Heard(asked, new ChangeReply { Outcome = ChangeOutcome.Unavailable, Detail = "no node takes connections" });
            return;
        }
        var target = there[_random.Next(there.Length)];
        var patience = 2000 + _random.Next(8000);
        var isHeard = false;
        target.Api.Change(asked.Request, DigestOf(asked.Request), patience, reply => Hear(target.Process.IsRunning ? reply : null));
        _world.Agenda.After(patience + 1000, () => Hear(null));

        void Hear(ChangeReply? reply)
        {
            if (isHeard) return;
            isHeard = true;
            Heard(asked, reply);
        }
    }

    private void Heard(Asked asked, ChangeReply? reply)
    {
        // A refusal says that no other copy was carried out either; that nobody could be asked says nothing of an earlier copy.
        if (reply is null || reply.Outcome == ChangeOutcome.Unknown) asked.IsUncertain = true;
        else if (reply.Outcome is ChangeOutcome.Applied or ChangeOutcome.Refused) asked.IsUncertain = false;
        CheckDurable(asked, reply);
        var isOver = reply?.Outcome is ChangeOutcome.Applied or ChangeOutcome.Refused || asked.Request.IdempotencyKey is null || asked.Attempts == 5;
        if (isOver) End(asked, reply);
        else _world.Agenda.After(200 + _random.Next(2000), () => Try(asked));
    }

    // What a reply says is in the log already. Of two primaries that both confirm, neither has what the other has.
    private void CheckDurable(Asked asked, ChangeReply? reply)
    {
        if (_world.Kind.IsLossy || reply is not { Outcome: ChangeOutcome.Applied } applied || asked.Request.DryRun) return;
        if (PositionOf(applied) is var position && position > _world.Log.Primary.End.Number)
            _world.Problems.Add($"{asked.Id} was acknowledged at {_world.NowMs} as of {position}, but the log ended at {_world.Log.Primary.End}");
    }

    private void End(Asked asked, ChangeReply? reply)
    {
        var outcome = asked.IsUncertain || reply is null ? CommandOutcome.Unknown : LogClient.OutcomeOf(reply.Outcome);
        if (outcome == CommandOutcome.Applied) Applied++;
        if (outcome == CommandOutcome.Refused) Refused++;
        _world.Say($"{asked.Id} changes settings: {Text(asked)}: {outcome} {reply?.Detail}");
        _world.History.Add(new SettingsRecord
        {
            Id = asked.Id,
            InvokedAt = asked.InvokedAt,
            CompletedAt = _world.NowMs,
            Change = asked.Change,
            DryRun = asked.Request.DryRun,
            Outcome = outcome,
            Reason = outcome == CommandOutcome.Refused ? reply!.Reason : null,
            Told = outcome == CommandOutcome.Applied ? reply!.Settings?.Shared : null,
            Position = outcome == CommandOutcome.Applied ? PositionOf(reply!) : 0,
        });
        var isDone = outcome == CommandOutcome.Applied && !asked.Request.DryRun;
        if (isDone && reply!.Settings is { } told) (_staleTag, _known) = (_known.Tag, told.Shared);
        if (isDone && asked.Request.IdempotencyKey is not null && _random.Next(3) == 0) _world.Agenda.After(_random.Next(3000), () => AskAgain(asked, reply!));
        else Begin();
    }

    // The same request gives the same reply, another one under its key is refused.
    private void AskAgain(Asked asked, ChangeReply first)
    {
        LogNode[] there = [.. _world.Owners.Where(n => n.IsUp && !n.Process.IsPaused)];
        if (there.Length > 0 && _world.Log.Losses == asked.Losses)
        {
            var isOther = _random.Next(3) == 0;
            var request = isOther ? asked.Request with { Settings = asked.Change with { Zones = [Own, "again.internal"] } } : asked.Request;
            there[_random.Next(there.Length)].Api.Change(request, DigestOf(request), 5000, reply =>
            {
                if (_world.Log.Losses != asked.Losses) return;
                if (isOther && reply.Outcome == ChangeOutcome.Applied) _world.Problems.Add($"{asked.Id}: other settings under its key were written at {_world.NowMs}");
                if (!isOther && reply.Outcome == ChangeOutcome.Refused) _world.Problems.Add($"{asked.Id} was applied, and asked again it is refused: {reply.Detail}");
                if (!isOther && reply.Outcome == ChangeOutcome.Applied && (!reply.IsReplayed || reply.Settings?.Shared.Tag != first.Settings?.Shared.Tag))
                    _world.Problems.Add($"{asked.Id} was applied, and asked again at {_world.NowMs} it is told otherwise");
            });
        }
        _world.Agenda.After(6000, Begin);
    }

    private static long PositionOf(ChangeReply reply) => reply.Position.GetValueOrDefault(LoggedPast.Name);

    private static string DigestOf(ChangeRequest request) => Text(request.Settings!);

    private static string Text(Asked asked) => Text(asked.Change) + (asked.Request.DryRun ? " as a dry run" : "");

    private static string Text(SettingsChange change) =>
        $"{change.QuarantineMs} {change.LargestTtlMs} {(change.Zones is { } zones ? $"[{string.Join(' ', zones)}]" : "")} {change.ClusterDomain} {(change.IfMatch is { } tag ? $"if {tag}" : "")}";

    private sealed class Asked(string id, ChangeRequest request, SettingsChange change, long invokedAt, int losses)
    {
        public string Id => id;

        public ChangeRequest Request => request;

        public SettingsChange Change => change;

        public long InvokedAt => invokedAt;

        public int Losses => losses;

        public int Attempts { get; set; }

        /// <summary>True when a copy may have been carried out, and nobody has told.</summary>
        public bool IsUncertain { get; set; }
    }
}
