using MeshDns.Host.Settings.Hocon;

namespace MeshDns.Host.Tests.Settings;

public sealed class HoconParserTests
{
    [Theory]
    [InlineData("", "{}")]
    [InlineData("{}", "{}")]
    [InlineData("\uFEFFa = 1", "{ a = 1 }")]
    [InlineData("{ \"a\" : 1, \"b\" : [true, null, \"x\"] }", "{ a = 1, b = [true, null, x] }")]
    [InlineData("a = 1\nb : 2\nc { d = 3 }", "{ a = 1, b = 2, c = { d = 3 } }")]
    [InlineData("a=1,b=2,\nc=3,", "{ a = 1, b = 2, c = 3 }")]
    [InlineData("# one\n// two\na = 1 # three\nb = 2 // four\n", "{ a = 1, b = 2 }")]
    [InlineData("a.b.c = x\r\na.\"b.d\".e = y", "{ a = { b = { c = x }, \"b.d\" = { e = y } } }")]
    [InlineData("a { b { c = x } }\na.b.d = y", "{ a = { b = { c = x, d = y } } }")]
    [InlineData("a = [1, 2\n3\n,4,]", "{ a = [1, 2, 3, 4] }")]
    [InlineData("a = [[1], {b = 2}]", "{ a = [[1], { b = 2 }] }")]
    [InlineData("a =\n  1", "{ a = 1 }")]
    [InlineData("a = one  two three ", "{ a = \"one  two three\" }")]
    [InlineData("a = \"x \" y", "{ a = \"x  y\" }")]
    [InlineData("a = \"t\\t\\u0041\\\"\\\\\\/\"", "{ a = \"t\\u0009A\\\"\\\\/\" }")]
    [InlineData("a = \"\"\"two\nlines \\n\"\"\"", "{ a = \"two\\u000alines \\\\n\" }")]
    [InlineData("a = \"\"\"quoted\"\"\"\"", "{ a = \"quoted\\\"\" }")]
    [InlineData("a = \"\"", "{ a = \"\" }")]
    [InlineData("a = null", "{ a = null }")]
    [InlineData("a = \"null\"", "{ a = \"null\" }")]
    [InlineData("a = ./data/x", "{ a = \"./data/x\" }")]
    [InlineData("include = 1\ninclude.a = 2", "{ include = { a = 2 } }")]
    [InlineData("a = 1\na = 2", "{ a = 2 }")]
    [InlineData("a { b = 1, c = 1 }\na { b = 2 }", "{ a = { b = 2, c = 1 } }")]
    [InlineData("a { x { p = 1 } }\na { x = 5 }\na { x { q = 2 } }", "{ a = { x = { q = 2 } } }")]
    [InlineData("a = {b = 1} {c = 2}", "{ a = { b = 1, c = 2 } }")]
    [InlineData("a = [1] [2, 3]", "{ a = [1, 2, 3] }")]
    [InlineData("a = [1]\na += 2\na += 3", "{ a = [1, 2, 3] }")]
    [InlineData("s { a += 1 }\ns.a += 2", "{ s = { a = [1, 2] } }")]
    public void Reads_what_users_of_HOCON_expect(string text, string expected) => Assert.Equal(expected, HoconTestText.Rendered(text));

    [Theory]
    [InlineData("a = 1\nb == 2", 2, 4, "expected a value, found '='")]
    [InlineData("a = 127.0.0.1:53", 1, 14, "expected a new line or ',', found ':' (a value that contains it must be in quotes)")]
    [InlineData("a\n= 1", 1, 2, "expected '=', ':' or '{' after the key, found the end of the line")]
    [InlineData("a b = 1", 1, 3, "expected '=', ':' or '{' after the key, found 'b'")]
    [InlineData("a {\n b = 1\n", 1, 4, "the '}' that ends this is missing")]
    [InlineData("a = [1,\n2", 1, 5, "the ']' that ends this is missing")]
    [InlineData("a = 1 }", 1, 7, "expected a new line or ',', found '}'")]
    [InlineData("{ a = 1 } b", 1, 11, "expected the end of the text, found 'b'")]
    [InlineData("a = 1,, b = 2", 1, 7, "two commas in a row")]
    [InlineData(", a = 1", 1, 1, "expected a key, found ','")]
    [InlineData("a. = 1", 1, 3, "a dotted key has an empty element")]
    [InlineData("a = ", 1, 5, "expected a value, found the end of the text")]
    [InlineData("a = \"x\ny\"", 1, 5, "a string in quotes does not end on its line")]
    [InlineData("a = \"\"\"x", 1, 5, "a string in triple quotes does not end")]
    [InlineData("a = \"\\x\"", 1, 7, "a backslash in quotes begins")]
    [InlineData("a = \"\\u12\"", 1, 7, "a backslash in quotes begins")]
    [InlineData("a = ${b", 1, 8, "expected '}' after the name in ${...}, found the end of the text")]
    [InlineData("a = ${}", 1, 7, "expected a key, found '}'")]
    [InlineData("a = [{ b += 1 }]", 1, 8, "'+=' has no meaning inside an array")]
    [InlineData("include \"x\"", 1, 1, "include works in files only")]
    [InlineData("include url(\"http://x\")", 1, 1, "an include is \"NAME\", file(\"NAME\")")]
    [InlineData("a = \u0001", 1, 5, "expected a value, found the character U+0001")]
    public void Refuses_the_rest_with_line_and_column(string text, int line, int column, string message)
    {
        var error = HoconTestText.Refused(text);
        Assert.StartsWith(message, error.Message, StringComparison.Ordinal);
        Assert.Equal(new HoconOrigin("test.conf", line, column), error.Origin);
    }

    [Fact]
    public void Every_value_knows_where_it_was_written()
    {
        var root = HoconTestText.Resolve("a = 1\nb {\n  c = [x,\n    y]\n}\nd.e : z");
        Assert.Equal("test.conf:1:5", root.Fields["a"].Value.Origin.ToString());
        var c = (HoconArray)((HoconObject)root.Fields["b"].Value).Fields["c"].Value;
        Assert.Equal("test.conf:3:7", c.Origin.ToString());
        Assert.Equal("test.conf:4:5", c.Items[1].Origin.ToString());
        Assert.Equal("test.conf:6:1", root.Fields["d"].KeyOrigin.ToString());
    }

    [Theory]
    [InlineData("[")]
    [InlineData("{a=")]
    [InlineData("{a.b.c=")]
    public void Nesting_is_bounded(string open)
    {
        var text = "a = " + string.Concat(Enumerable.Repeat(open, 50_000));
        Assert.Contains("nested deeper than 64", HoconTestText.Refused(text).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_key_and_a_text_are_bounded()
    {
        Assert.Contains("more than 64 elements", HoconTestText.Refused($"{string.Join('.', Enumerable.Repeat("a", 100))} = 1").Message, StringComparison.Ordinal);
        Assert.Contains("longer than 1048576 characters", HoconTestText.Refused(new string(' ', HoconLimits.FileChars + 1)).Message, StringComparison.Ordinal);
    }
}
