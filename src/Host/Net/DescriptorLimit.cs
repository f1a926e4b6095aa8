using System.Runtime.InteropServices;

namespace MeshDns.Host.Net;

/// <summary>How many files and sockets the system lets this process have open (getrlimit(2)).</summary>
internal static partial class DescriptorLimit
{
    private const int NoFile = 7;

    /// <summary>The limit, which the runtime has raised to the hard one; null where it is not known.</summary>
    public static long? Read()
    {
        if (!OperatingSystem.IsLinux() || !Environment.Is64BitProcess) return null;
        return GetLimit(NoFile, out var limit) == 0 ? (long)Math.Min(limit.Current, long.MaxValue) : null;
    }

    [LibraryImport("libc", EntryPoint = "getrlimit", SetLastError = true)]
    private static partial int GetLimit(int resource, out Limit limit);

    // struct rlimit of 64-bit Linux.
    [StructLayout(LayoutKind.Sequential)]
    private struct Limit
    {
        public ulong Current;
        public ulong Most;
    }
}
