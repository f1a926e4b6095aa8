using System.Globalization;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Services;
using MeshDns.Tests.Shared.Judge;

namespace MeshDns.Actors.Tests.Log.Simulation;

/// <summary>
/// A client that changes documents of its own, one command at a time, through whatever owner, and notes what it was told. The port of a document counts its versions, so that the judge knows which command wrote it. What it was told of a
/// key it asks again now and then.
/// </summary>
internal sealed class LogClient
{
    // Where nothing was heard, a copy may still be on its way or in the queue of a node that is held.
    private const long RestAfterUnknownMs = 100_000;

    private readonly LogWorld _world;
    private readonly string _name;
    private readonly Random _random;
    private readonly Document[] _documents;
    private readonly bool _areTwins;
    private int _commands;

    public LogClient(LogWorld world, int number, bool areTwins)
    {
        _world = world;
        _name = "c" + number;
        _random = new Random(world.Random.Next());
        _areTwins = areTwins;
        _documents = areTwins ? [new Document("t0", ["t0.example"]), new Document("t1", ["t1.example"])] : [.. Enumerable.Range(number * 4, 4).Select(Documents)];
    }

    public static IReadOnlyList<string> Hosts { get; } = [.. Enumerable.Range(0, 12).SelectMany(i => Documents(i).Hosts).Distinct(), "t0.example", "t1.example"];

    public bool IsStopped { get; set; }

    public int Applied { get; private set; }

    public int Replayed { get; private set; }

    public void Begin() => _world.Agenda.After(400 + _random.Next(3500), Next);

    private static Document Documents(int i)
    {
        var hosts = new List<string> { $"h{i}.example" };
        if (i % 3 == 0) hosts.Add($"g{i}.example");
        if (i % 4 == 1) hosts.Add($"s{i % 8 / 4}.example");
        return new Document("d" + i, [.. hosts]);
    }

    private void Next()
    {
        if (IsStopped) return;
        Document[] mine = _areTwins ? _documents : _random.Next(5) == 0 ? [.. _documents.OrderBy(_ => _random.Next()).Take(2)] : [_documents[_random.Next(_documents.Length)]];
        if (_random.Next(3) == 0 && Up() is { } reader) reader.Process.Run(() => reader.Shards.Ask(_random.Next(_world.Fold.Buckets.Count)));
        if (mine.Any(d => d.RestsUntil > _world.NowMs)) Begin();
        else Order(mine);
    }

    private LogNode? Up()
    {
        LogNode[] there = [.. _world.Owners.Where(n => n.IsUp)];
        return there.Length == 0 ? null : there[_random.Next(there.Length)];
    }

    private void Order(Document[] documents)
    {
        var isDeletion = !_areTwins && (_random.Next(3) == 0 || (_world.Kind.Often == "apart" && _random.Next(2) == 0));
        foreach (var document in documents) document.Generation++;
        var wanted = documents.Select(d => isDeletion ? [] : AddressesFor(d)).ToArray();
        var id = $"{_name}-{++_commands}";
        var request = new ChangeRequest
        {
            Changes = [.. documents.Select((d, i) => new DocumentChange(Make.Key(d.Name), isDeletion ? null : Make.Entry(d.Name, d.Hosts, wanted[i], port: d.Generation)))],
            IdempotencyKey = _random.Next(5) < 3 ? id : null,
            DryRun = !_areTwins && _random.Next(20) == 0,
        };
        Try(new Command(id, request, documents, wanted, isDeletion, _world.NowMs, _world.Log.Losses));
    }

    // With a key it asks again, on another node, until it knows; without one it must not.
    private void Try(Command command)
    {
        command.Attempts++;
        if (Up() is not { } target)
        {
            Heard(command, new ChangeReply { Outcome = ChangeOutcome.Unavailable, Detail = "no node is up" });
            return;
        }
        command.Node = target.Name;
        if (target.Process.IsPaused)
        {
            Heard(command, new ChangeReply { Outcome = ChangeOutcome.Unavailable, Detail = "it does not accept connections" });
            return;
        }
        var patience = 2000 + _random.Next(8000);
        var isHeard = false;
        target.Api.Change(command.Request, DigestOf(command.Request), patience, reply => Hear(target.Process.IsRunning ? reply : null));
        _world.Agenda.After(patience + 1000, () => Hear(null));

        void Hear(ChangeReply? reply)
        {
            if (isHeard) return;
            isHeard = true;
            Heard(command, reply);
        }
    }

    private void Heard(Command command, ChangeReply? reply)
    {
        // A refusal says that no other copy was carried out either; that nobody could be asked says nothing of an earlier copy.
        if (reply is null || reply.Outcome == ChangeOutcome.Unknown) command.IsUncertain = true;
        else if (reply.Outcome is ChangeOutcome.Applied or ChangeOutcome.Refused) command.IsUncertain = false;
        var isOver = reply?.Outcome is ChangeOutcome.Applied or ChangeOutcome.Refused || command.Request.IdempotencyKey is null || command.Attempts == 5;
        if (!isOver) _world.Agenda.After(200 + _random.Next(2000), () => Try(command));
        else if (command.Request.DryRun) EndDryRun(command);
        else End(command, reply);
    }

    private void EndDryRun(Command command)
    {
        _world.Say($"{command.Id} was a dry run");
        Begin();
    }

    private void End(Command command, ChangeReply? reply)
    {
        var outcome = command.IsUncertain || reply is null ? CommandOutcome.Unknown : OutcomeOf(reply.Outcome);
        if (outcome == CommandOutcome.Unknown) foreach (var document in command.Documents) document.RestsUntil = _world.NowMs + RestAfterUnknownMs;
        if (outcome == CommandOutcome.Applied) Applied++;
        if (reply is { IsReplayed: true }) Replayed++;
        var what = string.Join(' ', command.Documents.Select((d, i) => $"{d.Name}#{d.Generation}{(command.Wanted[i].Length == 0 ? "" : "=" + command.Wanted[i][0])}"));
        _world.Say($"{command.Id} {(command.IsDeletion ? "deletes" : "puts")} {what} on {command.Node}: {outcome} {reply?.Detail}{(reply is { IsReplayed: true } ? "replayed " : "")}{Vips(reply)}");
        _world.History.Add(new CommandRecord
        {
            Id = command.Id,
            Node = command.Node,
            InvokedAt = command.InvokedAt,
            CompletedAt = _world.NowMs,
            Documents = [.. command.Documents.Select((d, i) => DocumentOf(d, command, i, reply))],
            Outcome = outcome,
            Vips = outcome == CommandOutcome.Applied ? VipsOf(reply!) : new Dictionary<string, string>(),
            Position = outcome == CommandOutcome.Applied ? reply!.Position : new Dictionary<string, long>(),
            Detail = reply?.Detail ?? "",
        });
        if (outcome == CommandOutcome.Applied && command.Request.IdempotencyKey is not null && _random.Next(8) == 0) _world.Agenda.After(_random.Next(3000), () => AskAgain(command, reply!));
        else Begin();
    }

    // The same request gives the same reply, another one under its key is refused, whatever has come in between.
    private void AskAgain(Command command, ChangeReply first)
    {
        if (Up() is not { Process.IsPaused: false } target || _world.Log.Losses != command.Losses)
        {
            Begin();
            return;
        }
        var isOther = _random.Next(3) == 0;
        var request = isOther ? command.Request with { Source = "another" } : command.Request;
        target.Api.Change(request, DigestOf(request), 5000, reply =>
        {
            if (_world.Log.Losses != command.Losses) return;
            if (isOther && reply is { Outcome: ChangeOutcome.Applied }) _world.Problems.Add($"{command.Id}: another request under its key was carried out at {_world.NowMs}");
            if (!isOther && reply.Outcome == ChangeOutcome.Refused) _world.Problems.Add($"{command.Id} was applied, and asked again it is refused: {reply.Detail}");
            if (!isOther && reply.Outcome == ChangeOutcome.Applied && (!reply.IsReplayed || !reply.Results.Select(r => r.Version).SequenceEqual(first.Results.Select(r => r.Version))))
                _world.Problems.Add($"{command.Id} was applied, and asked again at {_world.NowMs} it is told otherwise");
            if (reply.IsReplayed) Replayed++;
        });
        _world.Agenda.After(6000, Begin);
    }

    private static string DigestOf(ChangeRequest request) =>
        string.Join(';', request.Changes.Select(c => $"{c.Key}:{c.Document?.ServiceEntry!.Ports[0].Number}:{string.Join(',', c.Document?.ServiceEntry!.Addresses ?? [])}")) + request.Source;

    private string[] AddressesFor(Document document)
    {
        if (_areTwins) return [$"10.{(document.Name == "t0" ? 1 : 2)}.{document.Generation >> 8}.{document.Generation & 255}"];
        return _random.Next(8) switch
        {
            0 => [string.Create(CultureInfo.InvariantCulture, $"10.9.{document.Generation >> 8}.{document.Generation & 255}")],
            1 when _random.Next(2) == 0 => [$"240.240.0.{1 + _random.Next(14)}"],
            _ => [],
        };
    }

    private static CommandDocument DocumentOf(Document document, Command command, int at, ChangeReply? reply) => new()
    {
        Key = Make.Key(document.Name).ToString(),
        Deleted = command.IsDeletion,
        Generation = document.Generation,
        Hosts = document.Hosts,
        Addresses = command.Wanted[at],
        Version = reply?.Results.FirstOrDefault(r => r.Key.Name == document.Name)?.Version ?? 0,
        Changed = reply?.Results.FirstOrDefault(r => r.Key.Name == document.Name)?.Action is not (DocumentAction.Unchanged or DocumentAction.Absent),
    };

    public static CommandOutcome OutcomeOf(ChangeOutcome outcome) => outcome switch
    {
        ChangeOutcome.Applied => CommandOutcome.Applied,
        ChangeOutcome.Refused => CommandOutcome.Refused,
        ChangeOutcome.Unavailable => CommandOutcome.Unavailable,
        _ => CommandOutcome.Unknown,
    };

    private static Dictionary<string, string> VipsOf(ChangeReply reply) => reply.Results.SelectMany(r => r.Addresses).Where(a => !a.Value.Contains(':', StringComparison.Ordinal))
        .DistinctBy(a => a.Host).ToDictionary(a => a.Host.Text, a => a.Value);

    private static string Vips(ChangeReply? reply) => reply is not { Outcome: ChangeOutcome.Applied } ? "" : string.Join(' ', VipsOf(reply).Select(v => $"{v.Key}={v.Value}"));

    private sealed class Document(string name, string[] hosts)
    {
        public string Name { get; } = name;

        public string[] Hosts { get; } = hosts;

        public int Generation { get; set; }

        public long RestsUntil { get; set; }
    }

    private sealed class Command(string id, ChangeRequest request, Document[] documents, string[][] wanted, bool isDeletion, long invokedAt, int losses)
    {
        public string Id => id;

        public ChangeRequest Request => request;

        public Document[] Documents => documents;

        public string[][] Wanted => wanted;

        public bool IsDeletion => isDeletion;

        public long InvokedAt => invokedAt;

        public int Losses => losses;

        public string Node { get; set; } = "";

        public int Attempts { get; set; }

        /// <summary>True when a copy may have been carried out, and nobody has told.</summary>
        public bool IsUncertain { get; set; }
    }
}
