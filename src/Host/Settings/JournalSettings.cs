namespace MeshDns.Host.Settings;

/// <summary>The section <c>journal</c>.</summary>
/// <param name="Store">Which database holds the events.</param>
/// <param name="ConnectionString">How to reach PostgreSQL; a secret as it may carry a password. Required for <see cref="JournalStore.Postgres"/>, unused for SQLite.</param>
/// <param name="AllowDataLoss">Start although several database hosts are configured without synchronous standbys.</param>
/// <param name="KeepRows">At least so many of the newest rows stay, 10,000 or more; older ones that an image covers are cut away. Null: every row stays.</param>
public sealed record JournalSettings(JournalStore Store, Secret ConnectionString, bool AllowDataLoss, long? KeepRows);

/// <summary>The databases that can hold the journal (<c>journal.store</c>).</summary>
public enum JournalStore
{
    /// <summary>A file under <c>node.data-dir</c>; one node.</summary>
    Sqlite,

    /// <summary>A PostgreSQL server that all nodes share.</summary>
    Postgres,
}
