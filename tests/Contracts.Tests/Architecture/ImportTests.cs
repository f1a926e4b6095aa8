using System.Text.RegularExpressions;

namespace MeshDns.Contracts.Tests.Architecture;

/// <summary>Imports run one way (the table of ARCHITECTURE.md, "Layout"): each part knows only the parts before it.</summary>
public sealed partial class ImportTests
{
    private static readonly Dictionary<string, string[]> _contracts = new()
    {
        ["Names"] = [],
        ["Dns"] = ["Names"],
        ["Vips"] = ["Names"],
        ["Services"] = ["Names", "Dns", "Vips"],
        ["Messages"] = ["Names", "Dns", "Vips", "Services"],
        ["Events"] = ["Names", "Dns", "Vips", "Services"],
    };

    [Fact]
    public void Within_Contracts_each_folder_knows_only_those_before_it()
    {
        var offenders = new List<string>();
        foreach (var (path, lines) in SourceTree.Files("src/Contracts"))
        {
            var folder = path.Split('/')[2];
            if (!_contracts.TryGetValue(folder, out var allowed)) { offenders.Add($"{path}: the folder {folder} has no place in the order"); continue; }
            foreach (var other in _contracts.Keys.Except(allowed).Where(o => o != folder))
                offenders.AddRange(Mentions(path, lines, $@"\bContracts\.{other}\b|(?<![\w.]){other}\.[A-Z]\w*"));
        }
        Assert.Empty(offenders);
    }

    [Fact]
    public void Folders_and_namespaces_agree()
    {
        var offenders = new List<string>();
        foreach (var (path, lines) in SourceTree.Files("src"))
        {
            var folders = path.Split('/')[1..^1];
            var expected = "MeshDns." + string.Join('.', folders);
            var declared = lines.Select(l => NamespaceLine().Match(l)).FirstOrDefault(m => m.Success)?.Groups[1].Value;
            if (declared is not null && declared != expected) offenders.Add($"{path}: {declared}");
        }
        Assert.Empty(offenders);
    }

    // The order of the folders of src/Actors: each knows those before it.
    private static readonly string[] _actors = ["Vips", "Directory", "Shards", "Log", "Changes", "Store", "Following", "Protocol", "Cluster"];

    [Fact]
    public void Within_Actors_each_folder_knows_only_those_before_it()
    {
        var offenders = new List<string>();
        foreach (var (path, lines) in SourceTree.Files("src/Actors"))
        {
            if (path.Split('/').Length < 4) continue;
            var place = Array.IndexOf(_actors, path.Split('/')[2]);
            if (place < 0) { offenders.Add($"{path}: the folder has no place in the order"); continue; }
            foreach (var later in _actors[(place + 1)..]) offenders.AddRange(Mentions(path, lines, $@"\bMeshDns\.Actors\.{later}\b"));
        }
        Assert.Empty(offenders);
    }

    // The rooms of src/Host/Upstream, each of which knows those before it, and the files of its root that they share; its others know them all.
    private static readonly string[] _upstream = ["Cache", "Replies", "UpstreamCounters.cs", "LoopReport.cs", "Servers", "Flights"];

    // By the names of their types, since a namespace inside another needs no import for the one around it.
    [Fact]
    public void Within_Upstream_each_room_knows_only_those_before_it()
    {
        var files = SourceTree.Files("src/Host/Upstream").Select(f => (f.Path, f.Lines, Place: Place(f.Path))).ToList();
        var offenders = files.Where(f => f.Place < 0).Select(f => $"{f.Path}: the folder has no place in the order").ToList();
        foreach (var later in files.SelectMany(f => f.Lines.Select(l => TypeLine().Match(l)).Where(m => m.Success).Select(m => (Name: m.Groups[1].Value, f.Place))))
            foreach (var file in files.Where(f => f.Place < later.Place))
                offenders.AddRange(Mentions(file.Path, file.Lines, $@"(?<![\w.]){later.Name}\b"));
        Assert.Empty(offenders);

        static int Place(string path)
        {
            var place = Array.IndexOf(_upstream, path.Split('/')[3]);
            return place < 0 && path.Split('/').Length == 4 ? _upstream.Length : place;
        }
    }

    [Fact]
    public void Contracts_know_neither_actors_nor_the_host() => Assert.Empty(Mentions("src/Contracts", @"\bMeshDns\.(Actors|Host)\b"));

    [Fact]
    public void Only_actors_know_Akka_but_for_the_certificates_that_it_shows() =>
        Assert.DoesNotContain(Mentions("src/Contracts", @"\bAkka\.").Concat(Mentions("src/Host", @"\busing Akka\.")), m => !m.StartsWith("src/Host/Cluster/ClusterTls.cs:", StringComparison.Ordinal));

    [Fact]
    public void Actors_do_not_know_the_host() => Assert.Empty(Mentions("src/Actors", @"\bMeshDns\.Host\b"));

    [Fact]
    public void Projects_refer_to_each_other_in_the_same_order()
    {
        Assert.Empty(References("Contracts"));
        Assert.Equal(["Contracts"], References("Actors"));
        Assert.Equal(["Actors", "Contracts"], References("Host").Union(["Contracts"]).Order());
    }

    [Fact]
    public void Contracts_need_no_package() =>
        Assert.DoesNotContain("PackageReference", File.ReadAllText(Path.Combine(SourceTree.Root, "src/Contracts/MeshDns.Contracts.csproj")), StringComparison.Ordinal);

    // The order of the folders of src/Host: each knows those before it.
    private static readonly string[] _host = ["Net", "Telemetry", "Settings", "Sources", "Resolve", "Upstream", "Query", "Edge", "Cluster", "Admin", "Cli", "Nodes"];

    [Fact]
    public void Within_the_host_each_folder_knows_only_those_before_it()
    {
        var offenders = new List<string>();
        foreach (var (path, lines) in SourceTree.Files("src/Host"))
        {
            if (path.Split('/').Length < 4) continue;
            var place = Array.IndexOf(_host, path.Split('/')[2]);
            if (place < 0) { offenders.Add($"{path}: the folder has no place in the order"); continue; }
            foreach (var later in _host[(place + 1)..]) offenders.AddRange(Mentions(path, lines, $@"\bMeshDns\.Host\.{later}\b"));
        }
        Assert.Empty(offenders);
    }

    [Fact]
    public void The_edge_sees_the_directory_and_no_actor() =>
        Assert.Empty(new[] { "Edge", "Query" }.SelectMany(folder =>
            Mentions($"src/Host/{folder}", @"\bMeshDns\.Actors\.(?!Directory\b)\w+|(?<![\w.])Actors\.(?!Directory\b)\w+|\bDirectoryFeed\b|\bMeshDns\.Host\.Sources\b")));

    [Fact]
    public void The_upstream_side_knows_nothing_of_the_mesh() =>
        Assert.Empty(Mentions("src/Host/Upstream", @"\bMeshDns\.Actors\b|\bMeshDns\.Host\.Sources\b"));

    [Fact]
    public void System_calls_of_the_host_stand_in_Net_which_knows_no_other_folder()
    {
        Assert.DoesNotContain(Mentions("src/Host", @"\b(LibraryImport|DllImport|NativeLibrary|UnmanagedCallersOnly)\b"), m => !m.StartsWith("src/Host/Net/", StringComparison.Ordinal));
        Assert.Empty(Mentions("src/Host/Net", @"\bMeshDns\.(Actors|Contracts|Host\.(?!Net\b))"));
    }

    // What counts reads its own labels.
    [Fact]
    public void A_label_of_the_metrics_decides_nothing_about_a_query() =>
        Assert.DoesNotContain(
            new[] { "Resolve", "Upstream", "Query", "Edge" }.SelectMany(folder => Mentions($"src/Host/{folder}", @"\bStage\s*([=!<>]=|[<>] |is\b|switch\b)|([=!<>]=|\bis( not)?) Stage\.")),
            m => !m.StartsWith("src/Host/Query/QueryCounters.cs:", StringComparison.Ordinal) && !m.StartsWith("src/Host/Edge/EdgeStatistics.cs:", StringComparison.Ordinal));

    [Fact]
    public void SQL_stays_behind_the_store()
    {
        var offenders = SourceTree.Files("src").Where(f => !f.Path.StartsWith("src/Actors/Store/", StringComparison.Ordinal))
            .SelectMany(f => Mentions(f.Path, f.Lines, @"\bMicrosoft\.Data\.Sqlite\b|\bNpgsql\b"));
        Assert.Empty(offenders);
    }

    private static List<string> Mentions(string folder, string pattern) => [.. SourceTree.Files(folder).SelectMany(f => Mentions(f.Path, f.Lines, pattern))];

    private static IEnumerable<string> Mentions(string path, string[] lines, string pattern) =>
        lines.Select((line, i) => (Line: SourceTree.Code(line), Number: i + 1)).Where(l => Regex.IsMatch(l.Line, pattern)).Select(l => $"{path}:{l.Number}: {l.Line.Trim()}");

    private static string[] References(string project)
    {
        var text = File.ReadAllText(Path.Combine(SourceTree.Root, $"src/{project}/MeshDns.{project}.csproj"));
        return [.. ProjectReference().Matches(text).Select(m => m.Groups[1].Value).Order()];
    }

    [GeneratedRegex(@"^namespace ([\w.]+);")]
    private static partial Regex NamespaceLine();

    [GeneratedRegex(@"^(?:(?:public|internal|sealed|static|abstract|readonly|ref|unsafe|partial) )*(?:class|struct|enum|interface|record struct|record) (\w+)")]
    private static partial Regex TypeLine();

    [GeneratedRegex(@"<ProjectReference Include=""[^""]*MeshDns\.(\w+)\.csproj""")]
    private static partial Regex ProjectReference();
}
