namespace MeshDns.Host.Settings;

/// <summary>The section <c>gateway</c>.</summary>
/// <param name="Enabled">Whether this node accepts TCP connections to VIPs.</param>
public sealed record GatewaySettings(bool Enabled);
