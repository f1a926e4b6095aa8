namespace MeshDns.Actors.Log;

/// <summary>
/// A place in the log: a row's number and the term of the incarnation that wrote it. The number alone is no place: after a lossy failover, or when an old copy was put
/// back, another row has it.
/// </summary>
/// <param name="Number">The row's sequence number, from 1; 0 before the first row.</param>
/// <param name="Term">16 lower-case hexadecimal digits, drawn by each incarnation; <see cref="NoTerm"/> before the first row.</param>
public readonly record struct LogPosition(long Number, string Term)
{
    /// <summary>The term before the first row.</summary>
    public const string NoTerm = "0000000000000000";

    /// <summary>Before the first row.</summary>
    public static LogPosition Start { get; } = new(0, NoTerm);

    /// <inheritdoc/>
    public override string ToString() => $"{Number}/{Term}";
}
