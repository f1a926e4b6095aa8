using System.Collections.Concurrent;

namespace MeshDns.Chaos.Run.Links;

/// <summary>The ways between all parties, by their names. A party is a node, or the database.</summary>
internal sealed class Network
{
    public const string Database = "database";

    private readonly ConcurrentDictionary<(string From, string To), Way> _ways = [];

    /// <summary>What travels from one to the other.</summary>
    public Way this[string from, string to] => _ways.GetOrAdd((from, to), _ => new Way());

    public Link Between(string opener, string server) => new(this[opener, server], this[server, opener]);

    /// <summary>Every way from and to a party.</summary>
    public IEnumerable<Way> Of(string party) => _ways.Where(way => way.Key.From == party || way.Key.To == party).Select(way => way.Value);

    public void HealAll()
    {
        foreach (var way in _ways.Values) way.Heal();
    }
}
