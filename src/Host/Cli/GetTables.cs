using System.Globalization;
using System.Text.Json.Nodes;
using MeshDns.Host.Sources;
using static MeshDns.Host.Sources.ItemText;

namespace MeshDns.Host.Cli;

/// <summary>One thing that <c>get</c> shows.</summary>
/// <param name="Name">What it is called on the command line.</param>
/// <param name="Path">Where the API has it.</param>
/// <param name="ClusterPart">The list inside <c>/v1/cluster</c>, for what has no path of its own.</param>
/// <param name="IsNamespaced">True for documents: a name needs its namespace.</param>
/// <param name="Columns">The table's columns: heading and text of an item.</param>
internal sealed record GetTable(string Name, string Path, string? ClusterPart, bool IsNamespaced, params (string Heading, Func<JsonNode, string> Text)[] Columns)
{
    /// <summary>The headings.</summary>
    public IReadOnlyList<string> Heading => [.. Columns.Select(column => column.Heading)];

    /// <summary>An item's row.</summary>
    public IReadOnlyList<string> Row(JsonNode item) => [.. Columns.Select(column => column.Text(item))];

    /// <summary>The name of an item of the cluster.</summary>
    public string NameOf(JsonNode item) => Columns[0].Text(item);

    /// <summary>The item's namespace; null when it has none.</summary>
    public string? NamespaceOf(JsonNode item) => IsNamespaced ? Text(item, "metadata", "namespace") : item["namespace"] is { } ns ? ns.ToString() : null;
}

/// <summary>The tables of <c>get</c>.</summary>
internal static class GetTables
{
    public static IReadOnlyList<GetTable> All { get; } =
    [
        .. DocumentKinds.All.Select(kind => new GetTable(kind.Names[0], kind.Path, null, true,
            [("NAMESPACE", item => Text(item, "metadata", "namespace")), ("NAME", item => Text(item, "metadata", "name")), .. kind.Columns])),
        new("hosts", "/v1/hosts", null, false,
            ("HOST", item => Text(item, "host")),
            ("NAMESPACE", item => Text(item, "namespace")),
            ("ADDRESSES", item => List(At(item, "addresses"), address => address.ToString())),
            ("VIP", item => Text(item, "vip", "state")),
            ("TTL", item => Text(item, "ttl")),
            ("ENTRIES", item => List(At(item, "entries"), entry => Text(entry, "name"))),
            ("SHARD", item => Text(item, "shard")),
            ("OWNER", item => Text(item, "owner"))),
        new("vips", "/v1/vips", null, false,
            ("IPV4", item => Text(item, "ipv4")),
            ("IPV6", item => Text(item, "ipv6")),
            ("HOST", item => Text(item, "host")),
            ("STATE", item => Text(item, "state")),
            ("SINCE", item => Text(item, "since")),
            ("UNTIL", item => Text(item, "until"))),
        new("nodes", "/v1/cluster", "members", false,
            ("NODE", item => Text(item, "node")),
            ("ADDRESS", item => Text(item, "address")),
            ("ROLES", item => List(At(item, "roles"), role => role.ToString())),
            ("STATE", item => Text(item, "state")),
            ("VERSION", item => Text(item, "version")),
            ("STREAMS", item => Text(item, "streams")),
            ("NAMES", item => Text(item, "directory", "names")),
            ("AGE", item => Age(At(item, "directory", "ageSeconds"))),
            ("LAG", item => Text(item, "directory", "lagEvents"))),
        new("streams", "/v1/cluster", "streams", false,
            ("STREAM", item => Text(item, "stream")),
            ("OWNER", item => Text(item, "owner")),
            ("EPOCH", item => Text(item, "epoch")),
            ("SEQ", item => Text(item, "seq"))),
    ];

    private static string Age(JsonNode? seconds) =>
        seconds is JsonValue value && value.TryGetValue<double>(out var age) ? age.ToString("0.0", CultureInfo.InvariantCulture) + "s" : "-";
}
