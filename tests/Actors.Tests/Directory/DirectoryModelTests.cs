using FsCheck;
using FsCheck.Fluent;
using MeshDns.Actors.Directory;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Services;
using MeshDns.Contracts.Vips;
using static MeshDns.Tests.Shared.DirectoryFacts;
using HostName = MeshDns.Contracts.Names.HostName;

namespace MeshDns.Actors.Tests.Directory;

/// <summary>Random batches against a model that a reader can check by eye.</summary>
public sealed class DirectoryModelTests
{
    private static readonly string[] _hosts =
        ["a.mesh.internal", "b.a.mesh.internal", "c.b.a.mesh.internal", "*.a.mesh.internal", "*.mesh.internal", "a.example", "b.a.example", "*.a.example", "*.example", "d.mesh.internal"];

    private static readonly string[] _asked =
        [.. _hosts.Where(h => h[0] != '*'), "x.a.mesh.internal", "y.x.a.mesh.internal", "x.mesh.internal", "x.example", "x.b.a.example", "other.org", "mesh.internal", "internal", "example"];

    private static readonly string[] _namespaces = ["one", "two"];

    [Fact]
    public void Random_batches_leave_what_the_model_says()
    {
        var step = Gen.Choose(0, 7).Two().Zip(Gen.Choose(0, _hosts.Length - 1).Two()).Zip(Gen.Choose(0, 1)).Select(t => new Step(t.Item1.Item1.Item1, t.Item1.Item1.Item2, t.Item1.Item2.Item1, t.Item2));
        var batches = step.NonEmptyListOf().NonEmptyListOf();
        Prop.ForAll(batches.ToArbitrary(), b => Check(b)).Check(Config.QuickThrowOnFailure.WithMaxTest(300));
    }

    private static void Check(List<List<Step>> batches)
    {
        var directory = new MeshDirectory(VipRange.Default, new MeshZones([HostName.Parse("mesh.internal")]), ShardCount, TimeProvider.System, _ => { });
        var model = new Model();
        long at = 0;
        foreach (var batch in batches)
        {
            var resets = batch.Where(s => s.Kind == 7).Select(s => Streams.Shard(Streams.ShardOf(HostName.Parse(_hosts[s.Host]), ShardCount), ShardCount)).ToArray();
            foreach (var stream in resets) model.Reset(stream);
            var facts = batch.Where(s => s.Kind < 7).Select(model.Take).OfType<MeshEvent>().ToArray();
            directory.Apply(new FeedBatch(resets, facts, DirectoryPosition.None, ++at));
            Compare(directory, model);
        }
        Assert.Equal(0, directory.Violations);
        var loaded = new MeshDirectory(VipRange.Default, new MeshZones([HostName.Parse("mesh.internal")]), ShardCount, TimeProvider.System);
        loaded.Restore(directory.Capture());
        Compare(loaded, model);
    }

    private static void Compare(MeshDirectory directory, Model model)
    {
        foreach (var name in _asked)
        {
            foreach (var ns in new[] { null, "one", "two" })
            {
                var view = new ClientView(ns, true);
                var match = directory.FindExact(Wire(name), view);
                if (match.Entry is null) match = directory.FindWildcard(Wire(name), view);
                Assert.Equal(model.Find(name, ns), match.Entry is null ? "unknown" : Answer(match, view));
                Assert.Equal(model.HasNamesBelow(name, ns), directory.HasNamesBelow(Wire(name), view));
            }
        }
        for (var index = 1; index <= 8; index++) Assert.Equal(model.HolderOf(index), directory.HolderOf(index)?.Host.Text);
        Assert.Equal(model.Names, directory.Names);
    }

    private static string Answer(DirectoryMatch match, ClientView view)
    {
        var list = match.Entry!.Addresses(match.Choice, view, v6: false);
        var all = new List<string>();
        for (var i = 0; i < list.Count; i++) if (list.TryGet(i, out var address)) all.Add(new System.Net.IPAddress(address).ToString());
        return match.Choice.Source == AnswerSource.Vip ? $"vip {match.Entry!.VipIndex}" : match.Choice.Source + " " + string.Join(',', all);
    }

    private sealed record Step(int Kind, int Number, int Host, int Namespace);

    /// <summary>Dictionaries and the rules of behaviour.md, written down naively.</summary>
    private sealed class Model
    {
        private readonly Dictionary<(string Host, string Namespace, string Document), (string[] Addresses, bool Eligible, bool Own, long Created)> _declarations = [];
        private readonly Dictionary<string, int> _leases = [];

        public int Names => _declarations.Keys.Select(k => k.Host).Distinct().Count();

        public string? HolderOf(int index) => _leases.FirstOrDefault(l => l.Value == index).Key;

        public MeshEvent? Take(Step step)
        {
            var (host, ns) = (_hosts[step.Host], _namespaces[step.Namespace]);
            var document = "d" + (step.Number % 2);
            switch (step.Kind)
            {
                case 0 or 1 or 2:
                    string[] addresses = step.Kind == 0 ? [] : [.. Enumerable.Range(1, step.Number % 3).Select(i => $"10.0.0.{i + (step.Number % 2)}")];
                    _declarations[(host, ns, document)] = (addresses, step.Kind == 0, step.Number > 5, step.Number);
                    return Declare(host, addresses, ns, document, step.Kind == 0, step.Number, step.Number > 5 ? ["."] : []);
                case 3:
                    _declarations.Remove((host, ns, document));
                    return Withdraw(host, ns, document);
                case 4 or 5 when !_leases.ContainsKey(host) && !_leases.ContainsValue(step.Number + 1):
                    _leases[host] = step.Number + 1;
                    return Grant(step.Number + 1, host);
                case 6 when _leases.Remove(host, out var index):
                    return Release(index, host);
                default:
                    return null;
            }
        }

        public void Reset(string stream)
        {
            foreach (var key in _declarations.Keys.Where(k => Streams.Shard(Streams.ShardOf(HostName.Parse(k.Host), ShardCount), ShardCount) == stream).ToArray()) _declarations.Remove(key);
        }

        public bool HasNamesBelow(string name, string? ns) => name == "internal"
            || _hosts.Any(h => h.EndsWith("." + name, StringComparison.Ordinal) && AnswerOf(h, ns) is { } answer && (answer != "NoAddress " || h.EndsWith(".mesh.internal", StringComparison.Ordinal)));

        public string Find(string name, string? ns)
        {
            var candidates = new List<string> { name };
            for (var rest = name; rest.Contains('.', StringComparison.Ordinal);)
            {
                rest = rest[(rest.IndexOf('.', StringComparison.Ordinal) + 1)..];
                candidates.Add("*." + rest);
            }
            return candidates.Select(c => AnswerOf(c, ns)).FirstOrDefault(a => a is not null) ?? "unknown";
        }

        private string? AnswerOf(string host, string? ns)
        {
            var visible = _declarations.Where(d => d.Key.Host == host && (!d.Value.Own || d.Key.Namespace == ns))
                .OrderBy(d => d.Value.Created).ThenBy(d => Declaration.HashOf(new DocumentKey(DocumentKind.ServiceEntry, d.Key.Namespace, d.Key.Document))).ToArray();
            if (visible.Length == 0) return null;
            string? AnswerOfNamespace(string recordNamespace)
            {
                var record = visible.Where(d => d.Key.Namespace == recordNamespace).ToArray();
                var addresses = record.SelectMany(d => d.Value.Addresses).Distinct().ToArray();
                if (addresses.Length != 0) return "Explicit " + string.Join(',', addresses);
                return record.Any(d => d.Value.Eligible) && _leases.TryGetValue(host, out var index) ? $"vip {index}" : null;
            }
            var order = visible.Select(d => d.Key.Namespace).Distinct().OrderBy(n => n == ns ? 0 : 1);
            // The age of a record is that of its oldest declaration that answers.
            var answers = order.Select(n => (Namespace: n, Answer: AnswerOfNamespace(n))).Where(a => a.Answer is not null).ToArray();
            return answers.Length == 0 ? "NoAddress " : answers[0].Answer;
        }
    }
}
