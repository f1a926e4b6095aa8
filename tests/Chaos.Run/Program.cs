using System.Globalization;
using MeshDns.Chaos.Run;
using MeshDns.Chaos.Run.Faults;
using MeshDns.Chaos.Run.Links;
using MeshDns.Chaos.Run.Report;
using MeshDns.Tests.Shared.Judge;

const string Usage = """
    ./chaos [--minutes N] [--seed N] [--nodes N] [--faults KIND,...] [--keep DIR] [--haste FACTOR] [--sqlite]
    ./chaos --judge DIR      judges a kept run again
    """;

try
{
    if (args is ["--judge", var folder]) return JudgeAgain(folder);
    var options = Read(args);
    if (!options.Sqlite && Router.WhyNot is { } reason)
    {
        Console.Error.WriteLine($"chaos: {reason}; --sqlite, a node on its own, needs none");
        return 2;
    }
    var result = await new ChaosRun(options, Console.WriteLine).RunAsync();
    Console.WriteLine();
    Console.WriteLine(result.Summary);
    return result.Passed ? 0 : 1;
}
catch (FormatException e)
{
    Console.Error.WriteLine($"{e.Message}\n{Usage}\nfaults: {string.Join(", ", FaultCatalogue.All.Select(k => k.Name))}");
    return 2;
}
catch (Exception e)
{
    Console.Error.WriteLine($"{e}\nFAIL: the run broke off");
    return 1;
}

static ChaosOptions Read(string[] arguments)
{
    var options = new ChaosOptions { Seed = Environment.TickCount & 0xFFFF };
    for (var i = 0; i < arguments.Length; i++)
    {
        if (arguments[i] == "--sqlite") { options = options with { Sqlite = true, Nodes = 1, Edges = 0 }; continue; }
        if (i + 1 == arguments.Length) throw new FormatException($"'{arguments[i]}' is unknown, or lacks a value");
        var value = arguments[i + 1];
        options = arguments[i++] switch
        {
            "--minutes" => options with { Duration = TimeSpan.FromMinutes(double.Parse(value, CultureInfo.InvariantCulture)) },
            "--seed" => options with { Seed = int.Parse(value, CultureInfo.InvariantCulture) },
            "--nodes" => options with { Nodes = int.Parse(value, CultureInfo.InvariantCulture) },
            "--haste" => options with { Haste = double.Parse(value, CultureInfo.InvariantCulture) },
            "--faults" => options with { Faults = Known(value.Split(',')) },
            "--keep" => options with { Keep = value },
            _ => throw new FormatException($"'{arguments[i]}' is unknown"),
        };
    }
    return options;
}

static string[] Known(string[] kinds) =>
    kinds.Except(FaultCatalogue.All.Select(k => k.Name)).FirstOrDefault() is { } unknown ? throw new FormatException($"there is no fault '{unknown}'") : kinds;

static int JudgeAgain(string folder)
{
    using var file = File.OpenText(Path.Combine(folder, "history.jsonl"));
    var log = ImageFile.Read(Path.Combine(folder, "journal.json"));
    var verdict = HistoryJudge.Check(HistoryFile.Read(file), LoggedPast.Of(log.Rows, log.Images), ChaosRun.JudgeOptionsOf(new ChaosOptions()));
    foreach (var breach in verdict.Breaches) Console.WriteLine(breach);
    Console.WriteLine($"{verdict.Breaches.Count} breaches, {verdict.AnswersJudged} answers judged");
    return verdict.Breaches.Count == 0 ? 0 : 1;
}
