using System.Text;
using MeshDns.Contracts.Names;

namespace MeshDns.Contracts.Tests.Names;

/// <summary>Names beyond ASCII: one name has one spelling, whatever a person typed (RFC 5891).</summary>
public sealed class InternationalNameTests
{
    [Theory]
    [InlineData("bücher.example", "xn--bcher-kva.example")]
    [InlineData("BÜCHER.Example", "xn--bcher-kva.example")]
    [InlineData("*.bücher.example", "*.xn--bcher-kva.example")]
    [InlineData("bücher.example.", "xn--bcher-kva.example")]
    [InlineData("XN--BCHER-KVA.example", "xn--bcher-kva.example")]
    [InlineData("ΒΌΛΟΣ.example", "xn--nxasmq6b.example")]
    [InlineData("straße.example", "xn--strae-oqa.example")]
    [InlineData("STRAẞE.example", "xn--strae-oqa.example")]
    [InlineData("例え\u3002テスト", "xn--r8jz45g.xn--zckzah")]
    [InlineData("例え\uff0eテスト\uff61", "xn--r8jz45g.xn--zckzah")]
    [InlineData("한국.example", "xn--3e0b707e.example")]
    [InlineData("xn--54b7fta0cc", "xn--54b7fta0cc")]
    [InlineData("xn--e28h.example", "xn--e28h.example")]
    public void All_spellings_of_a_name_are_one_host(string text, string folded)
    {
        Assert.True(HostName.TryParse(text, out var name, out var error), error);
        Assert.Equal(folded, name.Text);
        Assert.Equal(name, HostName.Parse(name.Text));
    }

    [Theory]
    [InlineData("bu\u0308cher.example", "U+0308")]
    [InlineData("ＡＢＣ.example", "U+FF41")]
    [InlineData("ﬁn.example", "U+FB01")]
    [InlineData("\u1112\u1161\u11ab.example", "U+1161")]
    [InlineData("x².example", "U+00B2")]
    [InlineData("ſ.example", "U+017F")]
    public void A_character_with_another_spelling_is_refused_by_its_number(string text, string number)
    {
        Assert.False(HostName.TryParse(text, out _, out var error));
        Assert.Contains(number, error, StringComparison.Ordinal);
        Assert.Contains("NFKC", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a\u202eb.example")]
    [InlineData("a\u2066b.example")]
    [InlineData("a\u200bb.example")]
    [InlineData("a\u00adb.example")]
    [InlineData("a\u0085b.example")]
    [InlineData("a\u0378b.example")]
    [InlineData("a\ue000b.example")]
    [InlineData("a\u3000b.example")]
    [InlineData("\ud83d\ude00.example")]
    [InlineData("\ud83d.example")]
    public void Controls_and_what_is_not_a_letter_of_any_script_is_refused_without_being_shown(string text)
    {
        Assert.False(HostName.TryParse(text, out _, out var error));
        Assert.Contains("U+", error, StringComparison.Ordinal);
        Assert.True(Ascii.IsValid(error), error);
    }

    [Theory]
    [InlineData("xn--zzzzzz99999")]
    [InlineData("xn--bcher-2pa")]
    [InlineData("xn--")]
    [InlineData("xn--abc-")]
    [InlineData("xn--a")]
    [InlineData("a.xn--mgba-.example")]
    public void A_label_that_no_name_encodes_to_is_refused(string text)
    {
        Assert.False(HostName.TryParse(text, out _, out var error));
        Assert.NotEqual("", error);
    }

    [Fact]
    public void A_label_that_encoding_makes_longer_than_63_is_refused()
    {
        Assert.True(HostName.TryParse(new string('a', 55) + "ü", out var name, out _));
        Assert.InRange(name.Text.Length, 60, 63);
        Assert.False(HostName.TryParse(new string('a', 60) + "ü", out _, out _));
    }

    // The process of the tests runs as the product does; were this to change, names could be normalized instead of refused.
    [Fact]
    public void The_runtime_has_no_normalization_tables() => Assert.Equal("bu\u0308cher", "bu\u0308cher".Normalize(NormalizationForm.FormC));
}
