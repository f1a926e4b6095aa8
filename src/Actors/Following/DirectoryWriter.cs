using MeshDns.Actors.Directory;
using MeshDns.Actors.Log;
using MeshDns.Contracts.Events;

namespace MeshDns.Actors.Following;

/// <summary>
/// Brings what a follower reads to the directory: whole transactions at once. What begins with an image is held back until it has reached the log's end, so that nobody is answered out of an older past meanwhile.
/// For one thread.
/// </summary>
internal sealed class DirectoryWriter(MeshDirectory directory, int shards)
{
    private static readonly TimeSpan _slack = TimeSpan.FromSeconds(1);

    private readonly IReadOnlyList<string> _streams = Streams.All(shards);
    private List<MeshEvent>? _staged = directory.IsLoaded ? null : [];
    private KnowledgeAge? _age;

    /// <summary>True while what was read is held back.</summary>
    public bool IsStaging => _staged is not null;

    /// <summary>The place that the directory speaks of; null when it knows nothing of this log, or is to be replaced.</summary>
    public LogPosition? Saved => _staged is null && directory.IsLoaded && directory.Position is var at && at != DirectoryPosition.None ? new LogPosition(at.Number, at.Term) : null;

    /// <summary>Begins anew with an image; an empty state for none.</summary>
    public void Stage(MeshState image) => Stage([.. Enumerable.Range(0, image.Tables.Count).SelectMany(b => image.Tables[b].DirectoryFacts()), .. image.Ledger.DirectoryFacts(), .. image.DirectoryFacts]);

    /// <summary>Begins anew with what an image says of names.</summary>
    public void Stage(List<MeshEvent> facts) => _staged = facts;

    /// <summary>Goes on from what was saved, of which the log says the same. What an older build has saved lacks the settings.</summary>
    public void GoOn(MeshState saved)
    {
        if (directory.Shared is null) directory.Apply(new FeedBatch([], [.. saved.DirectoryFacts], directory.Position, directory.ReadAt, directory.AgeNow()));
    }

    /// <summary>Takes transactions in. A pushed row is knowledge, but not youth: the age stays.</summary>
    public void Take(IReadOnlyList<Transaction> transactions)
    {
        var facts = transactions.SelectMany(t => t.Facts).Where(IsForDirectory);
        if (_staged is not null) _staged.AddRange(facts);
        else directory.Apply(new FeedBatch([], [.. facts], At(transactions[^1].Position), directory.ReadAt, directory.AgeNow()));
    }

    /// <summary>Everything up to a place is known.</summary>
    public void Know(KnownUpTo known, TimeProvider time)
    {
        var now = Moment.Of(time);
        // What was known as of a moment is not forgotten because somebody who knows less was asked after it.
        if (_staged is not null || _age is not { } before || known.Age.At(now) < before.At(now)) _age = known.Age;
        var age = new KnownAge(time.GetTimestamp(), TimeSpan.FromMilliseconds(_age.Value.At(now)));
        directory.Apply(new FeedBatch(_staged is null ? [] : _streams, _staged ?? [], At(known.Position), known.DatabaseMs, age));
        _staged = null;
    }

    /// <summary>
    /// Has the directory grow as old as it is by both clocks: its own stands still while the machine sleeps. Called again and again, so that a wall clock that is set back later takes nothing of it away.
    /// </summary>
    public void GrowOld(TimeProvider time)
    {
        if (!directory.IsLoaded) return;
        var now = Moment.Of(time);
        var age = (_age ?? new KnowledgeAge(now, (long)directory.Age.TotalMilliseconds)).Seen(now);
        _age = age;
        if (age.SourceAgeMs < (directory.Age + _slack).TotalMilliseconds) return;
        directory.Apply(new FeedBatch([], [], directory.Position, directory.ReadAt, new KnownAge(time.GetTimestamp(), TimeSpan.FromMilliseconds(age.SourceAgeMs))));
    }

    private static bool IsForDirectory(MeshEvent fact) => fact is HostDeclared or HostWithdrawn or VipGranted or VipReleased or SettingsChanged or QuarantineChanged;

    private static DirectoryPosition At(LogPosition position) => new(position.Number, position.Term);
}
