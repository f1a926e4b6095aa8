using System.Text.Json.Serialization;

namespace MeshDns.Contracts.Messages;

/// <summary>Source-generated JSON of changes and their replies, as remembered for callers that repeat a request.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, UseStringEnumConverter = true)]
[JsonSerializable(typeof(ChangeRequest))]
[JsonSerializable(typeof(ChangeReply))]
public sealed partial class ReplyJson : JsonSerializerContext;
