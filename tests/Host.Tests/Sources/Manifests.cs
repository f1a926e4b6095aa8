using System.Text;
using MeshDns.Contracts.Services;
using MeshDns.Host.Sources;

namespace MeshDns.Host.Tests.Sources;

/// <summary>Short manifests for tests, and what reading them must give.</summary>
internal static class Manifests
{
    public static ManifestResult Read(string text, ManifestFormat format = ManifestFormat.Auto) => ManifestReader.Read("test.yaml", Encoding.UTF8.GetBytes(text), format);

    /// <summary>A ServiceEntry with this spec, given in flow or block style without its indentation.</summary>
    public static string Entry(string spec, string metadata = "name: e") =>
        $"apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata:\n{Indent(metadata)}\nspec:\n{Indent(spec)}\n";

    public static string Service(string spec, string metadata = "name: s") => $"apiVersion: v1\nkind: Service\nmetadata:\n{Indent(metadata)}\nspec:\n{Indent(spec)}\n";

    public static ManifestDocument ReadOne(string text, ManifestFormat format = ManifestFormat.Auto)
    {
        var result = Read(text, format);
        Assert.Empty(result.Errors);
        return Assert.Single(result.Documents);
    }

    public static ServiceEntrySpec ReadEntry(string spec) => ReadOne(Entry(spec)).Document.ServiceEntry!;

    public static ServiceSpec ReadService(string spec) => ReadOne(Service(spec)).Document.Service!;

    /// <summary>The one error that a manifest must give.</summary>
    public static ManifestError Refused(string text, ManifestFormat format = ManifestFormat.Auto)
    {
        var result = Read(text, format);
        Assert.Empty(result.Documents);
        return Assert.Single(result.Errors);
    }

    /// <summary>Asserts that a manifest is refused once, at this path, for a reason that has these words.</summary>
    public static void AssertRefused(string text, string path, string words)
    {
        var error = Refused(text);
        Assert.Equal(path, error.Path);
        Assert.Contains(words, error.Reason, StringComparison.Ordinal);
        Assert.StartsWith($"test.yaml: document 1, line {error.Line}: {path}", error.ToString(), StringComparison.Ordinal);
    }

    private static string Indent(string text) => string.Join('\n', text.Split('\n').Select(l => "  " + l));
}
