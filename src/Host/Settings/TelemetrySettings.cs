namespace MeshDns.Host.Settings;

/// <summary>The section <c>telemetry</c>.</summary>
/// <param name="OtlpEndpoint">Where metrics are pushed by OTLP; null for nowhere, unless OpenTelemetry's own variable says where.</param>
public sealed record TelemetrySettings(Uri? OtlpEndpoint);
