using MeshDns.Actors.Log;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Services;
using MeshDns.Contracts.Vips;
using MeshDns.Tests.Shared.Judge;

namespace MeshDns.Chaos.Judge;

/// <summary>
/// A small history and its journal, made by hand. Two nodes are up from 0 to 100,000; the audit of the whole
/// log, which has its own tests, is left out: these logs are only as complete as a test needs.
/// </summary>
internal sealed class Trial
{
    public const string Vip = "240.240.0.1";
    public const string OtherVip = "240.240.0.2";

    private readonly List<MeshEvent> _shard = [];
    private readonly List<MeshEvent> _vips = [];

    public Trial()
    {
        Up("n1", 0, 100_000);
        Up("n2", 0, 100_000);
    }

    public History History { get; } = new();

    public JudgeOptions Options { get; init; } = new() { SettleMs = 3000, ResumeGraceMs = 1000, TtlMs = 2000, MaxAgeMs = 20_000 };

    public string[] Breaches => [.. HistoryJudge.Check(History, Past(), Options).Breaches.Select(b => b.ToString())];

    public static CommandDocument Put(string name, int generation, params string[] addresses) =>
        new() { Key = Key(name).ToString(), Generation = generation, Hosts = [Host(name)], Addresses = addresses };

    public static CommandDocument Delete(string name, int generation) => new() { Key = Key(name).ToString(), Generation = generation, Hosts = [Host(name)], Deleted = true };

    public static string Host(string name) => $"{name}.test";

    public Trial Up(string node, long from, long to) => With(new NodeRecord(node, NodeCondition.Up, from, to));

    public Trial With(HistoryRecord record)
    {
        History.Add(record);
        return this;
    }

    /// <summary>A command of 10 ms.</summary>
    public Trial Command(long at, CommandOutcome outcome, params CommandDocument[] documents) => Told(at, outcome, null, documents);

    /// <summary>An acknowledged put whose reply names the VIP.</summary>
    public Trial Declared(long at, string name, int generation, string vip) => Told(at, CommandOutcome.Applied, vip, Put(name, generation));

    public Trial Answer(long at, string node, string name, params string[] addresses) =>
        With(new AnswerRecord(node, Host(name), at, at + 2, addresses.Length == 0 ? AnswerOutcome.NxDomain : AnswerOutcome.Addresses, addresses));

    public Trial Failed(long at, string node, string name, AnswerOutcome outcome = AnswerOutcome.ServFail) => With(new AnswerRecord(node, Host(name), at, at + 2, outcome, []));

    public Trial JournalPut(string name, int generation)
    {
        var spec = new ServiceEntrySpec { Hosts = [HostName.Parse(Host(name))], Ports = [new ServicePort(generation, null, "TCP", null)], Resolution = Resolution.Static };
        _shard.Add(new DocumentPut(new MeshDocument { Key = Key(name), Spec = spec }, _shard.Count + 1, "api", 0, 0));
        return this;
    }

    public Trial JournalDelete(string name)
    {
        _shard.Add(new DocumentDeleted(Key(name), _shard.Count + 1, 0));
        return this;
    }

    public Trial Granted(long at, string name, int index) => Vips(new VipGranted(index, HostName.Parse(Host(name))) { At = at });

    public Trial Released(long at, string name, int index, long until, ReleaseReason reason = ReleaseReason.Withdrawn) =>
        Vips(new VipReleased(index, HostName.Parse(Host(name)), until, reason) { At = at });

    public Trial Vips(VipEvent fact)
    {
        _vips.Add(fact);
        return this;
    }

    private static DocumentKey Key(string name) => new(DocumentKind.ServiceEntry, "default", name);

    private Trial Told(long at, CommandOutcome outcome, string? vip, params CommandDocument[] documents) => With(new CommandRecord
    {
        Id = $"c{History.Commands.Count}",
        Node = "n1",
        InvokedAt = at,
        CompletedAt = at + 10,
        Documents = documents,
        Outcome = outcome,
        Vips = vip is null ? new Dictionary<string, string>() : new Dictionary<string, string> { [documents[0].Hosts[0]] = vip },
    });

    // Each fact is a transaction; those of VIPs come last, since only their own order counts.
    private LoggedPast Past() => new(
        new VipRange(Cidr.Parse("240.240.0.0/16"), Cidr.Parse("2001:2::/48")), [.. _shard.Concat(_vips).Select((fact, i) => new LoggedTransaction(i + 1, [fact]))], new LogAuditReport(0, 0, 0, 0, 0, 0, []));
}
