using System.Net.Sockets;

namespace MeshDns.Host.Upstream.Servers;

/// <summary>A socket as the <see cref="UpstreamWire"/> knows it. For the loop's thread.</summary>
internal abstract class WireSocket(Socket socket)
{
    /// <summary>The socket.</summary>
    public Socket Socket { get; } = socket;

    /// <summary>The system's number of it.</summary>
    public int Descriptor { get; } = (int)socket.SafeHandle.DangerousGetHandle();

    /// <summary>What the wire knows it by.</summary>
    public int Tag { get; set; }

    /// <summary>Takes what came.</summary>
    public abstract void Receive();

    /// <summary>The system reports an error of it, once: nobody listens there.</summary>
    public abstract void OnError();
}
