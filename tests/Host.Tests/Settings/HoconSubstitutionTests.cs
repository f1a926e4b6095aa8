namespace MeshDns.Host.Tests.Settings;

public sealed class HoconSubstitutionTests
{
    [Theory]
    [InlineData("a = 1\nb = ${a}", "{ a = 1, b = 1 }")]
    [InlineData("b = ${a}\na = 1", "{ b = 1, a = 1 }")]
    [InlineData("b = ${a}\na = 1\na = 2", "{ b = 2, a = 2 }")]
    [InlineData("a.b = 1\nc = ${a.b}", "{ a = { b = 1 }, c = 1 }")]
    [InlineData("a = x\nb = ${a}y ${a}", "{ a = x, b = \"xy x\" }")]
    [InlineData("a { x = 1 }\nb = ${a} { y = 2 }", "{ a = { x = 1 }, b = { x = 1, y = 2 } }")]
    [InlineData("a { x = 1 }\nb = ${a}\nb.y = 2\nb.x = 3", "{ a = { x = 1 }, b = { x = 3, y = 2 } }")]
    [InlineData("a = [1]\nb = ${a} [2]", "{ a = [1], b = [1, 2] }")]
    [InlineData("a = x\na = ${a}y", "{ a = xy }")]
    [InlineData("s { a = x }\ns { a = ${s.a}y }\ns.a = ${s.a}z", "{ s = { a = xyz } }")]
    [InlineData("a = ${?a}x", "{ a = x }")]
    [InlineData("bar { foo = 42, baz = ${bar.foo} }", "{ bar = { foo = 42, baz = 42 } }")]
    [InlineData("bar { foo = 42, baz = ${bar.foo} }\nbar { foo = 43 }", "{ bar = { foo = 43, baz = 43 } }")]
    [InlineData("a = 1\na = ${?none}", "{ a = 1 }")]
    [InlineData("a = ${?none}", "{}")]
    [InlineData("a = [${?none}, 1]", "{ a = [1] }")]
    [InlineData("a = x${?none}y", "{ a = xy }")]
    [InlineData("a = ${?none} ${?none}", "{}")]
    [InlineData("a = ${none}\na = 1", "{ a = 1 }")]
    [InlineData("n { a = ${none} }\nn { a = 1 }", "{ n = { a = 1 } }")]
    [InlineData("a { c = ${b.d}, e = 2 }\nb { c = ${a.e}, d = 1 }\n", "{ a = { c = 1, e = 2 }, b = { c = 2, d = 1 } }")]
    [InlineData("x.\"a.b\" = 1\ny = ${x.\"a.b\"}", "{ x = { \"a.b\" = 1 }, y = 1 }")]
    public void Looks_through_the_whole_tree_and_back_at_itself(string text, string expected) => Assert.Equal(expected, HoconTestText.Rendered(text));

    [Fact]
    public void Falls_back_to_the_environment()
    {
        Assert.Equal("{ a = env, b = tree, tree = tree }", HoconTestText.Rendered("a = ${HERE}\nb = ${tree}\ntree = tree", ("HERE", "env"), ("tree", "env")));
        Assert.Equal("{ HOME = \"/root:x\" }", HoconTestText.Rendered("HOME = ${HOME}\":x\"", ("HOME", "/root")));
        var value = HoconTestText.Resolve("a = 1\na = ${?HERE}", ("HERE", "2")).Fields["a"].Value;
        Assert.Equal("env HERE", value.Origin.ToString());
    }

    [Theory]
    [InlineData("a = 1\nb = ${none}", 2, "${none} is defined neither here nor in the environment")]
    [InlineData("a = ${a}", 1, "${a} is defined neither here nor in the environment, or only by itself")]
    [InlineData("a = ${b}\nb = ${a}", 2, "${a} is defined neither here")]
    [InlineData("a = [${a}]", 1, "the value refers to itself")]
    [InlineData("a = [1] x", 1, "only text joins text")]
    [InlineData("a = [1]\nb = ${a} { c = 1 }", 2, "only text joins text")]
    public void Refuses_what_has_no_value(string text, int line, string message)
    {
        HoconTestText.Resolve(text, out var errors);
        Assert.Contains(errors, error => error.Origin.Line == line && error.Message.StartsWith(message, StringComparison.Ordinal));
    }

    [Fact]
    public void All_undefined_substitutions_are_reported_at_once()
    {
        HoconTestText.Resolve("a = ${x}\nb = ${y}\nc = [${z}]", out var errors);
        Assert.Equal([1, 2, 3], errors.Select(error => error.Origin.Line));
    }

    [Theory]
    [InlineData("${?a{0}}${?a{0}}")]
    [InlineData("[${?a{0}}, ${?a{0}}]")]
    [InlineData("{ l = ${?a{0}}, r = ${?a{0}} }")]
    public void Substitutions_that_multiply_end(string doubling)
    {
        var lines = Enumerable.Range(1, 60).Select(i => $"a{i} = {doubling.Replace("{0}", $"{i - 1}", StringComparison.Ordinal)}");
        HoconTestText.Resolve("a0 = x\n" + string.Join('\n', lines), out var errors);
        Assert.NotEmpty(errors);
    }

    [Fact]
    public void A_long_chain_ends()
    {
        HoconTestText.Resolve("a0 = x\n" + string.Join('\n', Enumerable.Range(1, 20_000).Select(i => $"a{i} = ${{a{i - 1}}}").Reverse()), out var errors);
        Assert.Contains(errors, error => error.Message.Contains("deep", StringComparison.Ordinal));
    }
}
