namespace MeshDns.Host.Upstream.Servers;

/// <summary>Chooses the wire.</summary>
internal static class SystemWire
{
    /// <summary>The best that the system offers.</summary>
    public static UpstreamWire Open() => EpollWire.IsOffered ? new EpollWire() : new SelectWire();
}
