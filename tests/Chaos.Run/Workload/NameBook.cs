using MeshDns.Tests.Shared.Judge;

namespace MeshDns.Chaos.Run.Workload;

/// <summary>The names that are worth asking for.</summary>
internal sealed class NameBook
{
    private const int MaxRecent = 64;
    private const int MaxOld = 256;

    private readonly Lock _gate = new();
    private readonly List<string> _stable = [];
    private readonly List<string> _recent = [];
    private readonly List<string> _old = [];
    private readonly List<TwinRecord> _twins = [];

    public void AddStable(IEnumerable<string> names)
    {
        lock (_gate) _stable.AddRange(names);
    }

    public void Add(TwinRecord twins)
    {
        lock (_gate) _twins.Add(twins);
    }

    /// <summary>A name that a command is about.</summary>
    public void Touch(string name)
    {
        lock (_gate)
        {
            _recent.Remove(name);
            _recent.Add(name);
            if (_recent.Count <= MaxRecent) return;
            _old.Add(_recent[0]);
            _recent.RemoveAt(0);
            if (_old.Count > MaxOld) _old.RemoveAt(0);
        }
    }

    /// <summary>What to ask next, one at once after the other.</summary>
    public IReadOnlyList<string> Next(Random random)
    {
        lock (_gate)
        {
            var dice = random.Next(100);
            if (dice < 20 && _twins.Count > 0) return _twins[random.Next(_twins.Count)] is var t && random.Next(2) == 0 ? [t.First, t.Second] : [t.Second, t.First];
            if (dice < 60 && _stable.Count > 0) return [_stable[random.Next(_stable.Count)]];
            if (dice < 70 && _old.Count > 0) return [_old[random.Next(_old.Count)]];
            if (_recent.Count > 0) return [_recent[random.Next(_recent.Count)]];
            return _stable.Count > 0 ? [_stable[random.Next(_stable.Count)]] : [];
        }
    }
}
