using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace MeshDns.Actors.Directory;

/// <summary>Asks the processor to fetch memory that will soon be read; it does not wait. Nothing happens where there is no such instruction.</summary>
internal static unsafe class Prefetch
{
    private const int CacheLine = 64;

    /// <summary>The cache line of a variable.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Of<T>(ref T variable)
    {
        // The collector may move the variable meanwhile: then the wrong line comes, which is no fault.
        if (Sse.IsSupported) Sse.Prefetch0(Unsafe.AsPointer(ref variable));
    }

    /// <summary>The first two cache lines of an object, which is not read itself.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Of(object there)
    {
        if (!Sse.IsSupported) return;
        var address = Unsafe.As<object, nint>(ref there);
        Sse.Prefetch0((void*)address);
        Sse.Prefetch0((void*)(address + CacheLine));
    }
}
