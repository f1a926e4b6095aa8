using System.Text.RegularExpressions;

namespace MeshDns.Contracts.Tests.Architecture;

/// <summary>A whole node runs on one seeded scheduler and a virtual clock, so nothing of the actors' layer may reach for the real ones.</summary>
public sealed class ActorLayerTests
{
    // A pattern and the one file that may have it, with its reason.
    public static TheoryData<string, string> Forbidden => new()
    {
        { @"\bTask\.Run\b", "" },
        { @"\bThreadPool\b", "" },
        { @"\bParallel\.", "" },
        { @"\bDateTime(Offset)?\.(UtcNow|Now)\b", "" },
        { @"\bStopwatch\b|\bEnvironment\.TickCount", "" },
        { @"\bRandom\.Shared\b|\bnew Random\(", "" },
        { @"\bGuid\.NewGuid\b", "src/Actors/Shards/ChangeBatch.cs" }, // names a batch; nothing is ordered or decided by it
        { @"\bConfigureAwait\b", "" },
        { @"\bThread\.Sleep\b|\bSpinWait\b", "" },
        { @"\bnew Thread\b", "src/Actors/Journal/SqliteWorker.cs" }, // SQLite blocks, behind IJournal
        { @"\bTimeProvider\.System\b", "" },
        { @"\bCancelAsync\b", "" }, // runs callbacks on the thread pool
        { @"\.WaitAsync\((?!_appendDeadline)", "src/Actors/Journal/PostgresListener.cs" }, // hops through the thread pool; see Deadline. There it waits for a notification
        { @"\bTask\.Delay\([^,()]*\)", "" }, // without a TimeProvider
        { @"\bnew (System\.Threading\.)?Timer\(|\bPeriodicTimer\b", "" },
        { @"\.(Wait|GetAwaiter\(\)\.GetResult)\(\)|\.Result\b(?!\w)", "" },
        { @"\basync void\b", "" },
    };

    [Theory]
    [MemberData(nameof(Forbidden))]
    public void Nothing_under_Actors_reaches_for_real_threads_time_or_chance(string pattern, string allowed)
    {
        var offenders = SourceTree.Files("src/Actors").Where(f => f.Path != allowed)
            .SelectMany(f => f.Lines.Select((line, i) => (f.Path, Line: SourceTree.Code(line), Number: i + 1)))
            .Where(l => Regex.IsMatch(l.Line, pattern))
            .Select(l => $"{l.Path}:{l.Number}: {l.Line.Trim()}");
        Assert.Empty(offenders);
    }
}
