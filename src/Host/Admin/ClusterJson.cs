namespace MeshDns.Host.Admin;

/// <summary>The cluster as the asked node sees it.</summary>
public sealed record ClusterJson(string Node, IReadOnlyList<MemberJson> Members, IReadOnlyList<StreamJson> Streams, VipUsageJson Vips);

/// <summary>A member.</summary>
public sealed record MemberJson(string Node, string Address, IReadOnlyList<string> Roles, string State, string Version, int Streams, DirectoryJson Directory);

/// <summary>How fresh a node's directory is.</summary>
public sealed record DirectoryJson(int Names, double AgeSeconds, long LagEvents);

/// <summary>A stream and its owner.</summary>
public sealed record StreamJson(string Stream, string Owner, long Epoch, long Seq);

/// <summary>How full the pool is; the last five sum to the capacity.</summary>
public sealed record VipUsageJson(int Capacity, int Leased, int Quarantined, int Reserved, int Excluded, int Free);

/// <summary>The reply to a drain.</summary>
public sealed record DrainJson(string Node, bool Draining);

/// <summary>The reply to a health check that passed, and why changes could not be carried out although it did.</summary>
public sealed record HealthJson(string Status, string? Reason = null);
