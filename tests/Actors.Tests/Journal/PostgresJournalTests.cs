using System.Globalization;
using MeshDns.Actors.Journal;
using MeshDns.Tests.Shared;

namespace MeshDns.Actors.Tests.Journal;

/// <summary>The contract, on a real PostgreSQL; each test has a database of its own.</summary>
public sealed class PostgresJournalTests : ClusterJournalContract
{
    private string _connection = "";

    internal override async Task<IJournal> OpenAsync()
    {
        _connection = await (await PostgresServer.Shared).CreateDatabaseAsync();
        return await PostgresRig.OpenAsync(_connection);
    }

    internal override async Task<long> NowAsync() => (long)(await PostgresRig.ExecuteAsync(_connection, "SELECT meshdns.now_ms()"))!;

    // The clock of a database cannot be moved, so what it has becomes older.
    internal override Task AdvanceAsync(TimeSpan by) => PostgresRig.ExecuteAsync(_connection, string.Create(CultureInfo.InvariantCulture,
        $"UPDATE meshdns.member SET expires_at = expires_at - {(long)by.TotalMilliseconds}; UPDATE meshdns.remembered_reply SET at = at - {(long)by.TotalMilliseconds}; UPDATE meshdns.forwarded_reply SET at = at - {(long)by.TotalMilliseconds}"));
}
