using MeshDns.Tests.Shared.Judge;

namespace MeshDns.Chaos.Run.Workload;

/// <summary>What a writer writes next. A document belongs to one plan, and a plan is carried out by one writer, one command after the other.</summary>
internal abstract class Plan
{
    public const string Zone = "chaos.test";

    private readonly Dictionary<string, int> _generations = [];

    public abstract IReadOnlyList<CommandDocument> Next(Random random);


    protected CommandDocument Put(string name, IReadOnlyList<string> hosts, params IReadOnlyList<string> addresses) =>
        new() { Key = $"ServiceEntry/default/{name}", Generation = NextGeneration(name), Hosts = hosts, Addresses = addresses };

    protected CommandDocument Delete(string name, IReadOnlyList<string> hosts) =>
        new() { Key = $"ServiceEntry/default/{name}", Generation = NextGeneration(name), Hosts = hosts, Deleted = true };

    // Ports end at 65535; a plan is never asked so often.
    private int NextGeneration(string name) => _generations[name] = _generations.GetValueOrDefault(name) + 1;
}

/// <summary>Names that are declared once and never touched: whatever happens, they are answered.</summary>
internal sealed class StablePlan : Plan
{
    public const int Documents = 16;

    /// <summary>Every fourth has an explicit address, the others have VIPs.</summary>
    public override IReadOnlyList<CommandDocument> Next(Random random) =>
        [.. Enumerable.Range(0, Documents).Select(i => Put($"stable-{i}", [$"stable-{i}.{Zone}"], i % 4 == 3 ? [$"192.0.2.{i}"] : []))];
}

/// <summary>Declares, declares anew, withdraws; a name comes back, or another takes its place, so that VIPs go to other names in time.</summary>
internal sealed class ChurnPlan(string name) : Plan
{
    private const int Documents = 4;

    private readonly string[][] _hosts = new string[Documents][];
    private int _hostCount;

    public override IReadOnlyList<CommandDocument> Next(Random random)
    {
        var documents = Enumerable.Range(0, Documents).OrderBy(_ => random.Next()).Take(1 + random.Next(2)).ToArray();
        return random.Next(3) == 0
            ? [.. documents.Select(d => Delete($"{name}-{d}", _hosts[d] ??= NewHosts(random)))]
            : [.. documents.Select(d => Put($"{name}-{d}", HostsOf(d, random)))];
    }

    private string[] HostsOf(int document, Random random) =>
        _hosts[document] is { } hosts && random.Next(12) > 0 ? hosts : _hosts[document] = NewHosts(random);

    private string[] NewHosts(Random random) => [.. Enumerable.Range(0, 1 + random.Next(2)).Select(_ => $"{name}-h{_hostCount++}.{Zone}")];
}

/// <summary>Two names whose explicit address is the generation of the command that wrote both.</summary>
internal sealed class TwinPlan(string name) : Plan
{
    private int _generation;

    public TwinRecord Twins => new($"{name}-a.{Zone}", $"{name}-b.{Zone}");

    public override IReadOnlyList<CommandDocument> Next(Random random)
    {
        _generation++;
        var address = $"10.{_generation >> 16}.{(_generation >> 8) & 255}.{_generation & 255}";
        return [Put($"{name}-a", [Twins.First], address), Put($"{name}-b", [Twins.Second], address)];
    }
}

/// <summary>Claims explicit addresses inside the pool, and so moves whoever holds them; lets them go again; wants a VIP itself.</summary>
internal sealed class MoverPlan(string name, int poolSize) : Plan
{
    public override IReadOnlyList<CommandDocument> Next(Random random)
    {
        string[] hosts = [$"{name}.{Zone}"];
        return random.Next(4) switch
        {
            0 => [Delete(name, hosts)],
            1 => [Put(name, hosts)],
            _ => [Put(name, hosts, $"240.240.0.{1 + random.Next(poolSize)}")],
        };
    }
}
