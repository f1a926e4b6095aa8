using System.Globalization;
using System.Net;

namespace MeshDns.Host.Upstream.Servers;

/// <summary>
/// What <c>resolv.conf</c>(5) says. A forwarder uses the servers, <c>timeout</c>, <c>attempts</c> and <c>rotate</c>. <c>search</c> and <c>ndots</c>
/// are for stub resolvers, whose queries reach us with them already applied; they are read so that they can be shown.
/// </summary>
/// <param name="Servers">The first 32 <c>nameserver</c> addresses, port 53, without doubles.</param>
/// <param name="Search">The last <c>search</c> or <c>domain</c> line; at most 32 domains.</param>
/// <param name="Ndots">0 to 15.</param>
/// <param name="Timeout">1 to 30 seconds; null when not set.</param>
/// <param name="Attempts">1 to 5; null when not set.</param>
/// <param name="Rotate">Whether the servers share the load.</param>
public sealed record ResolvConf(
    IReadOnlyList<IPEndPoint> Servers, IReadOnlyList<string> Search, int Ndots, TimeSpan? Timeout, int? Attempts, bool Rotate)
{
    /// <summary>The most characters of a file that are read; what follows is ignored.</summary>
    public const int MaxSize = 64 * 1024;

    private const int MaxEntries = 32;
    private const int DnsPort = 53;

    /// <summary>What a file without a line says.</summary>
    public static ResolvConf Empty { get; } = new([], [], 1, null, null, false);

    /// <summary>Reads the text. As the C library does, ignores lines and options that it does not know and addresses that are none.</summary>
    public static ResolvConf Parse(string text)
    {
        var servers = new List<IPEndPoint>();
        ResolvConf conf = Empty;
        foreach (ReadOnlySpan<char> line in text.AsSpan(0, Math.Min(text.Length, MaxSize)).EnumerateLines())
        {
            // A comment begins the line (or, as most files are written by hand, stands behind the value).
            int comment = line.IndexOfAny('#', ';');
            string[] words = (comment < 0 ? line : line[..comment]).ToString()
                .Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            if (words.Length < 2)
                continue;
            switch (words[0])
            {
                case "nameserver":
                    Add(servers, words[1]);
                    break;
                case "search" or "domain":
                    conf = conf with { Search = [.. words.Skip(1).Take(MaxEntries)] };
                    break;
                case "options":
                    conf = words.Skip(1).Aggregate(conf, WithOption);
                    break;
            }
        }
        return conf with { Servers = servers };
    }

    private static void Add(List<IPEndPoint> servers, string word)
    {
        if (servers.Count >= MaxEntries || !IPAddress.TryParse(word, out IPAddress? address))
            return;
        var server = new IPEndPoint(address, DnsPort);
        if (!servers.Contains(server))
            servers.Add(server);
    }

    private static ResolvConf WithOption(ResolvConf conf, string option)
    {
        if (option == "rotate")
            return conf with { Rotate = true };
        int colon = option.IndexOf(':', StringComparison.Ordinal);
        if (colon < 0 || !int.TryParse(option.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int value))
            return conf;
        return option[..colon] switch
        {
            "ndots" => conf with { Ndots = Math.Clamp(value, 0, 15) },
            "timeout" => conf with { Timeout = TimeSpan.FromSeconds(Math.Clamp(value, 1, 30)) },
            "attempts" => conf with { Attempts = Math.Clamp(value, 1, 5) },
            _ => conf,
        };
    }
}
