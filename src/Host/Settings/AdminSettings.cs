using System.Net;

namespace MeshDns.Host.Settings;

/// <summary>The section <c>admin</c>.</summary>
/// <param name="Listen">Where the HTTP API listens; port 0 lets the system choose.</param>
/// <param name="Token">Bearer token that every API call must carry when it is set; required when <paramref name="Listen"/> is not a loopback address.</param>
public sealed record AdminSettings(IPEndPoint Listen, Secret Token);
