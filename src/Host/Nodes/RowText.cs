using System.Globalization;
using System.Text;
using MeshDns.Actors.Log;
using MeshDns.Contracts.Events;

namespace MeshDns.Host.Nodes;

/// <summary>A row of the log as a line for an operator: they are compressed in the store, so that nobody can read them there.</summary>
internal static class RowText
{
    /// <summary>More are not printed at once.</summary>
    public const int MostRows = 1000;

    private const int MostCharacters = 16 * 1024;

    /// <summary>The line: number, term, kind, tag, then what the row says, its facts as JSON. Cut where it is longer than a screen has use for.</summary>
    public static string Of(LogRow row)
    {
        var line = new StringBuilder(string.Create(CultureInfo.InvariantCulture, $"{row.Number} {row.Term} {row.Kind.ToString().ToLowerInvariant()} {row.Tag}"));
        try { Append(line, RowCodec.Decode(row)); }
        catch (FormatException e) { line.Append(" cannot be read: ").Append(e.Message); }
        return line.Length <= MostCharacters ? line.ToString() : string.Create(CultureInfo.InvariantCulture, $"{line.ToString(0, MostCharacters)}... ({line.Length} characters)");
    }

    private static void Append(StringBuilder line, RowContent content)
    {
        switch (content)
        {
            case BucketFacts bucket:
                line.Append(CultureInfo.InvariantCulture, $" closed by {bucket.Closing}, before it {bucket.Before.Number}:");
                Append(line, bucket.Facts);
                break;
            case ReplyPart part:
                line.Append(CultureInfo.InvariantCulture, $" closed by {part.Closing}: {part.Bytes.Length} bytes of the reply to '{part.Key}'");
                break;
            case Closing closing:
                line.Append(CultureInfo.InvariantCulture, $" from {closing.First}, {closing.Count} facts, at {DateTimeOffset.FromUnixTimeMilliseconds(Math.Clamp(closing.At, 0, 253402300799999)):yyyy-MM-ddTHH:mm:ss.fffZ}");
                line.Append(CultureInfo.InvariantCulture, $", by '{closing.By}', keys [{string.Join(", ", closing.Keys.Select(k => $"'{k.Key}'"))}]:");
                Append(line, closing.Facts);
                break;
        }
    }

    private static void Append(StringBuilder line, IReadOnlyList<PlacedFact> facts)
    {
        foreach (var (ordinal, fact) in facts)
        {
            if (line.Length > MostCharacters) break;
            var encoded = EventCodec.Encode(fact);
            line.Append(CultureInfo.InvariantCulture, $" {ordinal} {encoded.Kind} ").Append(Encoding.UTF8.GetString(encoded.Payload));
        }
    }
}
