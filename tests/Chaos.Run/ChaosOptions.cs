using System.Globalization;

namespace MeshDns.Chaos.Run;

/// <summary>What a run is asked to be.</summary>
internal sealed record ChaosOptions
{
    public int Seed { get; init; } = 1;

    public TimeSpan Duration { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>Nodes at the start; one uses SQLite when <see cref="Sqlite"/> says so.</summary>
    public int Nodes { get; init; } = 3;

    /// <summary>Nodes that only answer, without a database.</summary>
    public int Edges { get; init; } = 1;

    public bool Sqlite { get; init; }

    /// <summary>Fault kinds to choose from; empty: all that the store allows.</summary>
    public IReadOnlyList<string> Faults { get; init; } = [];

    /// <summary>Where history, journal and logs are kept; null: only after a failure, in a temporary folder.</summary>
    public string? Keep { get; init; }

    /// <summary>How much the durations of faults are shortened, for the bounded run.</summary>
    public double Haste { get; init; } = 1;

    /// <summary>Short, so that leases do go to others within minutes; four times the TTL is the least allowed.</summary>
    public TimeSpan Quarantine { get; init; } = TimeSpan.FromSeconds(30);

    public TimeSpan Ttl { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>What a node takes a silent member to be gone after.</summary>
    public TimeSpan Lease { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The pool is small (126 addresses), so that it is gone through often.</summary>
    public IEnumerable<string> NodeSettings =>
    [
        "vips.ipv4=240.240.0.0/25", Milliseconds("vips.quarantine", Quarantine), Milliseconds("dns.ttl", Ttl), "mesh.zones=chaos.test", "upstream.servers=127.0.0.1:9",
        Milliseconds("cluster.lease", Lease), "cluster.heartbeat=1s",
    ];

    private static string Milliseconds(string key, TimeSpan value) => string.Create(CultureInfo.InvariantCulture, $"{key}={(long)value.TotalMilliseconds}ms");
}
