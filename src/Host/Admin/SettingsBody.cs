using System.Text.Json;
using MeshDns.Contracts.Messages;
using MeshDns.Host.Settings;
using MeshDns.Host.Settings.Hocon;
using Microsoft.AspNetCore.Http;

namespace MeshDns.Host.Admin;

/// <summary>
/// The body of <c>PUT /v1/settings</c>: some of the settings or all, each read as a configuration file's is. Nothing in it is passed over: a key that is unknown or there twice is an error, and one that is
/// fixed for ever is taken only with the value that it has.
/// </summary>
internal sealed class SettingsBody
{
    private readonly List<ProblemError> _wrong = [];
    private readonly Dictionary<string, JsonElement> _fixed = [];

    private SettingsBody()
    {
    }

    /// <summary>What is to change.</summary>
    public SettingsChange Change { get; private set; } = new();

    /// <summary>True when it names a setting that is fixed: <see cref="CheckFixed"/> has to see the cluster's.</summary>
    public bool HasFixed => _fixed.Count > 0;

    /// <summary>Reads it, whole.</summary>
    /// <exception cref="ProblemException">Anything is wrong with it; the problem names each key.</exception>
    public static SettingsBody Read(ReadOnlyMemory<byte> json)
    {
        using var document = Parse(json);
        if (document.RootElement.ValueKind != JsonValueKind.Object) throw new ProblemException(Problem.BadRequest("the body must be a JSON object of settings"));
        var body = new SettingsBody();
        var unknown = new List<ProblemError>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var setting in document.RootElement.EnumerateObject())
        {
            if (!seen.Add(setting.Name)) unknown.Add(Error(setting.Name, "is there twice"));
            else if (!body.Take(setting.Name, setting.Value)) unknown.Add(Error(setting.Name, "unknown setting; known here: vips.quarantine, dns.ttl, mesh.zones, mesh.cluster-domain"));
            if (unknown.Count + body._wrong.Count >= AdminLimits.ProblemErrors) break;
        }
        if (unknown.Count > 0) throw new ProblemException(Problem.Of(StatusCodes.Status400BadRequest, "bad-request", "Malformed request", unknown[0].Reason, [.. unknown, .. body._wrong]));
        if (seen.Count == 0) throw new ProblemException(Problem.BadRequest("the body names no setting"));
        body.RefuseWrong();
        return body;
    }

    /// <summary>Holds what it says of fixed settings to what they are.</summary>
    /// <exception cref="ProblemException">It says otherwise.</exception>
    public void CheckFixed(SettingsView view)
    {
        foreach (var (name, value) in _fixed)
        {
            var (isSame, there) = name switch
            {
                "vips.ipv4" => (IsText(value, view.Ipv4), view.Ipv4),
                "vips.ipv6" => (IsText(value, view.Ipv6), view.Ipv6),
                _ => (value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var shards) && shards == view.Shards, $"{view.Shards}"),
            };
            if (!isSame) _wrong.Add(Error(name, $"is {there} for ever: the log's first transaction has fixed it"));
        }
        RefuseWrong();
    }

    private static JsonDocument Parse(ReadOnlyMemory<byte> json)
    {
        try { return JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 8 }); }
        catch (JsonException e) { throw new ProblemException(Problem.BadRequest("the body is no JSON: " + e.Message)); }
    }

    private bool Take(string name, JsonElement value)
    {
        switch (name)
        {
            case "vips.quarantine": Change = Change with { QuarantineMs = (long)Value(SettingsSchema.VipsQuarantine, name, value).TotalMilliseconds }; break;
            case "dns.ttl": Change = Change with { LargestTtlMs = (long)Value(SettingsSchema.DnsTtl, name, value).TotalMilliseconds }; break;
            case "mesh.zones": Change = Change with { Zones = value.ValueKind == JsonValueKind.Array ? Value(SettingsSchema.MeshZones, name, value) : Refused<string[]>(name, "must be a list of domain names") }; break;
            case "mesh.cluster-domain": Change = Change with { ClusterDomain = Value(SettingsSchema.MeshClusterDomain, name, value) }; break;
            case "vips.ipv4" or "vips.ipv6" or "cluster.shards": _fixed[name] = value.Clone(); break;
            default: return false;
        }
        return true;
    }

    // By the reader of the configuration's key. Only text is taken: a number would be milliseconds there, which nobody expects of it here.
    private T? Value<T>(SettingKey<T> key, string name, JsonElement value)
    {
        if (Hocon(value) is not { } hocon) return Refused<T>(name, "must be text, as in a configuration file");
        var errors = new List<SettingsError>();
        var read = key.Read(hocon, new SettingIssues(key.Path, errors));
        _wrong.AddRange(errors.Select(e => Error(name, e.Message)));
        return read;
    }

    private T? Refused<T>(string name, string reason)
    {
        _wrong.Add(Error(name, reason));
        return default;
    }

    private static HoconValue? Hocon(JsonElement value)
    {
        var origin = new HoconOrigin("body", 0, 0);
        if (value.ValueKind == JsonValueKind.String) return new HoconText(origin, value.GetString()!);
        if (value.ValueKind != JsonValueKind.Array) return null;
        var items = value.EnumerateArray().Select(Hocon).ToArray();
        return items.Contains(null) ? null : new HoconArray(origin, items!);
    }

    private void RefuseWrong()
    {
        if (_wrong.Count > 0) throw new ProblemException(Problem.Of(StatusCodes.Status422UnprocessableEntity, "invalid-change", "Invalid change", _wrong[0].Reason, _wrong));
    }

    private static bool IsText(JsonElement value, string text) => value.ValueKind == JsonValueKind.String && value.GetString() == text;

    private static ProblemError Error(string name, string reason) => new() { Field = name, Reason = $"{name}: {reason}" };
}
