using System.Runtime.InteropServices;

namespace MeshDns.Host.Net;

/// <summary>What the system takes away of the modes of the files that this process makes (umask(2)).</summary>
internal static partial class FileMask
{
    public static void Set(UnixFileMode taken) => _ = SetMask((int)taken);

    [LibraryImport("libc", EntryPoint = "umask")]
    private static partial int SetMask(int mask);
}
