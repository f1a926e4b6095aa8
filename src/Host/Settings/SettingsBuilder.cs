using System.Net;
using MeshDns.Host.Settings.Hocon;

namespace MeshDns.Host.Settings;

/// <summary>Builds the typed settings from a resolved configuration, then checks what one key alone cannot show.</summary>
internal static class SettingsBuilder
{
    /// <summary>The settings; they count only when no error was added.</summary>
    public static MeshDnsSettings Build(HoconObject root, List<SettingsError> errors)
    {
        var binder = new SettingsBinder(root, errors);
        binder.RefuseUnknown();
        var dns = Dns(binder);
        var vips = new VipSettings(binder.Get(SettingsSchema.VipsIPv4), binder.Get(SettingsSchema.VipsIPv6), binder.Get(SettingsSchema.VipsQuarantine));
        var settings = new MeshDnsSettings(
            new NodeSettings(binder.Get(SettingsSchema.NodeName), binder.Get(SettingsSchema.NodeRoles), binder.Get(SettingsSchema.NodeDataDirectory)),
            dns,
            new MeshSettings(binder.Get(SettingsSchema.MeshClusterDomain), binder.Get(SettingsSchema.MeshZones)),
            Directory(binder, DerivedMaxAge(dns, vips)),
            Upstream(binder),
            new AdminSettings(binder.Get(SettingsSchema.AdminListen), binder.Get(SettingsSchema.AdminToken)),
            Cluster(binder),
            Journal(binder),
            vips,
            binder.Get(SettingsSchema.Clients),
            new SourceSettings(binder.Get(SettingsSchema.SourcesManifests), binder.Get(SettingsSchema.SourcesKubernetes)),
            new GatewaySettings(binder.Get(SettingsSchema.GatewayEnabled)),
            new TelemetrySettings(binder.Get(SettingsSchema.TelemetryOtlpEndpoint)),
            AkkaReader.Read(root, errors));
        CheckTimes(settings, binder);
        CheckAccess(settings, binder);
        ClusterRules.Check(settings, binder);
        return settings with { Values = binder.Values };
    }

    private static DnsSettings Dns(SettingsBinder binder) => new(
        binder.Get(SettingsSchema.DnsListen),
        binder.Get(SettingsSchema.DnsTtl),
        binder.Get(SettingsSchema.DnsNegativeTtl),
        binder.Get(SettingsSchema.DnsNotReady),
        binder.Get(SettingsSchema.DnsCapture));

    private static DirectorySettings Directory(SettingsBinder binder, TimeSpan derived)
    {
        var maxAge = binder.Get(SettingsSchema.DirectoryMaxAge);
        return new DirectorySettings(maxAge ?? derived, binder.Get(SettingsSchema.DirectoryExpired)) { IsDerived = maxAge is null };
    }

    private static UpstreamSettings Upstream(SettingsBinder binder) => new(
        binder.Get(SettingsSchema.UpstreamServers),
        binder.Get(SettingsSchema.UpstreamRoutes),
        binder.Get(SettingsSchema.UpstreamTimeout),
        binder.Get(SettingsSchema.UpstreamCacheSize));

    private static ClusterSettings Cluster(SettingsBinder binder) => new(
        binder.Get(SettingsSchema.ClusterListen),
        binder.Get(SettingsSchema.ClusterAdvertise),
        binder.Get(SettingsSchema.ClusterFeed),
        binder.Get(SettingsSchema.ClusterAdvertiseFeed),
        binder.Get(SettingsSchema.ClusterJoin),
        binder.Get(SettingsSchema.ClusterSecret),
        ClusterRules.Tls(binder),
        binder.Get(SettingsSchema.ClusterHeartbeat),
        binder.Get(SettingsSchema.ClusterLease),
        binder.Get(SettingsSchema.ClusterShards));

    private static JournalSettings Journal(SettingsBinder binder) => new(
        binder.Get(SettingsSchema.JournalStore),
        binder.Get(SettingsSchema.JournalConnectionString),
        binder.Get(SettingsSchema.JournalAllowDataLoss),
        binder.Get(SettingsSchema.JournalKeep));

    /// <summary>An answer from knowledge of this age is out of every client's cache before the VIP's quarantine ends (promise 4).</summary>
    private static TimeSpan DerivedMaxAge(DnsSettings dns, VipSettings vips) => vips.Quarantine - (2 * dns.Ttl);

    private static void CheckTimes(MeshDnsSettings settings, SettingsBinder binder)
    {
        var (ttl, quarantine) = (settings.Dns.Ttl, settings.Vips.Quarantine);
        var agesKnown = binder.AllValid(SettingsSchema.DnsTtl, SettingsSchema.VipsQuarantine);
        if (agesKnown && quarantine < 4 * ttl)
            binder.Refuse(SettingsSchema.VipsQuarantine, $"must be at least 4 x dns.ttl, {HoconUnits.Format(4 * ttl)}; got {HoconUnits.Format(quarantine)}");
        else if (agesKnown && binder.AllValid(SettingsSchema.DirectoryMaxAge) && settings.Directory.MaxAge > DerivedMaxAge(settings.Dns, settings.Vips))
            binder.Refuse(SettingsSchema.DirectoryMaxAge,
                $"must be at most vips.quarantine - 2 x dns.ttl, {HoconUnits.Format(DerivedMaxAge(settings.Dns, settings.Vips))}; got {HoconUnits.Format(settings.Directory.MaxAge)}");
        var (lease, heartbeat) = (settings.Cluster.Lease, settings.Cluster.Heartbeat);
        if (binder.AllValid(SettingsSchema.ClusterLease, SettingsSchema.ClusterHeartbeat) && lease < 3 * heartbeat)
            binder.Refuse(SettingsSchema.ClusterLease, $"must be at least 3 x cluster.heartbeat, {HoconUnits.Format(3 * heartbeat)}; got {HoconUnits.Format(lease)}");
    }

    private static void CheckAccess(MeshDnsSettings settings, SettingsBinder binder)
    {
        var admin = settings.Admin;
        if (binder.AllValid(SettingsSchema.AdminListen, SettingsSchema.AdminToken) && !IPAddress.IsLoopback(admin.Listen.Address) && !admin.Token.IsSet)
            binder.Refuse(SettingsSchema.AdminListen, "reaches beyond loopback, so admin.token must be set: anyone who reaches the API can change what names mean");
        if (binder.AllValid(SettingsSchema.DnsListen))
        {
            var twice = settings.Dns.Listen.Where(endpoint => endpoint.Port != 0).GroupBy(endpoint => endpoint).FirstOrDefault(group => group.Count() > 1);
            if (twice is not null)
                binder.Refuse(SettingsSchema.DnsListen, $"names {twice.Key} twice");
        }
    }
}
