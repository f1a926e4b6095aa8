using System.Globalization;
using System.Text;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Vips;

namespace MeshDns.Host.Sources;

/// <summary>
/// What rests, as comment lines of a YAML manifest: <c># resting: VIP host until</c>, the host <c>-</c> for none, the VIP a CIDR for a withdrawn one. Any reader of YAML
/// passes over them; <c>export</c> ends with them and <c>apply</c> takes them back, so that a quarantine is not cut short by a move (docs/adr/0023).
/// </summary>
internal sealed class RestingLines(ManifestErrors errors)
{
    private const string Time = "yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'";
    private const int MaxLength = 512;

    private readonly Dictionary<string, ManifestRest> _seen = new(StringComparer.Ordinal);
    private readonly List<ManifestRest> _rests = [];

    /// <summary>The lines that are in order.</summary>
    public IReadOnlyList<ManifestRest> Rests => _rests;

    private static ReadOnlySpan<byte> Mark => "# resting:"u8;

    /// <summary>The line, ending in a line break.</summary>
    public static string Write(RestingVip rest)
    {
        var until = DateTimeOffset.FromUnixTimeMilliseconds(Math.Min(rest.Until, DateTimeOffset.MaxValue.ToUnixTimeMilliseconds()));
        return string.Create(CultureInfo.InvariantCulture, $"# resting: {rest.Vip} {rest.Host?.Text ?? "-"} {until.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture)}\n");
    }

    /// <summary>Reads the lines of a manifest that begin so; a malformed one is an error.</summary>
    public void Read(string file, ReadOnlySpan<byte> yaml)
    {
        var (line, counted) = (1, 0);
        for (var from = 0; from < yaml.Length && !errors.Full;)
        {
            var found = yaml[from..].IndexOf(Mark);
            if (found < 0) return;
            var at = from + found;
            var length = yaml[at..].IndexOf((byte)'\n');
            if (length < 0) length = yaml.Length - at;
            from = at + length;
            // Elsewhere in a line it is text like any other.
            if (at > 0 && yaml[at - 1] != (byte)'\n') continue;
            line += yaml[counted..at].Count((byte)'\n');
            counted = at;
            var wrong = length > MaxLength ? $"has more than {MaxLength} characters" : Parse(Encoding.UTF8.GetString(yaml.Slice(at, length)), out var rest) is { } reason ? reason : Add(new ManifestRest(rest!, file, line));
            if (wrong is not null) errors.Add(new ManifestError(file, 0, line, "", $"the resting line {wrong}; write '# resting: VIP host until', the host '-' for none, the time as 2026-01-31T08:00:00.000Z"));
        }
    }

    private string? Add(ManifestRest rest)
    {
        if (_rests.Count == ManifestLimits.Rests) return $"is one of more than {ManifestLimits.Rests}";
        if (!_seen.TryAdd(rest.Vip.Vip, rest)) return $"is the second for {rest.Vip.Vip}, after line {_seen[rest.Vip.Vip].Line} of {_seen[rest.Vip.Vip].File}";
        _rests.Add(rest);
        return null;
    }

    // What is wrong with the line, or null.
    private static string? Parse(string text, out RestingVip? rest)
    {
        rest = null;
        var parts = text[Mark.Length..].Split([' ', '\t', '\r'], StringSplitOptions.RemoveEmptyEntries);
        if (parts.Length != 3) return $"has {parts.Length} parts, not 3";
        var vip = Cidr.TryParseAddress(parts[0], out var address) ? address.ToString() : Cidr.TryParse(parts[0], out var cidr) ? cidr.ToString() : null;
        if (vip is null) return $"begins with {ManifestNode.Quote(parts[0])}, which is neither an IP address nor a CIDR";
        HostName? host = null;
        if (parts[1] != "-")
        {
            if (!HostName.TryParse(parts[1], out var name, out var error)) return $"names {ManifestNode.Quote(parts[1])}: {error}";
            host = name;
        }
        if (!DateTimeOffset.TryParseExact(parts[2], Time, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var until)) return $"ends with {ManifestNode.Quote(parts[2])}, which is no UTC time";
        rest = new RestingVip(vip, host, until.ToUnixTimeMilliseconds());
        return null;
    }
}
