namespace MeshDns.Host.Admin;

/// <summary>What the API has room for, and who waits for it. Nothing here is asked for by <c>/healthz</c> and <c>/readyz</c>.</summary>
internal sealed class Admission(AdminServices services)
{
    public OpenConnections Connections { get; } = new(services.Bounds.Connections);

    public BodyMemory Bodies { get; } = new(services.Bounds.BodyBytes, services.Bounds.SmallBodyBytes);

    public Line Reads { get; } = Of(services, "reads", services.Bounds.Reads);

    public Line Lists { get; } = Of(services, "lists", services.Bounds.Lists);

    public Line Scrapes { get; } = Of(services, "scrapes", services.Bounds.Scrapes);

    public Line Changes { get; } = Of(services, "changes", services.Bounds.Changes);

    public Line LargeChanges { get; } = Of(services, "large changes", services.Bounds.LargeChanges);

    /// <summary>The line for a change by a body of so many bytes; taken when the body is there.</summary>
    public Line ChangesOf(int bodyBytes) => bodyBytes <= AdminLimits.DocumentBytes ? Changes : LargeChanges;

    /// <summary>All lines, as the metrics call them.</summary>
    public IEnumerable<(string Kind, Line Line)> Lines =>
        [("read", Reads), ("list", Lists), ("scrape", Scrapes), ("change", Changes), ("large_change", LargeChanges)];

    private static Line Of(AdminServices services, string what, int places) => new(what, places, services.Bounds.Waiting, AdminLimits.Patience, services.Time);
}
