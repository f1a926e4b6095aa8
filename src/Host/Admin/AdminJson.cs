using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using MeshDns.Host.Query;

namespace MeshDns.Host.Admin;

/// <summary>The JSON of the admin API, source-generated. The CLI reads with the same types that the server writes.</summary>
[JsonSerializable(typeof(Problem))]
[JsonSerializable(typeof(ChangeJson))]
[JsonSerializable(typeof(HostJson))]
[JsonSerializable(typeof(VipJson))]
[JsonSerializable(typeof(JsonObject))]
[JsonSerializable(typeof(ClusterJson))]
[JsonSerializable(typeof(DrainJson))]
[JsonSerializable(typeof(SettingsJson))]
[JsonSerializable(typeof(HealthJson))]
[JsonSerializable(typeof(ReloadJson))]
[JsonSerializable(typeof(Explanation))]
internal sealed partial class AdminJson : JsonSerializerContext
{
    /// <summary>The context to use: it leaves quotes and angle brackets readable, as the text is never put into HTML.</summary>
    public static AdminJson Readable { get; } = new(new JsonSerializerOptions
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });
}
