using System.Collections.Immutable;
using MeshDns.Contracts.Names;

namespace MeshDns.Actors.Vips;

/// <summary>An immutable set of pairs (text, host), found from either side: who claims an address, what a host claims.</summary>
internal sealed class HostRelation
{
    private static readonly ImmutableSortedSet<HostName> _noHosts = [];
    private static readonly ImmutableSortedSet<string> _noKeys = ImmutableSortedSet.Create<string>(StringComparer.Ordinal);
    private readonly ImmutableSortedDictionary<string, ImmutableSortedSet<HostName>> _byKey;
    private readonly ImmutableDictionary<HostName, ImmutableSortedSet<string>> _byHost;

    private HostRelation(ImmutableSortedDictionary<string, ImmutableSortedSet<HostName>> byKey, ImmutableDictionary<HostName, ImmutableSortedSet<string>> byHost)
    {
        _byKey = byKey;
        _byHost = byHost;
    }

    public static HostRelation Empty { get; } = new(
        ImmutableSortedDictionary.Create<string, ImmutableSortedSet<HostName>>(StringComparer.Ordinal),
        ImmutableDictionary<HostName, ImmutableSortedSet<string>>.Empty);

    /// <summary>Every key that has a host, in ordinal order.</summary>
    public IEnumerable<string> Keys => _byKey.Keys;

    /// <summary>Every pair, ordered by key, then host.</summary>
    public IEnumerable<(string Key, HostName Host)> Pairs => _byKey.SelectMany(entry => entry.Value.Select(host => (entry.Key, host)));

    public ImmutableSortedSet<HostName> HostsOf(string key) => _byKey.GetValueOrDefault(key, _noHosts);

    public ImmutableSortedSet<string> KeysOf(HostName host) => _byHost.GetValueOrDefault(host, _noKeys);

    public bool Contains(string key, HostName host) => HostsOf(key).Contains(host);

    /// <summary>This and one pair more.</summary>
    /// <exception cref="InvalidOperationException">The pair is there already.</exception>
    public HostRelation With(string key, HostName host)
    {
        if (Contains(key, host)) throw new InvalidOperationException($"{host} has {key} already");
        return new HostRelation(_byKey.SetItem(key, HostsOf(key).Add(host)), _byHost.SetItem(host, KeysOf(host).Add(key)));
    }

    /// <summary>This and one pair fewer.</summary>
    /// <exception cref="InvalidOperationException">The pair is not there.</exception>
    public HostRelation Without(string key, HostName host)
    {
        if (!Contains(key, host)) throw new InvalidOperationException($"{host} does not have {key}");
        var hosts = HostsOf(key).Remove(host);
        var keys = KeysOf(host).Remove(key);
        return new HostRelation(
            hosts.IsEmpty ? _byKey.Remove(key) : _byKey.SetItem(key, hosts),
            keys.IsEmpty ? _byHost.Remove(host) : _byHost.SetItem(host, keys));
    }
}
