namespace MeshDns.Host.Settings;

/// <summary>
/// Every setting of a node as it was read, validated and immutable: each key of <c>reference.conf</c> has exactly one home here.
/// Made by <see cref="SettingsLoader.Load"/>; <c>ToString</c> shows no secret.
/// </summary>
/// <param name="Node">Who this node is and where it keeps its files.</param>
/// <param name="Dns">Listening for and answering queries.</param>
/// <param name="Mesh">Which zones are ours.</param>
/// <param name="Directory">How old the node's knowledge may be.</param>
/// <param name="Upstream">Where names that are not ours are asked.</param>
/// <param name="Admin">The HTTP API.</param>
/// <param name="Cluster">Node-to-node traffic and leases.</param>
/// <param name="Journal">Where events are stored.</param>
/// <param name="Vips">The virtual address ranges.</param>
/// <param name="Clients">Client networks in the order written; the longest matching prefix applies. At most 4,096.</param>
/// <param name="Sources">Where declarations come from besides the API.</param>
/// <param name="Gateway">The VIP gateway.</param>
/// <param name="Telemetry">Where metrics are pushed.</param>
/// <param name="Akka">The root block <c>akka { }</c>: full dotted key to scalar text, each allowed by <see cref="Actors.Cluster.AkkaSettings.WhyNot"/>.</param>
public sealed record MeshDnsSettings(
    NodeSettings Node,
    DnsSettings Dns,
    MeshSettings Mesh,
    DirectorySettings Directory,
    UpstreamSettings Upstream,
    AdminSettings Admin,
    ClusterSettings Cluster,
    JournalSettings Journal,
    VipSettings Vips,
    IReadOnlyList<ClientSettings> Clients,
    SourceSettings Sources,
    GatewaySettings Gateway,
    TelemetrySettings Telemetry,
    IReadOnlyDictionary<string, string> Akka)
{
    /// <summary>Where they can be read again; null when they were not read.</summary>
    internal SettingsSource? Source { get; init; }

    /// <summary>What each key was read as, secrets among them: to tell what changed.</summary>
    internal IReadOnlyDictionary<SettingKey, object?> Values { get; init; } = new Dictionary<SettingKey, object?>();

    /// <summary>
    /// The settings that are valid but that this build cannot honour yet, one sentence each, beginning with the key.
    /// A node refuses to start unless the list is empty: a setting that is accepted and does nothing would be a lie.
    /// </summary>
    public IReadOnlyList<string> Unsupported()
    {
        var list = new List<string>();
        Refuse(Node.Roles.HasFlag(NodeRoles.Gateway), "node.roles: the role gateway is not in this build");
        Refuse(!Node.Roles.HasFlag(NodeRoles.Edge), "node.roles: a node without the role edge is not in this build");
        Refuse(Node.Roles.HasFlag(NodeRoles.Owner) && Journal.Store == JournalStore.Postgres && Cluster.Listen is null,
            "cluster.listen: must be set with journal.store = postgres: owners are members of one cluster and reach each other there");
        Refuse(Sources.Kubernetes is not null, "sources.kubernetes: watching Kubernetes is not in this build");
        Refuse(Gateway.Enabled, "gateway.enabled: the VIP gateway is not in this build");
        return list;

        void Refuse(bool asked, string why)
        {
            if (asked)
                list.Add(why);
        }
    }
}
