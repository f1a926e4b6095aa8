namespace MeshDns.Host.Admin;

/// <summary>What <c>/healthz</c> and <c>/readyz</c> ask of the node. Both answer from memory at once; they never ask the store.</summary>
public interface INodeHealth
{
    /// <summary>False when the node cannot recover by itself and should be restarted, such as when a query loop has died.</summary>
    bool IsLive { get; }

    /// <summary>Why the node should get no queries now, a sentence each; empty when it is ready.</summary>
    IReadOnlyList<string> NotReady { get; }

    /// <summary>Why no change could be carried out now, while queries are answered; empty when one could.</summary>
    string NotWritable { get; }
}
