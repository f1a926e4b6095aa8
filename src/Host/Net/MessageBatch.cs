using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace MeshDns.Host.Net;

/// <summary>recvmmsg(2) and sendmmsg(2) of 64-bit Linux.</summary>
internal static unsafe partial class MessageBatch
{
    // Wait for the first datagram, then take what is there.
    private const int WaitForOne = 0x10000;
    private const int ErrorInterrupted = 4;

    /// <summary>True where the system has both calls.</summary>
    public static bool IsOffered(SafeSocketHandle socket)
    {
        if (!OperatingSystem.IsLinux() || !Environment.Is64BitProcess) return false;
        try
        {
            return ReceiveMany(socket, null, 0, WaitForOne, null) >= 0 && SendMany(socket, null, 0, 0) >= 0;
        }
        catch (Exception e) when (e is EntryPointNotFoundException or DllNotFoundException)
        {
            return false;
        }
    }

    /// <summary>Waits for a datagram and takes as many as are there. Returns how many; less than 0 for an error.</summary>
    public static int Receive(SafeSocketHandle socket, BatchedHeader* messages, int capacity)
    {
        int count;
        while ((count = ReceiveMany(socket, messages, (uint)capacity, WaitForOne, null)) < 0)
            if (Marshal.GetLastPInvokeError() != ErrorInterrupted) return -1;
        return count;
    }

    /// <summary>Sends them in turn; returns how many the system would not.</summary>
    public static int Send(SafeSocketHandle socket, BatchedHeader* messages, int count)
    {
        var refused = 0;
        for (var at = 0; at < count;)
        {
            var sent = SendMany(socket, messages + at, (uint)(count - at), 0);
            if (sent > 0)
            {
                at += sent;
                continue;
            }
            if (Marshal.GetLastPInvokeError() == ErrorInterrupted) continue;
            // The error is the first one's; the others may still leave.
            refused++;
            at++;
        }
        return refused;
    }

    [LibraryImport("libc", EntryPoint = "recvmmsg", SetLastError = true)]
    private static partial int ReceiveMany(SafeSocketHandle socket, BatchedHeader* messages, uint count, int flags, void* timeout);

    [LibraryImport("libc", EntryPoint = "sendmmsg", SetLastError = true)]
    private static partial int SendMany(SafeSocketHandle socket, BatchedHeader* messages, uint count, int flags);
}
