using System.Collections.Concurrent;
using MeshDns.Contracts.Dns;
using MeshDns.Tests.Shared;

namespace MeshDns.Conformance.Harness;

/// <summary>A fake upstream with a script a name, so that tests of one node do not disturb each other. An unknown name does not exist there.</summary>
public sealed class ScriptedUpstream : IDisposable
{
    private readonly ConcurrentDictionary<string, Func<FakeQuery, FakeReply>> _scripts = new(StringComparer.OrdinalIgnoreCase);
    private readonly FakeUpstream _server;

    public ScriptedUpstream() => _server = new FakeUpstream(query =>
        _scripts.TryGetValue(query.Name.TrimEnd('.'), out var script) ? script(query) : query.Fail(Rcode.NXDomain, Soa(query)));

    /// <summary>As upstream.servers takes it.</summary>
    public string Address => _server.Address.ToString();

    /// <summary>The names of all queries so far, lower case, without the last dot.</summary>
    public IEnumerable<string> Names => _server.Queries.Select(query => query.Name.TrimEnd('.').ToLowerInvariant());

    /// <summary>What a name gets from now on.</summary>
    public void On(string name, Func<FakeQuery, FakeReply> script) => _scripts[name] = script;

    /// <summary>A name with one address.</summary>
    public void Address4(string name, string address, uint ttl = 300) => On(name, query =>
        query.Type == DnsType.A ? query.Answer(FakeRecord.A(query.Name, ttl, address)) : query.Answer(Soa(query)));

    /// <summary>The queries for a name so far.</summary>
    public IReadOnlyList<FakeQuery> QueriesFor(string name) => [.. _server.Queries.Where(query => query.Name.TrimEnd('.').Equals(name, StringComparison.OrdinalIgnoreCase))];

    // The zone is the top-level domain: a negative answer whose SOA does not hold the name is not cached.
    private static FakeRecord Soa(FakeQuery query) => FakeRecord.Soa(query.Name.TrimEnd('.').Split('.')[^1], 60, 60);

    public void Dispose() => _server.Dispose();
}
