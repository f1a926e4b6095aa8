using System.Globalization;
using System.Net;
using System.Net.Sockets;
using MeshDns.Host.Settings.Hocon;

namespace MeshDns.Host.Settings;

/// <summary>Readers of endpoints and networks. Host names are not looked up: an address must be written as one.</summary>
internal static class AddressReaders
{
    private const string EndpointShape = "an endpoint IP:PORT, [IPV6]:PORT";
    private const string NodeShape = "HOST:PORT (an IPv6 address in brackets, no wildcard address, the port not 0)";

    /// <summary>Where to listen; port 0 lets the system choose one.</summary>
    public static IPEndPoint Listen(HoconValue value, SettingIssues issues)
        => Endpoint(value, issues, EndpointShape, defaultPort: null, leastPort: 0) ?? new IPEndPoint(IPAddress.None, 0);

    /// <summary>Where to listen, or null for an empty text.</summary>
    public static IPEndPoint? OptionalListen(HoconValue value, SettingIssues issues)
        => value is HoconText { Text: "" } ? null : Endpoint(value, issues, $"empty or {EndpointShape}", defaultPort: null, leastPort: 0);

    /// <summary>A resolver: as an endpoint, or a bare address for port 53.</summary>
    public static IPEndPoint Server(HoconValue value, SettingIssues issues)
        => Endpoint(value, issues, $"an IP address (port 53) or {EndpointShape}", defaultPort: 53, leastPort: 1) ?? new IPEndPoint(IPAddress.None, 0);

    /// <summary><c>host:port</c> that other machines use; null for an empty text.</summary>
    public static string? Advertise(HoconValue value, SettingIssues issues)
    {
        const string Allowed = $"empty or {NodeShape}";
        if (SettingReaders.Text(value, issues, Allowed) is not { Length: > 0 } text)
            return null;
        if (!IsNodeAddress(text))
            issues.Refuse(value, $"must be {Allowed}; got {SettingReaders.Shown(text)}");
        return text;
    }

    /// <summary>Where another node is reached.</summary>
    public static string Node(HoconValue value, SettingIssues issues)
    {
        if (SettingReaders.Text(value, issues, NodeShape) is not { } text)
            return "";
        if (!IsNodeAddress(text))
            issues.Refuse(value, $"must be {NodeShape}; got {SettingReaders.Shown(text)}");
        return text;
    }

    /// <summary>Where something is sent over HTTP; null for an empty text. What must stay secret has no place in it: it is shown.</summary>
    public static Uri? OptionalUrl(HoconValue value, SettingIssues issues)
    {
        const string Allowed = "empty or a URL http://HOST:PORT or https://HOST:PORT, without user, query or fragment";
        if (SettingReaders.Text(value, issues, Allowed) is not { Length: > 0 } text)
            return null;
        if (Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https" && url.UserInfo.Length + url.Query.Length + url.Fragment.Length == 0)
            return url;
        issues.Refuse(value, $"must be {Allowed}; got {SettingReaders.Shown(text)}");
        return null;
    }

    /// <summary>Whether it stands for all addresses of a machine; nobody can connect to it.</summary>
    public static bool IsWildcard(IPAddress address) => address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any);

    /// <summary>A network in CIDR notation of the given family (null: either), its prefix within bounds.</summary>
    public static SettingReader<IPNetwork> Network(AddressFamily? family, int leastPrefix, int mostPrefix) => (value, issues) =>
    {
        var kind = family switch { AddressFamily.InterNetwork => "an IPv4 network", AddressFamily.InterNetworkV6 => "an IPv6 network", _ => "a network" };
        var allowed = $"{kind} ADDRESS/PREFIX{(family is null ? "" : $" with a prefix from /{leastPrefix} to /{mostPrefix}")}";
        if (SettingReaders.Text(value, issues, allowed) is not { } text)
            return default;
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        if (slash < 0 || !TryParseAddress(text[..slash], out var address) || (family is not null && address.AddressFamily != family)
            || !int.TryParse(text.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var prefix)
            || prefix < leastPrefix || prefix > Math.Min(mostPrefix, address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128))
        {
            issues.Refuse(value, $"must be {allowed}; got {SettingReaders.Shown(text)}");
            return default;
        }
        // The framework cuts such bits off; here they are more likely a slip.
        if (IPNetwork.TryParse(text, out var network) && network.BaseAddress.Equals(address))
            return network;
        issues.Refuse(value, $"must be {allowed}; {SettingReaders.Shown(text)} has bits set beyond its prefix");
        return default;
    };

    private static bool IsNodeAddress(string text)
    {
        if (TryParseEndpoint(text, null, 1, out var endpoint))
            return !IsWildcard(endpoint!.Address);
        var colon = text.LastIndexOf(':');
        // All digits and dots is a mistyped address, which a resolver might yet read as one.
        return colon > 0 && NameReaders.IsDomain(text[..colon].ToLowerInvariant()) && text[..colon].Any(char.IsAsciiLetter) && TryParsePort(text[(colon + 1)..], 1, out _);
    }

    private static IPEndPoint? Endpoint(HoconValue value, SettingIssues issues, string allowed, int? defaultPort, int leastPort)
    {
        if (SettingReaders.Text(value, issues, allowed) is not { } text)
            return null;
        if (TryParseEndpoint(text, defaultPort, leastPort, out var endpoint))
            return endpoint;
        issues.Refuse(value, $"must be {allowed}; got {SettingReaders.Shown(text)}");
        return null;
    }

    private static bool TryParseEndpoint(string text, int? defaultPort, int leastPort, out IPEndPoint? endpoint)
    {
        endpoint = null;
        if (defaultPort is { } port && TryParseAddress(text, out var bare))
        {
            endpoint = new IPEndPoint(bare, port);
            return true;
        }
        var colon = text.LastIndexOf(':');
        if (colon <= 0 || !TryParsePort(text[(colon + 1)..], leastPort, out port))
            return false;
        var host = text[..colon];
        var bracketed = host.Length > 2 && host[0] == '[' && host[^1] == ']';
        if (!TryParseAddress(bracketed ? host[1..^1] : host, out var address) || bracketed != (address.AddressFamily == AddressFamily.InterNetworkV6))
            return false;
        endpoint = new IPEndPoint(address, port);
        return true;
    }

    private static bool TryParsePort(string text, int least, out int port)
        => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out port) && port >= least && port <= 65535;

    /// <summary>Stricter than <see cref="IPAddress.TryParse(string, out IPAddress)"/>, to which <c>1</c> and <c>0x7f.1</c> are addresses too and brackets belong to them.</summary>
    private static bool TryParseAddress(string text, out IPAddress address)
    {
        if (!IPAddress.TryParse(text, out address!) || text.Contains('[', StringComparison.Ordinal))
            return false;
        return address.AddressFamily == AddressFamily.InterNetworkV6 || address.ToString() == text;
    }
}
