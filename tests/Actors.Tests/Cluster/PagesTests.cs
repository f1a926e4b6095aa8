using MeshDns.Actors.Cluster;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Services;

namespace MeshDns.Actors.Tests.Cluster;

/// <summary>Pages are cut as if the whole list were sorted by the texts of its keys.</summary>
public sealed class PagesTests
{
    // What sorts before the slash, what after it, and names that begin with each other.
    private static readonly string[] _namespaces = ["a", "a-b", "a.b", "ab", "a0", "b"];
    private static readonly string[] _names = ["a", "a-1", "a.1", "ab", "b", "z"];
    private static readonly StoredDocument[] _documents = [.. from ns in _namespaces from name in _names select Document(ns, name)];

    [Fact]
    public void Keys_compare_as_their_texts()
    {
        string[] texts = [.. _documents.Select(Pages.KeyOf), "", "a", "a-", "a/", "a/a-", "b", "b/zz", "/", "zz", "ab/"];
        foreach (var document in _documents)
        {
            var key = document.Document.Key;
            foreach (var text in texts) Assert.Equal(Math.Sign(string.CompareOrdinal(Pages.KeyOf(document), text)), Math.Sign(Pages.Compare(key, text)));
            foreach (var other in _documents) Assert.Equal(Math.Sign(string.CompareOrdinal(Pages.KeyOf(document), Pages.KeyOf(other))), Math.Sign(Pages.Compare(key, other.Document.Key)));
        }
    }

    [Theory]
    [InlineData(1, null, null)]
    [InlineData(5, null, null)]
    [InlineData(100, null, null)]
    [InlineData(5, "a/z", null)]
    [InlineData(5, "b/z", null)]
    [InlineData(4, "a-b/a", "B")]
    public void A_page_is_the_first_of_what_comes_after(int limit, string? after, string? query)
    {
        var page = new PageRequest(limit, after, query);
        var expected = _documents.Select(Pages.KeyOf).Where(key => (after is null || string.CompareOrdinal(key, after) > 0) && (query is null || key.Contains(query, StringComparison.OrdinalIgnoreCase)))
            .Order(StringComparer.Ordinal).Take(limit + 1).ToArray();
        for (var seed = 1; seed <= 20; seed++)
        {
            var shuffled = _documents.ToArray();
            new Random(seed).Shuffle(shuffled);
            Assert.Equal(expected, Pages.Of(shuffled, page).Select(Pages.KeyOf));
            Assert.Equal(expected, Pages.Of(shuffled.Select(Pages.KeyOf), key => key, page));
        }
    }

    private static StoredDocument Document(string ns, string name) => new(new MeshDocument { Key = new DocumentKey(DocumentKind.ServiceEntry, ns, name) }, 1, "api", 1, 1);
}
