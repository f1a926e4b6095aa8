using MeshDns.Actors.Log;

namespace MeshDns.Actors.Store;

/// <summary>
/// The log's tables by our own SQL: what readers, images and the audit need. Rows are written by the allocator through Akka.Persistence.Sql and nobody else. Every call ends by
/// its token or the store's own time limits.
/// </summary>
/// <remarks>A call that fails throws <see cref="StoreUnavailableException"/>; it may be tried again.</remarks>
internal interface ILogStore : IAsyncDisposable
{
    /// <summary>Drawn when the tables were made: two logs never have the same.</summary>
    string ClusterId { get; }

    /// <summary>The last row and the journal's clock, in one statement. Where a standby has to confirm commits, so does this: an old primary that is cut off cannot answer.</summary>
    Task<LogEnd> LookAsync(CancellationToken cancel);

    /// <summary>What comes after a place, of one snapshot: at most <see cref="LogSlice.MostRows"/> rows and about <see cref="LogSlice.MostBytes"/>.</summary>
    /// <param name="after">The place.</param>
    /// <param name="isConfirmed">True: with a confirmed look in the same transaction.</param>
    /// <param name="cancel">Ends it.</param>
    Task<LogSlice> ReadAsync(LogPosition after, bool isConfirmed, CancellationToken cancel);

    /// <summary>The rows of one tag after a number and up to a place, of one snapshot; null when the log does not have that place.</summary>
    Task<IReadOnlyList<LogRow>?> ReadTaggedAsync(string tag, long after, LogPosition upTo, CancellationToken cancel);

    /// <summary>Keeps an image. It counts once <see cref="VouchAsync"/> has named the row that carries its digest; older ones but one are dropped then.</summary>
    Task SaveImageAsync(MeshImage image, CancellationToken cancel);

    /// <summary>Says which row of the log carries an image's digest.</summary>
    Task VouchAsync(LogPosition image, long row, CancellationToken cancel);

    /// <summary>The newest image that a row of the log vouches for, at or below a number; null for none. Of its parts only those named; all for null.</summary>
    Task<MeshImage?> FindImageAsync(long atMost, IReadOnlyCollection<string>? parts, CancellationToken cancel);

    /// <summary>Takes away the rows below a number, in pieces, oldest first. The number must not be above that of an image that counts: its row stays, and what follows on it is read from there.</summary>
    Task CutAsync(long below, CancellationToken cancel);
}

/// <summary>The end of the log, and when.</summary>
/// <param name="Position">Its last row.</param>
/// <param name="DatabaseMs">The journal's clock, milliseconds since the Unix epoch.</param>
internal readonly record struct LogEnd(LogPosition Position, long DatabaseMs);

/// <summary>A part of the log, of one snapshot.</summary>
/// <param name="Holds">False when the log does not have the place that was asked for: another row stands there, none, or it was cut away.</param>
/// <param name="Rows">What comes after it, in order.</param>
/// <param name="IsAll">True when the last of them is the log's end.</param>
/// <param name="DatabaseMs">The journal's clock.</param>
/// <param name="IsCut">True when the place was cut away: the log begins after it.</param>
internal sealed record LogSlice(bool Holds, IReadOnlyList<LogRow> Rows, bool IsAll, long DatabaseMs, bool IsCut = false)
{
    /// <summary>No more rows are read at once.</summary>
    public const int MostRows = 1000;

    /// <summary>No more rows are added once there are so many bytes.</summary>
    public const int MostBytes = 8 * 1024 * 1024;
}

/// <summary>The store cannot be reached or refuses just now; what was asked has not been done, or nobody knows.</summary>
public class StoreUnavailableException : Exception
{
    /// <summary>Says why.</summary>
    public StoreUnavailableException(string message, Exception? inner = null) : base(message, inner)
    {
    }
}

/// <summary>This node may not own anything on this store, as it stands: trying again does not help, an operator does.</summary>
public sealed class StoreRefusedException : StoreUnavailableException
{
    /// <summary>Says why, in a sentence for the operator.</summary>
    public StoreRefusedException(string message) : base(message)
    {
    }
}
