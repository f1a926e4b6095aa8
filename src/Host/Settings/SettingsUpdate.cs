using System.Collections;
using System.Net;

namespace MeshDns.Host.Settings;

/// <summary>What settings that were read again mean for a node that runs.</summary>
/// <param name="Settings">What it is to run with from here on: what applies live as it was read, all else as it was.</param>
/// <param name="Applied">The keys that are new in <paramref name="Settings"/>, without the leading <c>meshdns.</c>, in the order of the schema.</param>
/// <param name="NeedsRestart">The keys that differ and stay as they were.</param>
internal sealed record SettingsUpdate(MeshDnsSettings Settings, IReadOnlyList<string> Applied, IReadOnlyList<string> NeedsRestart)
{
    /// <summary>Compares what a node runs with and what was read.</summary>
    public static SettingsUpdate Of(MeshDnsSettings running, MeshDnsSettings read)
    {
        List<SettingKey> changed = [.. SettingsSchema.All.Where(key => !AreSame(running.Values[key], read.Values[key]))];
        HashSet<SettingKey> live = [.. changed.Where(key => key.IsLive && !IsHeldBack(key, running, read))];
        var akka = running.Akka.Keys.Union(read.Akka.Keys).Where(key => running.Akka.GetValueOrDefault(key) != read.Akka.GetValueOrDefault(key)).Order(StringComparer.Ordinal);
        return new SettingsUpdate(Merge(running, read, live), [.. changed.Where(live.Contains).Select(NameOf)], [.. changed.Where(key => !live.Contains(key)).Select(NameOf), .. akka]);
    }

    /// <summary>The key as <c>--set</c> takes it.</summary>
    public static string NameOf(SettingKey key) => key.Path[(SettingKey.Root.Length + 1)..];

    // Fine together with what else was read, but not with what stays.
    private static bool IsHeldBack(SettingKey key, MeshDnsSettings running, MeshDnsSettings read) =>
        (key == SettingsSchema.AdminToken && !read.Admin.Token.IsSet && !IPAddress.IsLoopback(running.Admin.Listen.Address))
        || (key == SettingsSchema.DnsTtl && 4 * read.Dns.Ttl > running.Vips.Quarantine);

    private static MeshDnsSettings Merge(MeshDnsSettings running, MeshDnsSettings read, HashSet<SettingKey> live)
    {
        var ttl = Pick(SettingsSchema.DnsTtl, running.Dns.Ttl, read.Dns.Ttl);
        // It may have been read as the age that goes with a quarantine which does not hold yet (promise 4).
        var longest = running.Vips.Quarantine - (2 * ttl);
        var (maxAge, isDerived) = live.Contains(SettingsSchema.DirectoryMaxAge) ? (read.Directory.MaxAge, read.Directory.IsDerived) : (running.Directory.MaxAge, running.Directory.IsDerived);
        return running with
        {
            Dns = running.Dns with { Ttl = ttl, NegativeTtl = read.Dns.NegativeTtl, NotReady = read.Dns.NotReady, Capture = read.Dns.Capture },
            Directory = new DirectorySettings(isDerived || maxAge > longest ? longest : maxAge, read.Directory.Expired) { IsDerived = isDerived },
            Upstream = running.Upstream with { Servers = read.Upstream.Servers, Routes = read.Upstream.Routes, Timeout = read.Upstream.Timeout },
            Admin = running.Admin with { Token = Pick(SettingsSchema.AdminToken, running.Admin.Token, read.Admin.Token) },
            Clients = read.Clients,
            Values = running.Values.ToDictionary(value => value.Key, value => live.Contains(value.Key) ? read.Values[value.Key] : value.Value),
        };

        T Pick<T>(SettingKey<T> key, T old, T now) => live.Contains(key) ? now : old;
    }

    private static bool AreSame(object? one, object? other) => (one, other) switch
    {
        (Secret a, Secret b) => a.Reveal() == b.Reveal(),
        (UpstreamRoute a, UpstreamRoute b) => a.Suffix == b.Suffix && AreSame(a.Servers, b.Servers),
        (string a, string b) => a == b,
        (IEnumerable a, IEnumerable b) => a.Cast<object?>().SequenceEqual(b.Cast<object?>(), _members),
        _ => Equals(one, other),
    };

    private static readonly EqualityComparer<object?> _members = EqualityComparer<object?>.Create(AreSame, _ => 0);
}
