using System.Text;
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using HostName = MeshDns.Contracts.Names.HostName;

namespace MeshDns.Contracts.Tests.Names;

public sealed class HostNameTests
{
    [Theory]
    [InlineData("db.example.com", "db.example.com")]
    [InlineData("DB.Example.COM", "db.example.com")]
    [InlineData("db.example.com.", "db.example.com")]
    [InlineData("*.Example.com", "*.example.com")]
    [InlineData("bücher.example", "xn--bcher-kva.example")]
    [InlineData("BÜCHER.example", "xn--bcher-kva.example")]
    [InlineData("xn--bcher-kva.example", "xn--bcher-kva.example")]
    [InlineData("пример.example", "xn--e1afmkfd.example")]
    [InlineData("ПРИМЕР.example", "xn--e1afmkfd.example")]
    [InlineData("例え.example", "xn--r8jz45g.example")]
    [InlineData("_sip._tcp.example", "_sip._tcp.example")]
    [InlineData("localhost", "localhost")]
    [InlineData("1.2.3.4.example", "1.2.3.4.example")]
    public void What_a_person_writes_is_folded(string text, string folded)
    {
        Assert.True(HostName.TryParse(text, out var name, out var error), error);
        Assert.Equal(folded, name.Text);
        Assert.Equal(name, HostName.Parse(name.Text));
    }

    [Theory]
    [InlineData(null, "empty")]
    [InlineData("", "empty")]
    [InlineData(".", "")]
    [InlineData("*", "bare '*'")]
    [InlineData("*.*", "")]
    [InlineData("*.", "")]
    [InlineData("a..b", "empty label")]
    [InlineData(".a", "empty label")]
    [InlineData("a.b..", "empty label")]
    [InlineData("a.*.b", "whole first label")]
    [InlineData("*a.b", "whole first label")]
    [InlineData("a b.example", "character ' '")]
    [InlineData("a/b", "character '/'")]
    [InlineData("a\0b", "character")]
    [InlineData("-a.example", "begins or ends with '-'")]
    [InlineData("a-.example", "begins or ends with '-'")]
    [InlineData("10.0.0.1", "is an address")]
    [InlineData("240.240.0.1", "is an address")]
    [InlineData("::1", "character ':'")]
    [InlineData("a\u200b.example", "IDNA")] // a space of no width
    [InlineData("bu\u0308cher.example", "composed letters")] // u and a combining mark
    [InlineData("\uff41.example", "IDNA")] // a wide a
    [InlineData("\ufb01.example", "IDNA")] // the ligature fi
    [InlineData("\u0130.example", "IDNA")] // a capital that has no lower case of one letter
    [InlineData("\ud83d\ude00.example", "IDNA")]
    [InlineData("\ud83d.example", "IDNA")] // half a pair
    public void What_is_no_host_name_is_refused_with_a_reason(string? text, string reason)
    {
        Assert.False(HostName.TryParse(text, out var name, out var error));
        Assert.NotEqual("", error);
        Assert.Contains(reason, error, StringComparison.Ordinal);
        Assert.Equal(default, name);
        if (text is not null) Assert.Throws<FormatException>(() => HostName.Parse(text));
    }

    [Theory]
    [InlineData(63, true)]
    [InlineData(64, false)]
    public void A_label_has_at_most_63_characters(int length, bool good) => Assert.Equal(good, HostName.TryParse(new string('a', length) + ".example", out _, out _));

    [Theory]
    [InlineData(253, "", true)]
    [InlineData(254, "", false)]
    [InlineData(251, "*.", true)]
    [InlineData(252, "*.", false)]
    public void A_name_has_at_most_253_characters_its_star_included(int length, string prefix, bool good)
    {
        var text = string.Concat(Enumerable.Repeat("a.", length / 2)) + (length % 2 == 0 ? "" : "a");
        if (length % 2 == 0) text = "a" + text[..^1];
        Assert.Equal(length, text.Length);
        Assert.Equal(good, HostName.TryParse(prefix + text, out var name, out _));
        if (good) Assert.True(name.ToWire().Length <= 255);
    }

    [Fact]
    public void A_label_that_IDNA_makes_too_long_is_refused() => Assert.False(HostName.TryParse(new string('ü', 63) + ".example", out _, out _));

    [Fact]
    public void A_very_long_text_is_refused_at_once() => Assert.False(HostName.TryParse(new string('a', 10_000_000), out _, out _));

    [Fact]
    public void A_wildcard_knows_its_suffix()
    {
        var wildcard = HostName.Parse("*.a.example");
        Assert.True(wildcard.IsWildcard);
        Assert.Equal("a.example", wildcard.Suffix.Text);
        Assert.False(wildcard.Suffix.IsWildcard);
        Assert.Equal(wildcard.Suffix, wildcard.Suffix.Suffix);
    }

    [Fact]
    public void The_wire_form_has_a_length_before_each_label_and_the_root_at_the_end()
    {
        Assert.Equal("\u0001a\u0007example\0"u8.ToArray(), HostName.Parse("a.example").ToWire());
        Assert.Equal("\u0001*\u0001a\0"u8.ToArray(), HostName.Parse("*.a").ToWire());
        Assert.Equal([0], default(HostName).ToWire());
    }

    [Fact]
    public void Names_are_ordered_ordinally()
    {
        string[] names = ["*.b", "a", "a-b", "a.b", "a_b", "ab", "b"];
        Assert.Equal(names.Order(StringComparer.Ordinal), names.Select(HostName.Parse).Order().Select(n => n.Text));
        Assert.True(HostName.Parse("a") < HostName.Parse("b") && HostName.Parse("b") >= HostName.Parse("a"));
    }

    [Fact]
    public void JSON_keeps_a_name_as_a_value_and_as_a_key()
    {
        var name = HostName.Parse("db.example.com");
        Assert.Equal("\"db.example.com\"", JsonSerializer.Serialize(name));
        Assert.Equal(name, JsonSerializer.Deserialize<HostName>("\"db.example.com\""));
        var map = new Dictionary<HostName, int> { [name] = 1 };
        Assert.Equal(map, JsonSerializer.Deserialize<Dictionary<HostName, int>>(JsonSerializer.Serialize(map)));
        Assert.Throws<JsonException>(() => JsonSerializer.Deserialize<HostName>("null"));
    }

    [Fact]
    public void Any_text_is_a_name_or_a_reason_and_a_name_is_stable() =>
        Prop.ForAll(ArbMap.Default.ArbFor<string>(), text =>
        {
            if (!HostName.TryParse(text, out var name, out var error)) return error.Length > 0;
            return HostName.Parse(name.Text) == name && name.Text.Length <= 253 && Encoding.ASCII.GetByteCount(name.Text) == name.Text.Length && name.ToWire().Length == name.Text.Length + 2;
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(2000));

    [Fact]
    public void Any_text_of_likely_characters_is_a_name_or_a_reason()
    {
        var likely = Gen.Elements("a", "B", "9", "-", "_", ".", "*", "ü", "ß", "\u0130", "\ud83d", "\ude00", "xn--", " ").ArrayOf().Select(string.Concat).ToArbitrary();
        Prop.ForAll(likely, text => HostName.TryParse(text, out var name, out var error) ? HostName.Parse(name.Text) == name : error.Length > 0)
            .Check(Config.QuickThrowOnFailure.WithMaxTest(5000));
    }
}
