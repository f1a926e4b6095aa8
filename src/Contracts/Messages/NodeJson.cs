using System.Text.Json.Serialization;

namespace MeshDns.Contracts.Messages;

/// <summary>Source-generated JSON of what nodes say to each other: camelCase, nulls left out, enums by name; unknown fields are passed over, so that a newer node may say more.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, UseStringEnumConverter = true, AllowOutOfOrderMetadataProperties = true)]
[JsonSerializable(typeof(NodeRequest))]
[JsonSerializable(typeof(NodeReply))]
[JsonSerializable(typeof(MemberReport))]
public sealed partial class NodeJson : JsonSerializerContext;
