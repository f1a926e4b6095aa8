using MeshDns.Actors.Log;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Vips;

namespace MeshDns.Tests.Shared.Judge;

/// <summary>A transaction of the one log.</summary>
/// <param name="Number">The number of its closing row.</param>
/// <param name="Facts">In the order in which they were decided.</param>
public sealed record LoggedTransaction(long Number, IReadOnlyList<MeshEvent> Facts);

/// <summary>The one log at the end of a run, read whole.</summary>
/// <param name="Range">The VIP ranges.</param>
/// <param name="Transactions">In order.</param>
/// <param name="Audit">What its replay found.</param>
public sealed record LoggedPast(VipRange Range, IReadOnlyList<LoggedTransaction> Transactions, LogAuditReport Audit)
{
    /// <summary>The name by which replies speak of a place in it.</summary>
    public const string Name = LogRow.MeshTag;

    /// <summary>A log, audited. Of a damaged one there is what comes before the damage.</summary>
    internal static LoggedPast Of(IReadOnlyList<LogRow> rows, IReadOnlyList<KeptImage> images)
    {
        var transactions = new List<LoggedTransaction>();
        var audit = LogAudit.Run(rows, images, whole => transactions.Add(new LoggedTransaction(whole.Position.Number, whole.Facts)));
        // Where nobody says it there is no transaction that needs it, and the audit has told.
        var founded = transactions.SelectMany(t => t.Facts).OfType<ClusterFounded>().FirstOrDefault() ?? new ClusterFounded("", "240.240.0.0/16", "2001:2::/48", 1) { At = 0 };
        return new LoggedPast(new VipRange(Cidr.Parse(founded.Ipv4), Cidr.Parse(founded.Ipv6)), transactions, audit);
    }
}
