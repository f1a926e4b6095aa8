namespace MeshDns.Host.Settings;

/// <summary>The section <c>node</c>.</summary>
/// <param name="Name">Unique in the cluster: 1 to 253 letters, digits, <c>-</c>, <c>_</c> and <c>.</c>, lower case. The host's name when the key is empty.</param>
/// <param name="Roles">What the node does; never <see cref="NodeRoles.None"/>.</param>
/// <param name="DataDirectory">Path as written; a relative one is under the process' working directory.</param>
public sealed record NodeSettings(string Name, NodeRoles Roles, string DataDirectory);

/// <summary>The roles a node can have (<c>node.roles</c>).</summary>
[Flags]
public enum NodeRoles
{
    /// <summary>No role; never a valid setting.</summary>
    None = 0,

    /// <summary>Owns streams: shards and the VIP allocator.</summary>
    Owner = 1,

    /// <summary>Answers DNS queries.</summary>
    Edge = 2,

    /// <summary>Accepts connections to VIPs.</summary>
    Gateway = 4,
}
