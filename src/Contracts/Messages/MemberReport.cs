namespace MeshDns.Contracts.Messages;

/// <summary>What a member says of itself to the others with every heartbeat.</summary>
public sealed record MemberReport
{
    /// <summary><c>joining</c>, <c>up</c>, <c>draining</c> or <c>leaving</c>. Only a member that is up gets streams; one that is joining gets them too.</summary>
    public string State { get; init; } = "up";

    /// <summary>Names in its directory.</summary>
    public int Names { get; init; }

    /// <summary>Milliseconds since its last successful read of all streams.</summary>
    public long AgeMs { get; init; }

    /// <summary>Events that the journal has and its directory hasn't, as far as it knows.</summary>
    public long LagEvents { get; init; }

    /// <summary>The sources that it could run.</summary>
    public IReadOnlyList<string> Sources { get; init; } = [];

    /// <summary><c>host:port</c> where nodes without a database ask it; empty for nowhere.</summary>
    public string Feed { get; init; } = "";
}
