namespace MeshDns.Tests.Shared.Judge;

/// <summary>
/// Promise 3 and 7: what was acknowledged is in the journal, once and in the order in which clients saw it; what was refused left no trace;
/// no command is half there. It takes each document to be written by one command at a time, with growing generations.
/// </summary>
internal sealed class CommandCheck(History history, JournalFacts journal, FaultTimes faults)
{
    private readonly List<Breach> _breaches = [];

    public static IEnumerable<Breach> Run(History history, JournalFacts journal, FaultTimes faults)
    {
        var check = new CommandCheck(history, journal, faults);
        check.CheckCommands();
        check.CheckDocuments();
        return check._breaches;
    }

    private void CheckCommands()
    {
        foreach (var command in history.Commands)
        {
            CheckWhole(command);
            if (!faults.IsCertain(command)) continue;
            if (command.Outcome is CommandOutcome.Refused && command.Detail.Contains("guard-refused", StringComparison.Ordinal))
                Breach(1, $"{command.Id} was stopped by the journal's guard only: {command.Detail}", command.CompletedAt);
            foreach (var (stream, seq) in command.Position)
                if (command.Outcome == CommandOutcome.Applied && journal.Ends.GetValueOrDefault(stream) < seq)
                    Breach(3, $"{command.Id} was acknowledged at {stream} {seq}, but the log ends at {journal.Ends.GetValueOrDefault(stream)}", command.CompletedAt);
        }
    }

    // Each generation is written once, so what the journal has of a command is known; a deletion carries no mark and is judged by its gap.
    private void CheckWhole(CommandRecord command)
    {
        var puts = command.Documents.Where(d => !d.Deleted && d.Changed).ToArray();
        var there = puts.Where(d => journal.Puts(d.Key, d.Generation).Count > 0).ToArray();
        if (there.Length != 0 && there.Length != puts.Length)
            Breach(7, $"{command.Id} is half there: {string.Join(", ", there.Select(d => d.Key))} and not {string.Join(", ", puts.Except(there).Select(d => d.Key))}", command.CompletedAt);
    }

    private void CheckDocuments()
    {
        var written = history.Commands.SelectMany(command => command.Documents.Select(document => (Command: command, Document: document)))
            .GroupBy(w => w.Document.Key).ToDictionary(group => group.Key, group => group.OrderBy(w => w.Document.Generation).ToArray());
        foreach (var key in journal.Documents.Except(written.Keys)) Breach(7, $"the journal has {key}, which nobody ever wrote");
        foreach (var (key, writes) in written)
        {
            foreach (var (command, document) in writes.Where(w => !w.Document.Deleted)) CheckPut(command, document);
            CheckNobodys(key, writes);
            CheckOrder(key, writes);
            CheckDeletions(key, writes);
        }
    }

    private void CheckPut(CommandRecord command, CommandDocument document)
    {
        var found = journal.Puts(document.Key, document.Generation);
        var what = $"{command.Id} ({document.Key} generation {document.Generation})";
        if (found.Count > 1) Breach(7, $"{what} was done {found.Count} times", command.CompletedAt);
        if (command.Outcome is CommandOutcome.Refused or CommandOutcome.Unavailable && found.Count > 0) Breach(7, $"{what} was answered '{command.Outcome}', but it is in the journal", command.CompletedAt);
        if (command.Outcome != CommandOutcome.Applied || !document.Changed || !faults.IsCertain(command)) return;
        if (found.Count == 0)
        {
            Breach(3, $"{what} was acknowledged by {command.Node}, but it is not in the journal", command.CompletedAt);
            return;
        }
        if (document.Version != 0 && found[0].Version != document.Version) Breach(3, $"{what} was acknowledged as version {document.Version}, the journal has {found[0].Version}", command.CompletedAt);
        if (command.Position.Count > 0 && command.Position.GetValueOrDefault(found[0].Stream) < found[0].Seq)
            Breach(3, $"{what} was acknowledged at {found[0].Stream} {command.Position.GetValueOrDefault(found[0].Stream)}, but it is at {found[0].Seq}", command.CompletedAt);
    }

    private void CheckNobodys(string key, (CommandRecord Command, CommandDocument Document)[] writes)
    {
        var asked = writes.Where(w => !w.Document.Deleted).Select(w => w.Document.Generation).ToHashSet();
        foreach (var fact in journal.Of(key).Where(f => !f.Deleted && !asked.Contains(f.Generation))) Breach(7, $"the journal has generation {fact.Generation} of {key}, which nobody wrote");
    }

    // A command that ended in a known way was over before the next was asked, so it can't take effect after it.
    private void CheckOrder(string key, (CommandRecord Command, CommandDocument Document)[] writes)
    {
        var unknown = writes.Where(w => !IsKnown(w.Command)).Select(w => w.Document.Generation).ToHashSet();
        var last = 0;
        foreach (var fact in journal.Of(key).Where(f => !f.Deleted))
        {
            if (fact.Generation < last && !unknown.Contains(fact.Generation)) Breach(3, $"generation {fact.Generation} of {key} came after generation {last}, though it had been acknowledged before that was asked");
            last = Math.Max(last, fact.Generation);
        }
    }

    // Between two puts that are in the journal lie the deletions that were asked between them, and no more.
    private void CheckDeletions(string key, (CommandRecord Command, CommandDocument Document)[] writes)
    {
        var facts = journal.Of(key);
        var marks = facts.Where(f => !f.Deleted).Select(f => f.Generation).Append(int.MaxValue).ToArray();
        if (!marks.SequenceEqual(marks.Order())) return;
        var all = writes.Where(w => w.Document.Deleted).ToArray();
        var (gap, deletions) = (0, 0);
        foreach (var fact in facts.Append(new DocumentFact("", 0, 0, false, int.MaxValue)))
        {
            if (fact.Deleted) { deletions++; continue; }
            var asked = all.Where(w => w.Document.Generation > gap && w.Document.Generation < fact.Generation).ToArray();
            var possible = asked.Count(w => w.Command.Outcome is CommandOutcome.Applied or CommandOutcome.Unknown);
            if (deletions > possible) Breach(7, $"{key} was deleted {deletions} times after generation {gap}, though only {possible} deletions were not refused");
            var lost = asked.FirstOrDefault(w => w.Command.Outcome == CommandOutcome.Applied && w.Document.Changed && faults.IsCertain(w.Command));
            if (deletions == 0 && lost.Command is { } command) Breach(3, $"{command.Id} (deletion of {key} after generation {gap}) was acknowledged by {command.Node}, but it is not in the journal", command.CompletedAt);
            // "It was not there" is an answer too, and it must be true.
            var blind = asked.FirstOrDefault(w => w.Command.Outcome == CommandOutcome.Applied && !w.Document.Changed && faults.IsCertain(w.Command));
            if (deletions == 0 && gap > 0 && blind.Command is { } told && writes.Any(w => w.Document.Generation == gap && w.Command.Outcome == CommandOutcome.Applied))
                Breach(3, $"{told.Id} was told by {told.Node} that {key} is not there, but generation {gap} is", told.CompletedAt);
            (gap, deletions) = (fact.Generation, 0);
        }
    }

    private bool IsKnown(CommandRecord command) => command.Outcome != CommandOutcome.Unknown && faults.IsCertain(command);

    private void Breach(int promise, string sentence, long? at = null) => _breaches.Add(new Breach(promise, sentence, at));
}
