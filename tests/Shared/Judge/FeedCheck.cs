namespace MeshDns.Tests.Shared.Judge;

/// <summary>
/// A transaction reaches a node whole and nothing is taken back: twins are always written together, so once a node has shown one of them
/// as of a command, whatever is asked of it later shows both as of that command or a later one.
/// </summary>
internal sealed class FeedCheck(History history, FaultTimes faults)
{
    private readonly List<Breach> _breaches = [];

    public static IEnumerable<Breach> Run(History history, FaultTimes faults)
    {
        var check = new FeedCheck(history, faults);
        foreach (var twins in history.Twins) check.Check(twins);
        return check._breaches;
    }

    private void Check(TwinRecord twins)
    {
        var generations = new Dictionary<(string Host, string Address), int>();
        var deleted = false;
        foreach (var document in history.Commands.SelectMany(c => c.Documents).Where(d => d.Hosts.Contains(twins.First) || d.Hosts.Contains(twins.Second)))
        {
            deleted |= document.Deleted;
            foreach (var host in document.Hosts)
                foreach (var address in document.Addresses) generations[(host, address)] = document.Generation;
        }
        var answers = history.Answers.Where(a => (a.Name == twins.First || a.Name == twins.Second) && !faults.MayKnowLostPast(a.Node, a.AskedAt, a.AnsweredAt));
        // A new start may begin with an older directory, and a lost past with an older journal.
        foreach (var life in answers.GroupBy(a => (a.Node, Life: faults.LifeAt(a.Node, a.AskedAt)?.From ?? -1, Past: faults.Lossy.Count(s => s.To < a.AskedAt))))
            if (life.Key.Life >= 0) CheckLife([.. life.OrderBy(a => a.AskedAt)], generations, deleted);
    }

    private void CheckLife(AnswerRecord[] answers, Dictionary<(string Host, string Address), int> generations, bool deleted)
    {
        var waiting = new PriorityQueue<(AnswerRecord Answer, int Generation), long>();
        (AnswerRecord? Answer, int Generation) seen = (null, 0);
        foreach (var answer in answers)
        {
            while (waiting.TryPeek(out var next, out var answeredAt) && answeredAt < answer.AskedAt)
            {
                if (next.Generation > seen.Generation) seen = next;
                waiting.Dequeue();
            }
            if (Generation(answer, generations, deleted) is not { } generation) continue;
            if (generation < seen.Generation)
                _breaches.Add(new Breach(0, $"{answer.Node} answered {answer.Name} as of generation {generation}, after it had answered {seen.Answer!.Name} as of {seen.Generation} at {seen.Answer.AnsweredAt}", answer.AskedAt));
            waiting.Enqueue((answer, generation), answer.AnsweredAt);
        }
    }

    private int? Generation(AnswerRecord answer, Dictionary<(string Host, string Address), int> generations, bool deleted)
    {
        if (answer.Outcome is AnswerOutcome.NoData or AnswerOutcome.NxDomain) return deleted ? null : 0;
        if (answer.Outcome != AnswerOutcome.Addresses) return null;
        if (answer.Addresses.Count == 1 && generations.TryGetValue((answer.Name, answer.Addresses[0]), out var generation)) return generation;
        _breaches.Add(new Breach(0, $"{answer.Node} answered {answer.Name} with {string.Join(", ", answer.Addresses)}, which nobody ever declared together", answer.AskedAt));
        return null;
    }
}
