using System.Globalization;
using System.Text.Json.Nodes;
using MeshDns.Contracts.Messages;
using MeshDns.Host.Sources;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace MeshDns.Host.Admin;

/// <summary>A stored document as its kind's API shows it: version and time where Kubernetes has them, assigned addresses where Istio has them.</summary>
internal static class DocumentView
{
    /// <summary>The document with its version, its time, its source and its assigned addresses.</summary>
    public static JsonObject Render(DocumentRecord record)
    {
        var json = ManifestWriter.ToJsonNode(record.Document, record.Addresses);
        var metadata = json["metadata"]!.AsObject();
        metadata["resourceVersion"] = record.Version.ToString(CultureInfo.InvariantCulture);
        metadata["creationTimestamp"] = DateTimeOffset.FromUnixTimeMilliseconds(record.Created).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
        if (json["status"] is not JsonObject) json["status"] = new JsonObject { ["addresses"] = new JsonArray() };
        json["status"]!["source"] = record.Source;
        return json;
    }

    /// <summary>The document as YAML, with the VIPs that its hosts hold: applied elsewhere they are wishes.</summary>
    public static string Source(DocumentRecord record) => ManifestWriter.ToYaml(record.Document, record.Addresses);

    /// <summary>True when the caller would rather have YAML than JSON.</summary>
    public static bool PrefersYaml(HttpRequest request)
    {
        if (!MediaTypeHeaderValue.TryParseList([.. request.Headers.Accept.OfType<string>()], out var accepted)) return false;
        var best = accepted.Where(type => type.Quality != 0).OrderByDescending(type => type.Quality ?? 1).FirstOrDefault();
        return best?.MediaType.Value is "application/yaml" or "application/x-yaml" or "text/yaml";
    }
}
