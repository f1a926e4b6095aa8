using MeshDns.Contracts.Services;
using MeshDns.Host.Sources;

namespace MeshDns.Host.Tests.Sources;

/// <summary>Each kind has its row, and no two rows share what tells them apart.</summary>
public sealed class DocumentKindsTests
{
    [Fact]
    public void Rows_stand_in_the_order_of_their_numbers() => Assert.Equal(Enum.GetValues<DocumentKind>(), DocumentKinds.All.Select(r => r.Kind));

    [Fact]
    public void Rows_share_no_path_and_no_name()
    {
        Assert.Equal(DocumentKinds.All.Count, DocumentKinds.All.DistinctBy(r => r.Path).Count());
        var names = DocumentKinds.All.SelectMany(r => r.Names).ToList();
        Assert.Equal(names.Count, names.Distinct().Count());
        Assert.All(names, name => Assert.Equal(name.ToLowerInvariant(), name));
        Assert.All(DocumentKinds.All, r => Assert.Contains(r.Kind.ToString().ToLowerInvariant(), r.Names)); // what the command line says when it does not know one
    }
}
