using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace MeshDns.Contracts.Services;

/// <summary>A document as JSON: its spec stands in the field that its kind is named by.</summary>
public sealed class MeshDocumentJsonConverter : JsonConverter<MeshDocument>
{
    private const string Key = "key", Labels = "labels", Annotations = "annotations";

    private static readonly JsonTypeInfo<IReadOnlyDictionary<string, string>> _map = SpecJson.Default.IReadOnlyDictionaryStringString;

    /// <inheritdoc/>
    public override MeshDocument Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType != JsonTokenType.StartObject) throw new JsonException("a document must be an object");
        DocumentKey? key = null;
        IReadOnlyDictionary<string, string>? labels = null, annotations = null;
        DocumentSpec? spec = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var field = reader.GetString()!;
            reader.Read();
            if (field == Key) key = JsonSerializer.Deserialize(ref reader, SpecJson.Default.DocumentKey);
            else if (field == Labels) labels = JsonSerializer.Deserialize(ref reader, _map);
            else if (field == Annotations) annotations = JsonSerializer.Deserialize(ref reader, _map);
            else if (SpecKinds.All.FirstOrDefault(k => k.Field == field) is { } kind) spec = (DocumentSpec?)JsonSerializer.Deserialize(ref reader, kind.Json) ?? spec;
            else reader.TrySkip(); // a converter is given the whole value
        }
        if (key is null) throw new JsonException("a document must have a key");
        return new MeshDocument { Key = key.Value, Labels = labels, Annotations = annotations, Spec = spec };
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, MeshDocument value, JsonSerializerOptions options)
    {
        writer.WriteStartObject();
        writer.WriteString(Key, value.Key.ToString());
        WriteMap(writer, Labels, value.Labels);
        WriteMap(writer, Annotations, value.Annotations);
        if (value.Spec is { } spec)
        {
            var kind = SpecKinds.Of(value.Key.Kind);
            writer.WritePropertyName(kind.Field);
            JsonSerializer.Serialize(writer, spec, kind.Json);
        }
        writer.WriteEndObject();
    }

    private static void WriteMap(Utf8JsonWriter writer, string field, IReadOnlyDictionary<string, string>? map)
    {
        if (map is null) return;
        writer.WritePropertyName(field);
        JsonSerializer.Serialize(writer, map, _map);
    }
}
