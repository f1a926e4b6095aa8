using System.Net.Sockets;
using Microsoft.Win32.SafeHandles;

namespace MeshDns.Host.Edge;

/// <summary>
/// A file descriptor that is kept for the day when there is none left: with it a connection can be taken and closed, so that its client learns at once what it
/// would else wait for, and the listener, which the system would call ready for ever, is empty again. For one thread at a time.
/// </summary>
internal sealed class SpareDescriptor : IDisposable
{
    private SafeFileHandle? _held = Open();

    /// <summary>Takes and closes the connection that waits. False when even that is impossible.</summary>
    public bool TryRefuse(Socket listener)
    {
        _held?.Dispose();
        try
        {
            // It may have gone away meanwhile, and nobody is to wait for the next.
            if (!listener.Poll(TimeSpan.Zero, SelectMode.SelectRead)) return false;
            listener.Accept().Dispose();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
        finally
        {
            _held = Open();
        }
    }

    public void Dispose() => _held?.Dispose();

    private static SafeFileHandle? Open()
    {
        try { return File.OpenHandle("/dev/null"); }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { return null; }
    }
}
