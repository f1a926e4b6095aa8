using System.Buffers;

namespace MeshDns.Actors.Log;

/// <summary>What a row is.</summary>
internal enum RowKind
{
    /// <summary>Facts of one bucket, or a part of them.</summary>
    Facts,

    /// <summary>A part of a reply that is remembered under a key.</summary>
    Reply,

    /// <summary>The last row of a transaction; without it the others say nothing.</summary>
    Closing,
}

/// <summary>A row of the log as the journal keeps it.</summary>
/// <param name="Number">Its sequence number, from 1, without gaps.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Term">The term of its writer.</param>
/// <param name="PreviousTerm">The term of the row before it. The journal refuses a row whose predecessor is not there or has another one (design.md, "Why two writers cannot both succeed").</param>
/// <param name="Tag">The bucket whose rows a reader may ask for by themselves, or <see cref="MeshTag"/>.</param>
/// <param name="Payload">At most <see cref="MaxBytes"/>.</param>
internal sealed record LogRow(long Number, RowKind Kind, string Term, string PreviousTerm, string Tag, byte[] Payload)
{
    private static readonly SearchValues<char> _hexDigits = SearchValues.Create("0123456789abcdef");

    /// <summary>No row is larger, so that a reader's memory and a frame are bounded.</summary>
    public const int MaxBytes = 256 * 1024;

    /// <summary>The tag of rows that belong to no bucket.</summary>
    public const string MeshTag = "mesh";

    /// <summary>Where it stands.</summary>
    public LogPosition Position => new(Number, Term);

    /// <summary>What the journal keeps beside the payload: both terms at fixed places, for the trigger that compares them, then the kind with its version.</summary>
    public string Manifest => $"{Term}{PreviousTerm}{NameOf(Kind)}";

    /// <summary>A row as it was read.</summary>
    /// <exception cref="FormatException">The manifest is not one of ours, or of a newer version.</exception>
    public static LogRow Of(long number, string manifest, string tag, byte[] payload)
    {
        if (manifest.Length <= 32 || manifest.AsSpan(0, 32).ContainsAnyExcept(_hexDigits)) throw new FormatException($"row {number} of the log has the manifest '{manifest}'");
        return new LogRow(number, KindOf(number, manifest[32..]), manifest[..16], manifest[16..32], tag, payload);
    }

    private static string NameOf(RowKind kind) => kind switch
    {
        RowKind.Facts => "facts.1",
        RowKind.Reply => "reply.1",
        _ => "closing.1",
    };

    private static RowKind KindOf(long number, string name) => name switch
    {
        "facts.1" => RowKind.Facts,
        "reply.1" => RowKind.Reply,
        "closing.1" => RowKind.Closing,
        _ => throw new FormatException($"row {number} of the log is of the kind '{name}', which this version does not know; a newer version wrote it"),
    };
}
