using FsCheck;
using FsCheck.Fluent;
using MeshDns.Host.Settings;
using MeshDns.Host.Settings.Hocon;

namespace MeshDns.Host.Tests.Settings;

/// <summary>No text makes the parser, the resolver or the validation throw anything but a refusal, or loop.</summary>
public sealed class HoconFuzzTests
{
    private static readonly string[] _pieces =
    [
        "a", "b", "dns", "ttl", "meshdns", ".", "=", ":", "+=", "{", "}", "[", "]", ",", "\n", " ", "\t", "#", "//", "\"", "\"\"\"", "\\", "\\u00", "${", "${?", "}", "${a}", "${?b}",
        "${a.b}", "include ", "include \"a\"", "optional(", ")", "null", "true", "10s", "-1", "1.5h", "64MiB", "127.0.0.1:53", "\"[::1]:53\"", "\0", "\uFEFF", "\uD800", "é", "a = 1\n",
        "a { b = ${a} }\n", "b += ${b}\n", "meshdns.dns.ttl = ", "meshdns { ", "upstream.routes", "clients = [{",
    ];

    [Fact]
    public void Pieces_of_HOCON_in_any_order()
    {
        var text = Gen.Elements(_pieces).ListOf().Select(string.Concat);
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(10_000).WithEndSize(60), Prop.ForAll(text.ToArbitrary(), IsTotal));
    }

    /// <summary>Random texts are rarely HOCON; these always are, so that merging and substitution are reached.</summary>
    [Fact]
    public void Any_sequence_of_assignments()
    {
        string[] keys = ["a", "b", "c", "a.b", "a.b.c", "b.a", "meshdns.dns.ttl", "meshdns.upstream.routes.a"];
        string[] values = ["1", "[1]", "{ b = 1 }", "${?a}", "${b}", "${?a.b} x", "[${?c}] ${?b}", "${?b} { c = ${?a} }", "{ a = ${?a.b}, b = ${?b.a} }", "null", "{}", "${?c}${?c}"];
        var line = from key in Gen.Elements(keys) from assign in Gen.Elements(" = ", " += ", " : ") from value in Gen.Elements(values) select $"{key}{assign}{value}\n";
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(5_000).WithEndSize(9), Prop.ForAll(line.ListOf().Select(string.Concat).ToArbitrary(), IsTotal));
    }

    [Fact]
    public void Any_text()
        => Check.One(Config.QuickThrowOnFailure.WithMaxTest(3_000).WithEndSize(200), Prop.ForAll(ArbMap.Default.ArbFor<string>(), text => IsTotal(text ?? "")));

    [Fact]
    public void Any_set_argument_and_any_variable()
    {
        var text = Gen.Elements(_pieces).ListOf().Select(string.Concat);
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(150).WithEndSize(20), Prop.ForAll(text.ToArbitrary(), piece =>
        {
            foreach (var key in SettingsSchema.All)
            {
                var path = key.Path[(SettingKey.Root.Length + 1)..];
                var set = SettingsLoader.Load(null, [$"{path}={piece}", piece], new Dictionary<string, string>());
                var variable = SettingsLoader.Load(null, [], new Dictionary<string, string> { [key.EnvironmentName] = piece });
                if (set.Settings is null == (set.Errors.Count == 0) || variable.Settings is null == (variable.Errors.Count == 0))
                    return false;
            }
            return true;
        }));
    }

    [Theory]
    [InlineData("a = ${?b}\n", "b = ${?c}\n")]
    [InlineData("a = ${?b}\n", "b = ${?x}\n")]
    [InlineData("a = ${?a} { k = 1 }\n", "")]
    [InlineData("a += 1\n", "")]
    [InlineData("a = ${?a} x\n", "")]
    [InlineData("a.b.c.d.e.f.g.h.i.j = 1\n", "a = ${?a.b}\n")]
    [InlineData("a { b = ${?a} }\n", "")]
    [InlineData("${?a}", "")]
    [InlineData("a", "")]
    [InlineData("a = [${?a}, ${?b}]\n", "b = ${?a} [1]\n")]
    [InlineData("meshdns.#n = 1\n", "")]
    [InlineData("#n = ${?#n}\n", "a#n = ${?a}\n")]
    [InlineData("\"\"\"", "")]
    [InlineData("include optional(\"a\")\n", "")]
    public void A_file_of_a_million_characters_of_the_same_ends(string one, string other)
    {
        const int Length = 1_000_000;
        var text = new System.Text.StringBuilder(one.EndsWith('\n') ? "" : "v = ");
        for (var i = 0; text.Length < Length / 2 || (other.Length > 0 && text.Length < Length); i++)
            text.Append((text.Length < Length / 2 ? one : other).Replace("#n", $"k{i}", StringComparison.Ordinal));
        using var files = new TemporaryFiles();
        var result = Load.Everything(files.Write("big.conf", text.ToString()), [], ("x", "1"));
        Assert.True(result.Settings is not null || result.Errors.Count is > 0 and <= HoconLimits.Errors + 1);
    }

    /// <summary>What is accepted is also rendered as HOCON that means the same.</summary>
    private static bool IsTotal(string text)
    {
        HoconObject value;
        try
        {
            value = HoconTestText.Resolve(text, out var errors, ("a", "x"));
            if (errors.Count > 0)
                return true;
        }
        catch (HoconException)
        {
            return true;
        }
        SettingsBuilder.Build(value, []);
        return value.Render() == HoconTestText.Rendered(value.Render());
    }
}
