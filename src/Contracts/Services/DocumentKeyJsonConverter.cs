using System.Text.Json;
using System.Text.Json.Serialization;

namespace MeshDns.Contracts.Services;

/// <summary>A document key as the JSON string <c>Kind/namespace/name</c>.</summary>
public sealed class DocumentKeyJsonConverter : JsonConverter<DocumentKey>
{
    /// <inheritdoc/>
    public override DocumentKey Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        DocumentKey.Parse(reader.GetString() ?? throw new JsonException("a document key must not be null"));

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, DocumentKey value, JsonSerializerOptions options) => writer.WriteStringValue(value.ToString());
}
