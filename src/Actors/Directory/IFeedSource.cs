using MeshDns.Actors.Journal;

namespace MeshDns.Actors.Directory;

/// <summary>What a directory is fed from: the journal, or a node that reads it.</summary>
public interface IFeedSource
{
    /// <summary>True when nothing can be new unless <see cref="Appended"/> was raised.</summary>
    bool TellsAll => false;

    /// <summary>Raised when there may be something new; must return at once. Readers ask every second anyway, or once a minute a source that tells all.</summary>
    event Action? Appended;

    /// <summary>Everything after a position vector, of one database snapshot.</summary>
    /// <exception cref="JournalUnavailableException">The source cannot be reached now.</exception>
    Task<FeedUpdate> ReadAsync(IReadOnlyDictionary<string, StreamPosition> from, CancellationToken cancel);
}

/// <summary>A read, and how old what it says was when it was taken.</summary>
/// <param name="Read">What is new.</param>
/// <param name="KnownAt">A timestamp of the reader's clock: at that moment the knowledge was at most <paramref name="AgeThen"/> old.</param>
/// <param name="AgeThen">The age at that moment.</param>
public sealed record FeedUpdate(FeedRead Read, long KnownAt, TimeSpan AgeThen);

/// <summary>The journal itself as a source.</summary>
public sealed class JournalFeed(IJournal journal, TimeProvider time) : IFeedSource
{
    /// <inheritdoc/>
    public bool TellsAll => journal.IsExclusive;

    /// <inheritdoc/>
    public event Action? Appended
    {
        add => journal.Appended += value;
        remove => journal.Appended -= value;
    }

    /// <inheritdoc/>
    public async Task<FeedUpdate> ReadAsync(IReadOnlyDictionary<string, StreamPosition> from, CancellationToken cancel)
    {
        // From before the question: a process that is paused between the database's snapshot and the answer must not think it young.
        var askedAt = time.GetTimestamp();
        return new FeedUpdate(await journal.ReadFeedAsync(from, cancel), askedAt, TimeSpan.Zero);
    }
}
