using System.Text;
using FsCheck;
using FsCheck.Fluent;
using MeshDns.Host.Sources;

namespace MeshDns.Host.Tests.Sources;

/// <summary>Any bytes give documents or errors: nothing is thrown, nothing loops.</summary>
public sealed class ManifestFuzzTests
{
    private static readonly ManifestFormat[] _formats = Enum.GetValues<ManifestFormat>();
    private static readonly string[] _tokens = ["---\n", "...", "\n", "  ", ": ", "- ", "? ", "{", "}", "[", "]", ",", "\"", "'", "|", ">", "&a ", "*a", "*a : ", "&b [*a, *a]", "<<: ", "<<: *a\n", "!!str ", "!", "%TAG ", "#", "\t", "\r", "\0", "~", "kind", "List", "items", "\\ud800", "\\x", "999999999999999999999", "\uFEFF", "\u2028", "@", "`"];

    private static readonly Config _config = Config.QuickThrowOnFailure.WithMaxTest(3_000);

    [Fact]
    public void Random_bytes() => Check.One(_config, Prop.ForAll<byte[]>(bytes => ReadEveryWay(bytes)));

    [Fact]
    public void Random_tokens() => Check.One(_config, Prop.ForAll(RandomDocuments.Seeds, seed =>
    {
        var random = new Random(seed);
        var text = new StringBuilder();
        for (var i = random.Next(60); i > 0; i--) text.Append(_tokens[random.Next(_tokens.Length)]);
        ReadEveryWay(Encoding.UTF8.GetBytes(text.ToString()));
    }));

    [Fact]
    public void Mutated_manifests() => Check.One(_config, Prop.ForAll(RandomDocuments.Seeds, seed =>
    {
        var random = new Random(seed);
        var documents = new RandomDocuments(seed);
        var text = new StringBuilder(random.Next(2) == 0 ? ManifestWriter.ToYaml(documents.Next()) + "---\n" + ManifestWriter.ToYaml(documents.Next()) : ManifestWriter.ToJson(documents.Next()));
        for (var i = random.Next(1, 6); i > 0; i--)
        {
            var at = random.Next(text.Length);
            if (random.Next(3) == 0) text.Remove(at, Math.Min(random.Next(1, 40), text.Length - at));
            else text.Insert(at, _tokens[random.Next(_tokens.Length)]);
            if (text.Length == 0) return;
        }
        ReadEveryWay(Encoding.UTF8.GetBytes(text.ToString()));
    }));

    [Theory]
    [InlineData("[", 1_000_000)]
    [InlineData("{", 1_000_000)]
    [InlineData("{a: ", 300_000)]
    [InlineData("- ", 1_000_000)]
    [InlineData("? ", 1_000_000)]
    [InlineData("a: ", 1_000_000)]
    [InlineData("--- #\n", 1_000_000)]
    [InlineData("--- x\n", 300_000)]
    [InlineData("...\n", 300_000)]
    [InlineData("x\n...\n", 300_000)]
    [InlineData("!", 1_000_000)]
    [InlineData("\"\\", 1_000_000)]
    [InlineData("\n ", 1_000_000)]
    [InlineData("[a,", 300_000)]
    [InlineData("a,", 300_000)]
    [InlineData("{}", 1_000_000)]
    [InlineData("%", 1_000_000)]
    [InlineData("# \n", 1_000_000)]
    [InlineData("|\n", 1_000_000)]
    [InlineData("a: 1\n", 300_000)]
    [InlineData("- &a x\n- *a\n", 300_000)]
    [InlineData("- &a {<<: [{}, {}]}\n- <<: *a\n", 100_000)]
    [InlineData("{&a b: &a [c], ", 100_000)]
    [InlineData("[&a [*a, ", 100_000)]
    public void One_thing_again_and_again(string piece, int count) => ReadEveryWay(Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat(piece, count))));

    private static void ReadEveryWay(byte[] bytes)
    {
        foreach (var format in _formats)
        {
            var result = ManifestReader.Read("fuzz", bytes, format);
            Assert.True(result.Errors.Count <= ManifestLimits.Errors + 1);
            foreach (var error in result.Errors) Assert.True(error.ToString().Length < 2_000, error.ToString());
        }
    }
}
