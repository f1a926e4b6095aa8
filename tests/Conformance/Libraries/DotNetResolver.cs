using System.Net;

namespace MeshDns.Conformance.Libraries;

/// <summary>The framework's resolver as a program: the tests' own assembly, run with a name. The test runner does not come through here.</summary>
internal static class DotNetResolver
{
    private static async Task Main(string[] names)
    {
        foreach (var address in await Dns.GetHostAddressesAsync(names[0])) Console.WriteLine(address);
    }
}
