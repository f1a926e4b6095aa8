using MeshDns.Host.Settings.Hocon;

namespace MeshDns.Host.Tests.Settings;

public sealed class HoconIncludeTests : IDisposable
{
    private readonly TemporaryFiles _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public void A_file_is_included_relative_to_the_one_that_says_so()
    {
        _files.Write("sub/inner.conf", "include file(\"deeper.conf\")\nx = inner");
        _files.Write("sub/deeper.conf", "x = deeper, y = deeper");
        var main = _files.Write("main.conf", "x = main\ninclude \"sub/inner.conf\"\nz = main");
        Assert.Equal("{ x = inner, y = deeper, z = main }", Load(main).Render());
    }

    [Fact]
    public void Inside_an_object_it_sets_that_objects_keys_and_its_substitutions_look_there_first()
    {
        _files.Write("inner.conf", "x = 1\ny = ${x}\nz = ${outer}\nl += 1");
        var main = _files.Write("main.conf", "x = 9\nouter = 2\na { l = [0]\n include \"inner.conf\" }");
        Assert.Equal("{ x = 9, outer = 2, a = { l = [0, 1], x = 1, y = 1, z = 2 } }", Load(main).Render());
    }

    [Theory]
    [InlineData("include optional(\"none.conf\")")]
    [InlineData("include optional(file(\"none.conf\"))")]
    public void A_missing_file_is_fine_only_when_optional(string include)
        => Assert.Equal("{ a = 1 }", Load(_files.Write("main.conf", $"{include}\na = 1")).Render());

    [Theory]
    [InlineData("include \"none.conf\"", "does not exist")]
    [InlineData("include file(\"none.conf\")", "does not exist")]
    [InlineData("include required(file(\"none.conf\"))", "does not exist")]
    [InlineData("include \"main.conf\"", "includes itself")]
    [InlineData("include \"loop.conf\"", "includes itself")]
    [InlineData("include \".\"", "cannot be read")]
    [InlineData("include \"\\u0000\"", "not a file name")]
    [InlineData("include optional(file(\"a\")", "expected ')' to end the include")]
    [InlineData("include optional \"a\"", "expected '(' after optional")]
    public void Trouble_is_blamed_on_the_line_of_the_include(string include, string message)
    {
        _files.Write("loop.conf", "include \"main.conf\"");
        var main = _files.Write("main.conf", $"a = 1\n{include}\n");
        var error = Assert.Throws<HoconException>(() => Load(main));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        Assert.True(error.Origin.Line == 2 || error.Origin.Source.EndsWith("loop.conf", StringComparison.Ordinal), error.Origin.ToString());
    }

    [Fact]
    public void An_error_in_an_included_file_names_that_file()
    {
        _files.Write("inner.conf", "a = 1\nb = [");
        var error = Assert.Throws<HoconException>(() => Load(_files.Write("main.conf", "include \"inner.conf\"")));
        Assert.EndsWith("inner.conf:2:5", error.Origin.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Depth_and_number_are_bounded()
    {
        for (var i = 0; i < 20; i++)
            _files.Write($"deep{i}.conf", $"include \"deep{i + 1}.conf\"");
        Assert.Contains("more than 10 files include each other", Assert.Throws<HoconException>(() => Load(_files.PathOf("deep0.conf"))).Message, StringComparison.Ordinal);

        _files.Write("leaf.conf", "a = 1");
        var wide = _files.Write("wide.conf", string.Join('\n', Enumerable.Repeat("include \"leaf.conf\"", 100)));
        Assert.Contains("more than 64 files are included", Assert.Throws<HoconException>(() => Load(wide)).Message, StringComparison.Ordinal);
    }

    private static HoconObject Load(string path)
    {
        var root = new ObjectTerm(new HoconOrigin(path, 1, 1));
        HoconParser.ParseFile(root, path);
        var value = HoconResolver.Resolve(root, new Dictionary<string, string>(), out var errors);
        Assert.Empty(errors);
        return value;
    }
}
