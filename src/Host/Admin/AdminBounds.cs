namespace MeshDns.Host.Admin;

/// <summary>
/// How much the API does at a time. Every request that may hold a place or wait for one has its connection, and there are more connections than those together:
/// whoever connects finds one that waits for its client, and so can be closed.
/// </summary>
public sealed record AdminBounds
{
    /// <summary>Open connections.</summary>
    public int Connections { get; init; } = 1024;

    /// <summary>Reads of one thing.</summary>
    public int Reads { get; init; } = 64;

    /// <summary>Lists and exports, which last as long as their callers take to read them.</summary>
    public int Lists { get; init; } = 16;

    /// <summary>Scrapes of the metrics.</summary>
    public int Scrapes { get; init; } = 4;

    /// <summary>Changes of one document or a small set.</summary>
    public int Changes { get; init; } = 64;

    /// <summary>Changes by a body larger than <see cref="AdminLimits.DocumentBytes"/>. Bounds the memory of parsed documents.</summary>
    public int LargeChanges { get; init; } = 2;

    /// <summary>Requests that wait for a place, of each of these kinds.</summary>
    public int Waiting { get; init; } = 128;

    /// <summary>Memory for all bodies that arrive or wait to be read.</summary>
    public long BodyBytes { get; init; } = 192L << 20;

    /// <summary>Of these, what only small bodies get.</summary>
    public long SmallBodyBytes { get; init; } = 32L << 20;

    /// <summary>The bounds where there may be fewer connections: lists, changes and what waits give way, so that most connections are still idle or waiting for their client.</summary>
    /// <param name="connections">Open connections.</param>
    public static AdminBounds Within(int connections)
    {
        var all = new AdminBounds();
        if (connections >= all.Connections) return all;
        var share = connections / (double)all.Connections;
        return all with { Connections = connections, Reads = Part(all.Reads), Lists = Part(all.Lists), Changes = Part(all.Changes), Waiting = Part(all.Waiting) };

        int Part(int places) => Math.Max(1, (int)(places * share));
    }
}
