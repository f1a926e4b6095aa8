namespace MeshDns.Actors.Store;

/// <summary>What a node says that finds the store of the engine before the log: the two commands that bring a mesh over.</summary>
internal static class OlderEngine
{
    /// <summary>The last version that reads such a store.</summary>
    public const string Version = "0.1.0";

    /// <summary>For the operator.</summary>
    /// <param name="store">Where it is, without secrets.</param>
    public static string Text(string store) =>
        $"{store} is the store of meshdns {Version} or older, which this version does not read. With that version: ./meshdns export > mesh.yaml; "
        + "then start this one on an empty store: ./meshdns apply -f mesh.yaml. Every VIP and every quarantine stays";
}
