using System.Text.Json;
using MeshDns.Contracts.Services;

namespace MeshDns.Contracts.Tests.Services;

public sealed class DocumentKeyTests
{
    [Theory]
    [InlineData("ServiceEntry/default/db")]
    [InlineData("Service/shop/web-1.x")]
    public void A_key_reads_what_it_prints(string text)
    {
        var key = DocumentKey.Parse(text);
        Assert.Equal(text, key.ToString());
        Assert.Equal(key, JsonSerializer.Deserialize<DocumentKey>(JsonSerializer.Serialize(key)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("ServiceEntry")]
    [InlineData("ServiceEntry/a")]
    [InlineData("ServiceEntry/a/b/c")]
    [InlineData("Pod/a/b")]
    [InlineData("serviceentry/a/b")]
    [InlineData("7/a/b")]
    [InlineData("-1/a/b")]
    [InlineData("ServiceEntry, Service/a/b")]
    public void Anything_else_is_refused(string text) => Assert.Throws<FormatException>(() => DocumentKey.Parse(text));
}
