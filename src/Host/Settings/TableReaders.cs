using System.Net;
using MeshDns.Host.Settings.Hocon;

namespace MeshDns.Host.Settings;

/// <summary>Readers of the two keys that hold tables: <c>upstream.routes</c> and <c>clients</c>. Both also take HOCON in a text, so that an environment variable can hold them.</summary>
internal static class TableReaders
{
    private const int MaxRoutes = 256;
    private const int MaxClients = 4096;
    private const int MaxServers = 32;

    /// <summary>Up to 32 resolvers, perhaps none.</summary>
    public static SettingReader<IReadOnlyList<IPEndPoint>> Servers(int least)
        => SettingReaders.List(AddressReaders.Server, least, MaxServers, "resolvers (IP or IP:PORT)");

    public static IReadOnlyList<UpstreamRoute> Routes(HoconValue value, SettingIssues issues)
    {
        const string Allowed = "an object { \"SUFFIX\" = [SERVERS], ... }";
        if (FromText(value, issues) is not HoconObject table)
        {
            if (!issues.Any)
                issues.Refuse(value, $"must be {Allowed}, not {SettingReaders.Kind(value)}");
            return [];
        }
        if (table.Fields.Count > MaxRoutes)
            issues.Refuse(value, $"must have at most {MaxRoutes} routes; got {table.Fields.Count}");
        var routes = new Dictionary<string, UpstreamRoute>(StringComparer.Ordinal);
        foreach (var (key, field) in table.Fields)
        {
            if (routes.Count == MaxRoutes)
                break;
            var suffix = NameReaders.Domain(new HoconText(field.KeyOrigin, key), issues);
            if (field.Value is HoconObject)
                issues.Refuse(field.KeyOrigin, $"must be {Allowed}; a suffix with dots needs its quotes, or it is a nested object");
            else if (!routes.TryAdd(suffix, new UpstreamRoute(suffix, Servers(1)(field.Value, issues))))
                issues.Refuse(field.KeyOrigin, $"names the suffix {SettingReaders.Shown(suffix)} twice");
        }
        return [.. routes.Values.OrderByDescending(route => route.Suffix.Count(c => c == '.')).ThenBy(route => route.Suffix, StringComparer.Ordinal)];
    }

    public static IReadOnlyList<ClientSettings> Clients(HoconValue value, SettingIssues issues)
    {
        const string Allowed = "a list of { cidr = NETWORK, namespace = NAME, capture = on or off }";
        if (FromText(value, issues) is not HoconArray list)
        {
            if (!issues.Any)
                issues.Refuse(value, $"must be {Allowed}, not {SettingReaders.Kind(value)}");
            return [];
        }
        if (list.Items.Count > MaxClients)
            issues.Refuse(value, $"must have at most {MaxClients} elements; got {list.Items.Count}");
        var clients = new List<ClientSettings>();
        foreach (var item in list.Items.Take(MaxClients))
        {
            if (item is HoconObject fields)
                clients.Add(Client(fields, issues));
            else
                issues.Refuse(item, $"must be {Allowed}; an element is {SettingReaders.Kind(item)}");
        }
        if (clients.Count <= 1)
            return clients;
        var twice = clients.GroupBy(client => client.Network).FirstOrDefault(group => group.Count() > 1);
        if (twice is not null && !issues.Any)
            issues.Refuse(value, $"names the network {twice.Key} twice");
        return clients;
    }

    private static ClientSettings Client(HoconObject fields, SettingIssues issues)
    {
        IPNetwork? network = null;
        string? name = null;
        bool? capture = null;
        foreach (var (key, field) in fields.Fields)
        {
            switch (key)
            {
                case "cidr":
                    network = AddressReaders.Network(null, 0, 128)(field.Value, issues);
                    break;
                case "namespace":
                    name = NameReaders.Namespace(field.Value, issues);
                    break;
                case "capture":
                    capture = SettingReaders.Switch(field.Value, issues);
                    break;
                default:
                    issues.Refuse(field.KeyOrigin, $"unknown field {SettingReaders.Shown(key)}; a client has cidr, namespace and capture");
                    break;
            }
        }
        if (!fields.Fields.ContainsKey("cidr"))
            issues.Refuse(fields, "a client needs the field cidr");
        return new ClientSettings(network ?? default, name, capture);
    }

    /// <summary>The value itself, or what its text says in HOCON.</summary>
    private static HoconValue? FromText(HoconValue value, SettingIssues issues)
    {
        if (value is not HoconText text)
            return value;
        try
        {
            var root = new ObjectTerm(text.Origin);
            root.Set(["value"], text.Origin, HoconParser.ParseValue(text.Origin.Source, text.Text, ["value"]));
            var resolved = HoconResolver.Resolve(root, new Dictionary<string, string>(), out var errors);
            foreach (var error in errors)
                issues.Refuse(text.Origin, error.Message);
            return resolved.Fields.TryGetValue("value", out var field) ? field.Value : null;
        }
        catch (HoconException error)
        {
            issues.Refuse(text.Origin, error.Message);
            return null;
        }
    }
}
