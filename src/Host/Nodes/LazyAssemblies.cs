namespace MeshDns.Host.Nodes;

/// <summary>
/// Code that the runtime would load at the first fault: how an exception is told. A fault that comes from a lack of file descriptors could not open it any more.
/// </summary>
internal static class LazyAssemblies
{
    /// <summary>Loads it; some milliseconds.</summary>
    public static void Touch()
    {
        try { throw new System.Net.Sockets.SocketException((int)System.Net.Sockets.SocketError.TooManyOpenSockets); }
        catch (System.Net.Sockets.SocketException e) { _ = e.ToString(); }
    }
}
