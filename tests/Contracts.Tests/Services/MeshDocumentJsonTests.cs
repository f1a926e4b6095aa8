using System.Text;
using System.Text.Json;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Services;

namespace MeshDns.Contracts.Tests.Services;

public sealed class MeshDocumentJsonTests
{
    private static readonly MeshDocument _document = new()
    {
        Key = new DocumentKey(DocumentKind.ServiceEntry, "shop", "db"),
        Labels = new Dictionary<string, string> { ["Team"] = "a" },
        Spec = new ServiceEntrySpec { Hosts = [HostName.Parse("db.example")], Resolution = Resolution.Static },
    };

    private static readonly JsonSerializerOptions _pieces = new() { DefaultBufferSize = 16 };

    private const string Json = """{"key":"ServiceEntry/shop/db","labels":{"Team":"a"},"serviceEntry":{"hosts":["db.example"],"addresses":[],"ports":[],"resolution":"Static","endpoints":[],"exportTo":[]}}""";

    [Fact]
    public void The_spec_stands_in_a_field_of_its_kinds_name()
    {
        Assert.Equal(Json, JsonSerializer.Serialize(_document));
        Assert.Equal(Json, JsonSerializer.Serialize(Read(Json)));
        Assert.IsType<ServiceEntrySpec>(Read(Json).Spec);
    }

    [Theory]
    [InlineData("""{"serviceEntry":{"hosts":["db.example"]},"key":"ServiceEntry/shop/db"}""", true)]
    [InlineData("""{"key":"ServiceEntry/shop/db","service":null}""", false)]
    [InlineData("""{"key":"ServiceEntry/shop/db","labels":null}""", false)]
    public void Fields_come_in_any_order_and_may_be_null(string json, bool hasSpec) => Assert.Equal(hasSpec, Read(json).Spec is not null);

    [Theory]
    [InlineData("""{"service":{"type":"ClusterIP"}}""")]
    [InlineData("""{"key":"Other/shop/db"}""")]
    [InlineData("""{"key":"ServiceEntry/shop/db","serviceEntry":{}}""")]
    [InlineData("""{"key":"ServiceEntry/shop/db","serviceEntry":{"hosts":null}}""")]
    [InlineData("""{"key":"ServiceEntry/shop/db","serviceEntry":[]}""")]
    [InlineData("""{"key":"ServiceEntry/shop/db","labels":7}""")]
    [InlineData("[]")]
    public void Damage_is_refused(string json) => Assert.ThrowsAny<Exception>(() => Read(json));

    [Fact]
    public async Task What_a_newer_version_says_is_passed_over_in_whatever_pieces_it_comes()
    {
        var json = Json.Replace("{\"key\"", "{\"later\":{\"a\":[" + string.Join(',', Enumerable.Range(0, 10_000)) + "]},\"key\"", StringComparison.Ordinal);
        var read = await JsonSerializer.DeserializeAsync<MeshDocument[]>(new MemoryStream(Encoding.UTF8.GetBytes($"[{json},{json}]")), _pieces);
        Assert.Equal([Json, Json], read!.Select(d => JsonSerializer.Serialize(d)));
    }

    private static MeshDocument Read(string json) => JsonSerializer.Deserialize<MeshDocument>(json)!;
}
