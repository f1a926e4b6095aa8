using System.Runtime.InteropServices;

namespace MeshDns.Host.Net;

/// <summary>
/// The C library's heap, on which the compiler and SQLite work. It keeps what they free, an arena for each thread, for as long as the process lives.
/// </summary>
internal static partial class NativeHeap
{
    /// <summary>Gives free pages back to the system, a few milliseconds; nothing where the C library has no such call.</summary>
    public static void Trim()
    {
        if (!OperatingSystem.IsLinux()) return;
        try { _ = MallocTrim(0); }
        catch (Exception e) when (e is EntryPointNotFoundException or DllNotFoundException)
        {
            // Not glibc.
        }
    }

    [LibraryImport("libc", EntryPoint = "malloc_trim")]
    private static partial int MallocTrim(nuint pad);
}
