using MeshDns.Actors.Journal;

namespace MeshDns.Actors.Tests.Simulation;

/// <summary>Short ways to use a journal.</summary>
internal static class JournalCalls
{
    /// <summary>The reply remembered under a key, or null.</summary>
    public static async Task<RememberedReply?> FindReplyAsync(this IJournal journal, string key, CancellationToken cancel) => (await journal.FindRepliesAsync([key], cancel)).SingleOrDefault();

    /// <summary>Claims streams whatever the ownership table says now.</summary>
    public static async Task<IReadOnlyList<StreamClaim>> TakeAsync(this IJournal journal, NodeIdentity node, IReadOnlyList<string> streams, string term)
    {
        var rows = (await journal.ReadOwnershipAsync(CancellationToken.None)).ToDictionary(r => r.Stream);
        var granted = await journal.ClaimAsync(node, [.. streams.Select(s => rows.TryGetValue(s, out var row) ? new StreamWish(s, row.Term, row.Epoch) : new StreamWish(s, "", 0))], term, CancellationToken.None);
        return [.. streams.Select(s => granted.Single(g => g.Fence.Stream == s))];
    }
}
