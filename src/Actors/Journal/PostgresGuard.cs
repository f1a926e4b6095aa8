using System.Globalization;
using MeshDns.Actors.Vips;

namespace MeshDns.Actors.Journal;

/// <summary>
/// Guard steps as runs of one kind, each of which is a few statements however long it is. Steps on one table keep their order; the two tables have
/// nothing to do with each other, so theirs stand apart and the runs are longer.
/// </summary>
internal sealed class PostgresGuard
{
    private readonly List<(int Kind, int Index, string Address, string Host, GuardStep Step)> _leases = [];
    private readonly List<(int Kind, int Index, string Address, string Host, GuardStep Step)> _claims = [];

    public void Add(GuardStep step)
    {
        switch (step)
        {
            case GuardStep.LeaseInsert s: _leases.Add((PostgresFunctions.Lease, s.Index, "", s.Host.Text, step)); break;
            case GuardStep.Reserve s: _leases.Add((PostgresFunctions.Reserve, s.Index, "", "", step)); break;
            case GuardStep.LeaseToQuarantine s: _leases.Add((PostgresFunctions.Rest, s.Index, "", s.Host.Text, step)); break;
            case GuardStep.Unreserve s: _leases.Add((PostgresFunctions.Unreserve, s.Index, "", "", step)); break;
            case GuardStep.ClaimInsert s: _claims.Add((PostgresFunctions.Claim, 0, s.Address, s.Host.Text, step)); break;
            case GuardStep.ClaimDelete s: _claims.Add((PostgresFunctions.Unclaim, 0, s.Address, s.Host.Text, step)); break;
            default: throw new InvalidOperationException($"the journal does not know the guard step {step}");
        }
    }

    /// <summary>Kinds, first and last steps of the runs (from 1), then index, address and host of every step.</summary>
    public object[] Arguments()
    {
        var runs = Runs();
        var steps = _leases.Concat(_claims).ToArray();
        return
        [
            runs.Select(r => r.Kind).ToArray(), runs.Select(r => r.First).ToArray(), runs.Select(r => r.Last).ToArray(),
            steps.Select(s => s.Index).ToArray(), steps.Select(s => s.Address).ToArray(), steps.Select(s => s.Host).ToArray(),
        ];
    }

    /// <summary>Says which steps a run (from 1) has.</summary>
    public string Describe(int run)
    {
        var (_, first, last) = Runs()[run - 1];
        var step = _leases.Concat(_claims).ElementAt(first - 1).Step.ToString()!;
        return first == last ? step : string.Create(CultureInfo.InvariantCulture, $"one of {last - first + 1} steps, the first of which is {step}");
    }

    private List<(int Kind, int First, int Last)> Runs()
    {
        var runs = new List<(int Kind, int First, int Last)>();
        var number = 0;
        foreach (var (kind, _, _, _, _) in _leases.Concat(_claims))
        {
            number++;
            if (runs is [.., var last] && last.Kind == kind) runs[^1] = last with { Last = number };
            else runs.Add((kind, number, number));
        }
        return runs;
    }
}
