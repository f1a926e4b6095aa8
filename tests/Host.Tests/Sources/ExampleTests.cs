using MeshDns.Actors.Shards;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Services;
using MeshDns.Contracts.Vips;
using MeshDns.Host.Sources;

namespace MeshDns.Host.Tests.Sources;

/// <summary>The manifests that the README applies.</summary>
public sealed class ExampleTests
{
    private static readonly ManifestInputs _examples = ManifestFiles.Read([Path.Combine(RepositoryRoot(), "examples")], Stream.Null);
    private static readonly ManifestResult _read = ManifestReader.ReadAll(_examples.Inputs);

    [Fact]
    public void They_are_in_order_together()
    {
        Assert.Empty(_examples.Errors);
        Assert.Empty(_read.Errors);
        Assert.True(_read.Documents.Count >= 10);
    }

    [Fact]
    public void They_give_vips_to_those_that_should_have_one()
    {
        string[] expected = ["address.internal", "billing.example.com", "cart.shop.svc.cluster.local", "db.example.com", "queue-a.internal", "queue-b.internal", "queue-c.internal", "search.internal"];
        var domain = HostName.Parse("cluster.local");
        var kept = _read.Documents.Select(d => DeclaredDocument.Of(d.Document, d.Wishes, "api", null, VipRange.Default, domain).Document);
        var eligible = kept.SelectMany(d => HostDeclaration.Of(d, 0, domain)).Where(h => h.Declaration.Eligible).Select(h => h.Host.Text);
        Assert.Equal(expected, eligible.Order(StringComparer.Ordinal));
    }

    private static string RepositoryRoot()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "MeshDns.sln"))) folder = Path.GetDirectoryName(folder) ?? throw new DirectoryNotFoundException("no MeshDns.sln above the tests");
        return folder;
    }
}
