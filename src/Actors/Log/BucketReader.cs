using System.Collections.Immutable;
using MeshDns.Contracts.Events;

namespace MeshDns.Actors.Log;

/// <summary>What happens to a shard.</summary>
internal abstract record BucketInput;

/// <summary>The follower of the shard's node has taken transactions in, in order.</summary>
/// <param name="Steps">One a transaction, also for one that has nothing of the bucket.</param>
internal sealed record BucketTold(IReadOnlyList<BucketStep> Steps) : BucketInput;

/// <summary>What a transaction has of one bucket.</summary>
/// <param name="Before">The place before the transaction.</param>
/// <param name="Position">The place of its closing row.</param>
/// <param name="Facts">The bucket's facts in order.</param>
internal sealed record BucketStep(LogPosition Before, LogPosition Position, IReadOnlyList<MeshEvent> Facts);

/// <summary>The bucket was read: from an image, and its rows up to a position that the node's follower had.</summary>
internal sealed record BucketLoaded(long Load, LogPosition Position, BucketView View) : BucketInput;

/// <summary>The node's follower has found that the log no longer has what was read: all of it is read anew.</summary>
internal sealed record BucketPastIsGone : BucketInput;

/// <summary>The bucket could not be read.</summary>
internal sealed record BucketLoadFailed(long Load) : BucketInput;

/// <summary>Somebody asks. The answer is given from a view that has everything that was in the log when the question came.</summary>
/// <param name="Id">Who waits.</param>
/// <param name="PatienceMs">How long.</param>
internal sealed record BucketAsked(long Id, long PatienceMs) : BucketInput;

/// <summary>
/// A look at the log's end, asked for after a question came, has ended, and the node's follower has taken in what it found: the follower's place then, which is one on the shard's own way.
/// </summary>
internal sealed record BucketEndSeen(long Look, LogPosition End) : BucketInput;

/// <summary>A look failed: the journal cannot be read now.</summary>
internal sealed record BucketLookFailed(long Look) : BucketInput;

/// <summary>Time has passed.</summary>
internal sealed record BucketTicked : BucketInput;

/// <summary>What a shard wants done, in order.</summary>
internal abstract record BucketOutput;

/// <summary>Read the bucket: its part of the newest image and its rows after it, up to the follower's position, in one statement.</summary>
internal sealed record LoadBucket(long Id) : BucketOutput;

/// <summary>Look at the log's end, once for all that wait.</summary>
internal sealed record LookForBucket(long Id) : BucketOutput;

/// <summary>Answer from a view; null: it cannot be said in time.</summary>
/// <param name="Id">Who waits.</param>
/// <param name="View">The view.</param>
/// <param name="Position">Up to where it speaks.</param>
/// <param name="IsConfirmed">False when the journal could not be looked at: the view may be old.</param>
internal sealed record BucketAnswer(long Id, BucketView? View, LogPosition Position, bool IsConfirmed) : BucketOutput;

/// <summary>
/// A shard, as a state machine. Nobody writes to it: it follows from the log, so that a second instance, a move or a crash can make it late and never wrong. A question waits until the shard has what the log had when
/// it came; a step that does not follow on what it has makes it read its bucket anew.
/// </summary>
internal sealed record BucketReader
{
    /// <summary>More questions than this do not wait.</summary>
    public const int MostWaiting = 1024;

    // A second instance's steps, or ones that came while the bucket was read: more than this and it is read anew.
    private const int MostHeld = 256;

    private const long LoadAgainMs = 500;

    private sealed record Question(long Id, long PatienceMs, Moment AskedAt, long? Look, LogPosition? End);

    private BucketView View { get; init; } = BucketView.Empty;

    private ImmutableList<BucketStep> Held { get; init; } = [];

    private ImmutableList<Question> Questions { get; init; } = [];

    private long? Loading { get; init; }

    private Moment? LoadFailedAt { get; init; }

    private long? Looking { get; init; }

    private long LastId { get; init; }

    private BucketReader()
    {
    }

    /// <summary>Up to where the view speaks; null while the bucket is being read for the first time.</summary>
    public LogPosition? Position { get; private init; }

    /// <summary>The memory that the view takes, in bytes by estimate.</summary>
    public long Weight => View.Table.Weight;

    /// <summary>A shard that begins.</summary>
    public static (BucketReader Next, IReadOnlyList<BucketOutput> Outputs) Begin()
    {
        var outputs = new List<BucketOutput>();
        return (new BucketReader().Load(outputs), outputs);
    }

    /// <summary>What an input leads to.</summary>
    public (BucketReader Next, IReadOnlyList<BucketOutput> Outputs) Handle(BucketInput input, Moment now)
    {
        var outputs = new List<BucketOutput>();
        var next = input switch
        {
            BucketTold told => Take(told.Steps, outputs),
            BucketLoaded loaded when loaded.Load == Loading => Loaded(loaded, outputs),
            BucketPastIsGone => (this with { Position = null, Held = [] }).Load(outputs),
            BucketLoadFailed failed when failed.Load == Loading => this with { Loading = null, LoadFailedAt = now },
            BucketAsked asked => Ask(asked, now, outputs),
            BucketEndSeen seen when seen.Look == Looking => this with { Looking = null, Questions = [.. Questions.Select(q => q.Look == seen.Look ? q with { End = seen.End } : q)] },
            BucketLookFailed failed when failed.Look == Looking => Doubt(failed.Look, outputs),
            BucketTicked => Tick(now, outputs),
            _ => this,
        };
        return (next.Answer(outputs), outputs);
    }

    private BucketReader Take(IReadOnlyList<BucketStep> steps, List<BucketOutput> outputs)
    {
        if (Loading is not null || Position is null) return Hold(steps, outputs);
        var (view, position) = (View, Position.Value);
        foreach (var step in steps)
        {
            // Had already: a step that was told twice, or by two followers.
            if (step.Position.Number <= position.Number && step.Before.Number < position.Number) continue;
            if (step.Before != position) return Load(outputs);
            try { view = step.Facts.Aggregate(view, (v, fact) => v.Apply(fact)); }
            catch (InvalidOperationException) { return Load(outputs); }
            position = step.Position;
        }
        return this with { View = view, Position = position };
    }

    private BucketReader Hold(IReadOnlyList<BucketStep> steps, List<BucketOutput> outputs) =>
        Held.Count + steps.Count <= MostHeld ? this with { Held = Held.AddRange(steps) } : (this with { Held = [] }).Load(outputs);

    private BucketReader Loaded(BucketLoaded loaded, List<BucketOutput> outputs) =>
        (this with { View = loaded.View, Position = loaded.Position, Loading = null, Held = [] }).Take(Held, outputs);

    private BucketReader Load(List<BucketOutput> outputs)
    {
        var id = LastId + 1;
        outputs.Add(new LoadBucket(id));
        return this with { LastId = id, Loading = id, LoadFailedAt = null };
    }

    private BucketReader Ask(BucketAsked asked, Moment now, List<BucketOutput> outputs)
    {
        if (Questions.Count >= MostWaiting)
        {
            outputs.Add(new BucketAnswer(asked.Id, null, LogPosition.Start, IsConfirmed: false));
            return this;
        }
        return this with { Questions = Questions.Add(new Question(asked.Id, asked.PatienceMs, now, null, null)) };
    }

    private BucketReader Doubt(long look, List<BucketOutput> outputs)
    {
        foreach (var question in Questions.Where(q => q.Look == look))
            outputs.Add(Position is { } position && Loading is null ? new BucketAnswer(question.Id, View, position, IsConfirmed: false) : new BucketAnswer(question.Id, null, LogPosition.Start, IsConfirmed: false));
        return this with { Looking = null, Questions = Questions.RemoveAll(q => q.Look == look) };
    }

    private BucketReader Tick(Moment now, List<BucketOutput> outputs)
    {
        var late = Questions.Where(q => now.Since(q.AskedAt) >= q.PatienceMs).ToArray();
        foreach (var question in late) outputs.Add(new BucketAnswer(question.Id, null, LogPosition.Start, IsConfirmed: false));
        var next = this with { Questions = Questions.RemoveRange(late) };
        return Loading is null && LoadFailedAt is { } failed && now.Since(failed) >= LoadAgainMs ? next.Load(outputs) : next;
    }

    // Gives what can be given, and looks for those that came since the last look began.
    private BucketReader Answer(List<BucketOutput> outputs)
    {
        var next = this;
        if (Position is { } position && Loading is null)
        {
            var ready = Questions.Where(q => q.End is { } end && end.Number <= position.Number).ToArray();
            foreach (var question in ready) outputs.Add(new BucketAnswer(question.Id, View, position, IsConfirmed: true));
            next = next with { Questions = next.Questions.RemoveRange(ready) };
        }
        if (next.Looking is not null || !next.Questions.Any(q => q.Look is null)) return next;
        var id = next.LastId + 1;
        outputs.Add(new LookForBucket(id));
        return next with { LastId = id, Looking = id, Questions = [.. next.Questions.Select(q => q.Look is null ? q with { Look = id } : q)] };
    }
}
