namespace MeshDns.Host.Settings;

/// <summary>What the keys of a cluster ask of each other.</summary>
internal static class ClusterRules
{
    /// <summary>The certificates; null when none is set. Some set and some not is refused.</summary>
    public static ClusterTlsSettings? Tls(SettingsBinder binder)
    {
        SettingKey<string>[] keys = [SettingsSchema.ClusterTlsCertificate, SettingsSchema.ClusterTlsKey, SettingsSchema.ClusterTlsAuthority];
        string[] paths = [.. keys.Select(binder.Get)];
        if (!binder.AllValid(keys) || paths.All(path => path.Length == 0))
            return null;
        var missing = Array.FindIndex(paths, path => path.Length == 0);
        if (missing >= 0)
        {
            binder.Refuse(keys[Array.FindIndex(paths, path => path.Length > 0)],
                $"needs {keys[missing].Path[(SettingKey.Root.Length + 1)..]}: cluster.tls takes a certificate, its key and an authority together");
            return null;
        }
        return new ClusterTlsSettings(paths[0], paths[1], paths[2]);
    }

    public static void Check(MeshDnsSettings settings, SettingsBinder binder)
    {
        if (binder.AllValid(SettingsSchema.JournalStore, SettingsSchema.JournalConnectionString)
            && settings.Journal is { Store: JournalStore.Postgres, ConnectionString.IsSet: false })
            binder.Refuse(SettingsSchema.JournalStore, "is postgres, so journal.connection-string must be set");
        if (!binder.AllValid(SettingsSchema.NodeRoles, SettingsSchema.JournalStore, SettingsSchema.ClusterListen, SettingsSchema.ClusterAdvertise,
                SettingsSchema.ClusterFeed, SettingsSchema.ClusterAdvertiseFeed, SettingsSchema.ClusterJoin, SettingsSchema.ClusterSecret, SettingsSchema.ClusterTlsCertificate, SettingsSchema.ClusterTlsKey, SettingsSchema.ClusterTlsAuthority))
            return;
        if (!IsOwner(settings) && settings is { Journal.Store: JournalStore.Postgres, Cluster.Join.Count: 0 })
            binder.Refuse(SettingsSchema.JournalStore, "postgres is for owners: a node without that role has no database and reads from owners' feeds (cluster.join)");
        if (WhyNotListen(settings) is { } whyNotListen)
            binder.Refuse(SettingsSchema.ClusterListen, whyNotListen);
        if (WhyNotFeed(settings) is { } whyNotFeed)
            binder.Refuse(SettingsSchema.ClusterFeed, whyNotFeed);
        if (WhyNotJoin(settings) is { } whyNotJoin)
            binder.Refuse(SettingsSchema.ClusterJoin, whyNotJoin);
    }

    private static string? WhyNotListen(MeshDnsSettings settings)
    {
        var cluster = settings.Cluster;
        if (cluster.Listen is null)
            return null;
        if (!IsOwner(settings))
            return "is for owners: nobody connects to a node without the role owner; cluster.join is its link";
        if (!HasAuthority(cluster))
            return "needs cluster.secret or cluster.tls: anyone who reaches it could speak as a node";
        if (cluster.Advertise is null && AddressReaders.IsWildcard(cluster.Listen.Address))
            return "is a wildcard address, so cluster.advertise must say where other nodes reach this one";
        return IsOwner(settings) && settings.Journal.Store == JournalStore.Sqlite ? "a cluster needs journal.store = postgres: SQLite is one node's own" : null;
    }

    private static string? WhyNotFeed(MeshDnsSettings settings)
    {
        var cluster = settings.Cluster;
        if (cluster.Feed is null)
            return null;
        if (!IsOwner(settings))
            return "is for owners: nodes without a database read from them";
        if (cluster.Listen is null)
            return "needs cluster.listen: owners ask each other who reads from them";
        return cluster.Advertise is null && cluster.AdvertiseFeed is null && AddressReaders.IsWildcard(cluster.Feed.Address)
            ? "is a wildcard address, so cluster.advertise-feed must say where nodes without a database reach this one"
            : null;
    }

    private static string? WhyNotJoin(MeshDnsSettings settings)
    {
        var (joins, hasDatabase) = (settings.Cluster.Join.Count > 0, settings.Journal.Store == JournalStore.Postgres);
        if (!joins)
            return IsOwner(settings) || hasDatabase ? null : "must name owners' feeds: a node without the role owner reads from them";
        if (IsOwner(settings))
            return "is for nodes without the role owner: an owner finds the others in the database";
        if (hasDatabase)
            return "is for nodes without a database, but journal.store is postgres";
        return HasAuthority(settings.Cluster) ? null : "needs cluster.secret or cluster.tls: without it no node answers";
    }

    private static bool HasAuthority(ClusterSettings cluster) => cluster.Secret.IsSet || cluster.Tls is not null;

    private static bool IsOwner(MeshDnsSettings settings) => settings.Node.Roles.HasFlag(NodeRoles.Owner);
}
