using System.Text.RegularExpressions;

namespace MeshDns.Contracts.Tests.Architecture;

/// <summary>The seeds run the cores and the protocol in virtual time, so nothing of those may reach for real threads, time or chance; what carries them out takes its time from a TimeProvider.</summary>
public sealed class ActorLayerTests
{
    private static readonly string[] _pure = ["Vips", "Directory", "Shards", "Log", "Changes"];

    public static TheoryData<string> ForbiddenInCores =>
    [
        @"\bTask\.(Run|Delay)\b|\bThreadPool\b|\bParallel\.|\basync\b|\bawait\b",
        @"\bnew (System\.Threading\.)?(Timer|Thread)\b|\bPeriodicTimer\b",
        @"\bGuid\.NewGuid\b",
    ];

    // A pattern and the one file that may have it, with its reason.
    public static TheoryData<string, string> Forbidden => new()
    {
        { @"\bDateTime(Offset)?\.(UtcNow|Now)\b", "" },
        { @"\bStopwatch\b|\bEnvironment\.TickCount", "" },
        { @"\bRandom\.Shared\b|\bnew Random\(", "" },
        { @"\bThread\.Sleep\b|\bSpinWait\b", "" },
        { @"\bnew Thread\b", "src/Actors/Store/SqliteWorker.cs" }, // SQLite blocks, behind ILogStore
        { @"\bTimeProvider\.System\b", "" },
        { @"\bTask\.Delay\([^,()]*\)", "" }, // without a TimeProvider
        { @"\.(Wait|GetAwaiter\(\)\.GetResult)\(\)|\.Result\b(?!\w)", "src/Actors/Store/SqliteLogStore.cs" }, // nothing of SQLite's driver is asynchronous
        { @"\basync void\b", "" },
    };

    [Theory]
    [MemberData(nameof(ForbiddenInCores))]
    public void Cores_reach_for_no_thread_and_no_chance(string pattern) => Assert.Empty(_pure.SelectMany(folder => Offenders($"src/Actors/{folder}", pattern, "")));

    [Theory]
    [MemberData(nameof(Forbidden))]
    public void Nothing_under_Actors_reaches_for_real_time_or_chance(string pattern, string allowed) => Assert.Empty(Offenders("src/Actors", pattern, allowed));

    private static IEnumerable<string> Offenders(string folder, string pattern, string allowed) => SourceTree.Files(folder).Where(f => f.Path != allowed)
        .SelectMany(f => f.Lines.Select((line, i) => (f.Path, Line: SourceTree.Code(line), Number: i + 1)))
        .Where(l => Regex.IsMatch(l.Line, pattern))
        .Select(l => $"{l.Path}:{l.Number}: {l.Line.Trim()}");
}
