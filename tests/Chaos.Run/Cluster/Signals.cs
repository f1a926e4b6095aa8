using System.Runtime.InteropServices;

namespace MeshDns.Chaos.Run.Cluster;

/// <summary>Signals that .NET's Process cannot send.</summary>
internal static partial class Signals
{
    private const int Sigcont = 18;
    private const int Sigstop = 19;

    /// <summary>Holds a process: it does nothing, and its connections stay open.</summary>
    public static void Stop(int process) => Send(process, Sigstop);

    public static void Continue(int process) => Send(process, Sigcont);

    private static void Send(int process, int signal)
    {
        if (Kill(process, signal) != 0) throw new InvalidOperationException($"signal {signal} to {process} failed with {Marshal.GetLastPInvokeError()}");
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int process, int signal);
}
