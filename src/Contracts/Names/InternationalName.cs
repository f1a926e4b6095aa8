using System.Globalization;
using System.Text;

namespace MeshDns.Contracts.Names;

/// <summary>
/// Turns names with letters beyond ASCII into A-labels (RFC 5891, RFC 3492), so that each name has one spelling only: letters are folded to
/// lower case, and characters that UTS 46 would map to others are refused, since the tables for that are not there (<see cref="ComposedCharacters"/>).
/// A name that is refused for this can still be given as its A-labels.
/// </summary>
internal static class InternationalName
{
    // In invariant globalization mode this is the punycode of RFC 3492 with RFC 3490's checks of lengths and hyphens, and maps nothing.
    private static readonly IdnMapping _idn = new();

    /// <summary>Folds a name that has characters beyond ASCII. False with a reason when it has no single A-label form.</summary>
    public static bool TryFold(string text, out string folded, out string error)
    {
        folded = "";
        // The other full stops that people type (UTS 46 section 4.5, RFC 3490 section 3.1); a trailing one is the root's, as '.' is.
        var name = text.Replace('\u3002', '.').Replace('\uff0e', '.').Replace('\uff61', '.').ToLowerInvariant();
        if (name.EndsWith('.')) name = name[..^1];
        foreach (var rune in name.EnumerateRunes())
        {
            if (rune.IsAscii) continue;
            var isComposed = !ComposedCharacters.Contains(rune.Value);
            if (isComposed && IsAllowed(rune) && IsOfWords(rune)) continue;
            error = $"IDNA does not allow the character {Describe(rune)} " +
                (isComposed ? "in a host name" : "in this form (Unicode NFKC); write the name with composed letters, or as its A-labels (xn--...)");
            return false;
        }
        try { folded = name.Length == 0 ? "" : _idn.GetAscii(name).ToLowerInvariant(); }
        catch (ArgumentException) { error = $"'{text}' is not allowed by IDNA (RFC 5891)"; return false; }
        error = "";
        return true;
    }

    /// <summary>False with a reason when a lower-case ASCII label that begins with <c>xn--</c> is not the A-label of any name.</summary>
    public static bool IsWellFormed(string label, out string error)
    {
        error = $"the label '{label}' begins with xn-- and is not the A-label of any name (RFC 5891)";
        try
        {
            var decoded = _idn.GetUnicode(label);
            if (Ascii.IsValid(decoded)) return false;
            foreach (var rune in decoded.EnumerateRunes()) if (Rune.ToLowerInvariant(rune) != rune || (!rune.IsAscii && !IsAllowed(rune))) return false;
            if (_idn.GetAscii(decoded) != label) return false;
        }
        catch (ArgumentException) { return false; }
        error = "";
        return true;
    }

    // Letters, marks and digits (RFC 5892). Symbols are registered in spite of it, so they are taken as A-labels.
    private static bool IsOfWords(Rune rune) => Rune.GetUnicodeCategory(rune) is UnicodeCategory.LowercaseLetter or UnicodeCategory.OtherLetter or UnicodeCategory.ModifierLetter
        or UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.DecimalDigitNumber;

    // Unpaired surrogates are enumerated as U+FFFD.
    private static bool IsAllowed(Rune rune) => rune != Rune.ReplacementChar && Rune.GetUnicodeCategory(rune) is not (
        UnicodeCategory.UppercaseLetter or UnicodeCategory.TitlecaseLetter or UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.PrivateUse
        or UnicodeCategory.Surrogate or UnicodeCategory.OtherNotAssigned or UnicodeCategory.SpaceSeparator or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator);

    // Controls, bidirectional ones above all, and marks must not reach the terminal that shows the error.
    private static string Describe(Rune rune) => Rune.IsLetterOrDigit(rune) ? $"'{rune}' (U+{rune.Value:X4})" : $"U+{rune.Value:X4}";
}
