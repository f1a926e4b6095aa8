namespace MeshDns.Host.Resolve;

/// <summary>The step of the query path that decided: a label of the metrics, which decides nothing itself.</summary>
public enum Stage
{
    /// <summary>A declared name.</summary>
    Exact,

    /// <summary>A declared wildcard.</summary>
    Wildcard,

    /// <summary>The address of a VIP or of a declared host, asked backwards.</summary>
    Reverse,

    /// <summary>A declared name that a short name stands for, or to which a resolver library has appended a search domain.</summary>
    Search,

    /// <summary>A mesh zone: apex, empty non-terminal or a name that does not exist.</summary>
    Zone,

    /// <summary>A name that RFC 6761 gives a local answer.</summary>
    Special,

    /// <summary>The cache of upstream answers.</summary>
    Cache,

    /// <summary>An upstream resolver.</summary>
    Forward,

    /// <summary>A query that gets an error by its form, or a fault of ours.</summary>
    Error,

    /// <summary>No reply: a packet that is no query.</summary>
    Drop,

    /// <summary>No reply: too many queries waited for an upstream.</summary>
    Overload,

    /// <summary>No reply: the stop's bound passed, or the client's connection ended, before the upstream answered.</summary>
    Abandoned,
}
