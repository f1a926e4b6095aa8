using MeshDns.Actors.Directory;
using MeshDns.Actors.Tests.Log;
using MeshDns.Actors.Tests.Vips;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Services;
using MeshDns.Contracts.Vips;

namespace MeshDns.Actors.Tests.Changes.Fuzz;

/// <summary>One random life of what is declared: changes and time; after every step everything is checked.</summary>
internal sealed class ChangeRun(int seed)
{
    private readonly ChangesRig _rig = new();
    private readonly Random _random = new(seed);
    private readonly ChangeGenerator _generator = new(new Random(seed ^ 0x5EED));
    private readonly PromiseWitness _witness = new(LogRows.Range, ChangesRig.QuarantineMs);
    private readonly List<string> _trace = [];
    private readonly List<string> _outcomes = [];
    private readonly HashSet<HostName> _hadOne = [];

    // What a name or an explicit address ever had: the rest is certainly free.
    private readonly HashSet<int> _used = [];
    private MeshModel _model = new();

    /// <summary>Runs a seed and says what came about. Throws with seed and trace when anything is not as promised.</summary>
    public static IReadOnlyList<string> Run(int seed, int steps)
    {
        var run = new ChangeRun(seed);
        try { for (var step = 0; step < steps; step++) run.Step(); }
        catch (Exception e) { throw new InvalidOperationException($"seed {seed}: {e.Message}\nwhat happened:\n{string.Join('\n', run._trace)}", e); }
        return run._outcomes;
    }

    private void Step()
    {
        if (_random.Next(6) == 0)
        {
            var time = TimeSpan.FromMinutes(1 + _random.Next(100));
            _trace.Add($"{time} pass");
            _rig.Pass(time);
            return;
        }
        foreach (var request in _random.Next(8) == 0 ? [_generator.Settings(_model)] : _generator.Requests(_model, 1)) Change(request);
        CheckDirectory();
    }

    private void Change(ChangeRequest request)
    {
        var (before, expected, after) = (_rig.Leases, _model.Refusal(request), _model.After(request));
        var reply = _rig.Change(request);
        _trace.Add($"{Describe(request)} -> {reply.Outcome} {(reply.Outcome == ChangeOutcome.Refused ? reply.Reason : "")} {reply.Detail}");
        _outcomes.Add(reply.Outcome == ChangeOutcome.Refused ? reply.Reason.ToString() : reply.Outcome.ToString());
        if (reply.Outcome == ChangeOutcome.Refused)
        {
            Assert.Empty(_rig.Facts);
            if (expected is not null) Assert.Equal(expected, reply.Reason);
            else
            {
                Assert.Equal(RefusalReason.PoolExhausted, reply.Reason);
                Assert.True(CertainlyFree < NeededBy(after), "refused for want of VIPs, but there were enough");
            }
        }
        else
        {
            Assert.Null(expected);
            Assert.Equal(request.Changes.Select(c => _model.Action(request, c)), reply.Results.Select(r => r.Action));
            _model = after;
            foreach (var (key, stored) in _rig.Documents) if (_model.Documents.ContainsKey(key)) _model.Learn(key, stored.Version);
        }
        Assert.Null(_model.Difference(_rig.Documents));
        CheckSettings(request, reply);
        Watch(before);
    }

    private void CheckSettings(ChangeRequest request, ChangeReply reply)
    {
        Assert.Equal(_model.Settings.Tag, _rig.State.Shared!.Tag);
        Assert.Equal(_model.Settings.Tag, _rig.Directory.Shared!.Tag);
        if (request.Settings is null || reply.Outcome == ChangeOutcome.Refused) return;
        Assert.Equal(_model.Settings.Tag, reply.Settings!.Shared.Tag);
        _outcomes.Add(_rig.Facts.Any(f => f is QuarantineChanged { RestUntil: not null }) ? "shortened" : "settings");
    }

    private void Watch(Dictionary<HostName, int> before)
    {
        foreach (var fact in _rig.Facts)
        {
            _witness.Saw(fact);
            if (fact is VipGranted granted && !_hadOne.Add(granted.Host)) _outcomes.Add("returned");
        }
        _used.UnionWith(_rig.Leases.Values.Concat(Indexes().Where(IsTaken)));
        Assert.Equal(_model.Eligible().Order(), _rig.Leases.Keys.Order());
        foreach (var (host, index) in before)
        {
            if (!_rig.Leases.TryGetValue(host, out var now) || now == index) continue;
            _outcomes.Add("moved");
            Assert.True(IsTaken(index), $"promise 2: {host} moved from {index} to {now} for no reason");
        }
    }

    private void CheckDirectory()
    {
        foreach (var entry in _rig.Directory.Hosts)
        {
            Assert.Equal(_model.Hosts[entry.Host].Count(), entry.Declarations.Length);
            Assert.Equal(AnswerOf(entry.Host, [.. _model.Hosts[entry.Host]]), entry.Choose(ClientView.Default).Source);
        }
    }

    // The oldest record that has an address answers, as the owner of the host tells their ages.
    private AnswerSource AnswerOf(HostName host, MeshDocument[] documents)
    {
        foreach (var declaration in _rig.DeclarationsOf(host.Text))
        {
            var record = documents.Where(d => d.Key.Namespace == declaration.Document.Namespace).ToArray();
            if (record.Any(MeshModel.HasAddress)) return AnswerSource.Explicit;
            if (record.Any(d => MeshModel.IsEligible(d, host))) return AnswerSource.Vip;
        }
        return AnswerSource.NoAddress;
    }

    private int CertainlyFree => Indexes().Count(i => !_used.Contains(i));

    // At least so many VIPs are asked for anew: more than the free ones means that the refusal was right.
    private int NeededBy(MeshModel after) => after.Eligible().Count(h => !_rig.Leases.ContainsKey(h)) + (after.Addresses().Except(_model.Addresses()).Count() * ChangesRig.Capacity);

    private bool IsTaken(int index) => _model.Addresses().Any(a => Covers(a, index));

    private static bool Covers(string address, int index) => Cidr.TryParse(address, out var cidr)
        ? cidr.Contains(LogRows.Range.IPv4(index)) || cidr.Contains(LogRows.Range.IPv6(index))
        : address == LogRows.Range.IPv4(index).ToString() || address == LogRows.Range.IPv6(index).ToString();

    private static IEnumerable<int> Indexes() => Enumerable.Range(LogRows.Range.First, LogRows.Range.Last - LogRows.Range.First + 1).Where(LogRows.Range.IsUsable);

    private static string Describe(ChangeRequest request) => request.Settings is { } settings ? $"settings {settings.QuarantineMs} {settings.LargestTtlMs} {string.Join(' ', settings.Zones ?? [])} {settings.ClusterDomain}" : request.Source + (request.TakeOver ? " takes over" : "") + ": " + string.Join(", ", request.Changes.Select(c => c.Document is { } d
        ? $"put {c.Key.Name} {d.ServiceEntry!.Resolution}{(d.Labels is null ? "" : " opted out")} [{string.Join(' ', d.ServiceEntry!.Hosts)}] [{string.Join(' ', d.ServiceEntry!.Addresses)}]"
        : $"delete {c.Key.Name}"));
}
