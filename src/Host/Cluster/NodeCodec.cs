using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using MeshDns.Contracts.Messages;

namespace MeshDns.Host.Cluster;

/// <summary>Messages between nodes as bytes and back. Reading is total: anything gives a message or a sentence that says what is wrong.</summary>
internal static class NodeCodec
{
    private static readonly Dictionary<Type, string> _kinds = typeof(NodeRequest).GetCustomAttributes<JsonDerivedTypeAttribute>().ToDictionary(d => d.DerivedType, d => (string)d.TypeDiscriminator!);

    /// <summary>The kind of a request as it is written, for metrics.</summary>
    public static string KindOf(NodeRequest request) => _kinds[request.GetType()];

    public static byte[] Write(NodeRequest request) => JsonSerializer.SerializeToUtf8Bytes(request, NodeJson.Default.NodeRequest);

    public static byte[] Write(NodeReply reply) => JsonSerializer.SerializeToUtf8Bytes(reply, NodeJson.Default.NodeReply);

    public static NodeRequest? ReadRequest(ReadOnlySpan<byte> body, out string problem) => Read(body, NodeJson.Default.NodeRequest, out problem);

    public static NodeReply? ReadReply(ReadOnlySpan<byte> body, out string problem) => Read(body, NodeJson.Default.NodeReply, out problem);

    private static T? Read<T>(ReadOnlySpan<byte> body, JsonTypeInfo<T> info, out string problem) where T : class
    {
        problem = "";
        try
        {
            if (JsonSerializer.Deserialize(body, info) is { } message) return message;
            problem = "it is null";
        }
        // The last three are what converters of names and keys throw, and what the serializer says of a message without a kind.
        catch (Exception e) when (e is JsonException or FormatException or NotSupportedException or ArgumentException or InvalidOperationException)
        {
            problem = e.Message;
        }
        return null;
    }
}
