using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Services;

namespace MeshDns.Host.Sources;

/// <summary>
/// Writes documents in the shape of the Istio and Kubernetes APIs. What it writes, <see cref="ManifestReader"/> reads back as the same
/// document. Assigned VIPs are shown where Istio and Kubernetes have them, in <c>status.addresses</c> and <c>spec.clusterIP</c>; read back they are wishes.
/// </summary>
public static class ManifestWriter
{
    // The text is served as JSON, never inside HTML: letters beyond ASCII stay readable.
    private static readonly JsonSerializerOptions _json = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The document as a JSON object.</summary>
    /// <param name="document">A checked document.</param>
    /// <param name="addresses">VIPs that its hosts hold, or held elsewhere.</param>
    public static JsonObject ToJsonNode(MeshDocument document, IReadOnlyList<HostAddress>? addresses = null)
    {
        var kind = DocumentKinds.Of(document.Key.Kind);
        var root = new JsonObject
        {
            ["apiVersion"] = kind.ApiVersions[0],
            ["kind"] = document.Key.Kind.ToString(),
            ["metadata"] = Metadata(document),
            ["spec"] = kind.WriteSpec(document.Spec!, addresses ?? []),
        };
        if (addresses is { Count: > 0 } && kind.ReadStatus is not null)
            root["status"] = new JsonObject { ["addresses"] = Array(addresses, a => new JsonObject { ["host"] = a.Host.Text, ["value"] = a.Value }) };
        return root;
    }

    /// <summary>The document as indented JSON.</summary>
    public static string ToJson(MeshDocument document, IReadOnlyList<HostAddress>? addresses = null) => ToJsonNode(document, addresses).ToJsonString(_json);

    /// <summary>The document as YAML, without a document marker, ending in a line break.</summary>
    public static string ToYaml(MeshDocument document, IReadOnlyList<HostAddress>? addresses = null) => YamlText.Of(ToJsonNode(document, addresses));

    /// <summary>Documents as one YAML manifest, <c>---</c> between them.</summary>
    public static void WriteYaml(TextWriter writer, IEnumerable<DocumentRecord> documents)
    {
        var isFirst = true;
        foreach (var record in documents)
        {
            if (!isFirst) writer.Write("---\n");
            isFirst = false;
            writer.Write(ToYaml(record.Document, record.Addresses));
        }
    }

    private static JsonObject Metadata(MeshDocument document)
    {
        var metadata = new JsonObject { ["name"] = document.Key.Name, ["namespace"] = document.Key.Namespace };
        if (document.Labels is { Count: > 0 } labels) metadata["labels"] = Map(labels);
        if (document.Annotations is { Count: > 0 } annotations) metadata["annotations"] = Map(annotations);
        return metadata;
    }

    internal static JsonObject Port(ServicePort port, string numberField)
    {
        var json = new JsonObject();
        if (port.Name is { } name) json["name"] = name;
        json[numberField] = port.Number;
        json["protocol"] = port.Protocol;
        if (port.TargetPort is { } target) json["targetPort"] = target;
        return json;
    }

    internal static JsonObject Map(IReadOnlyDictionary<string, string> map) => new(map.Select(m => KeyValuePair.Create<string, JsonNode?>(m.Key, m.Value)));

    internal static JsonArray Array<T>(IReadOnlyList<T> items, Func<T, JsonNode?> write) => new([.. items.Select(write)]);
}
