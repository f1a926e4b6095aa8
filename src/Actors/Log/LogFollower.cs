namespace MeshDns.Actors.Log;

/// <summary>What happens to a reader of the log.</summary>
internal abstract record FollowerInput;

/// <summary>Somebody says how far the log is, with the newest rows where they are small.</summary>
internal sealed record ToldOfEnd(LogPosition End, IReadOnlyList<LogRow> Rows) : FollowerInput;

/// <summary>Time has passed, or somebody waits for the log's end.</summary>
internal sealed record TimeToRead(bool IsUrgent = false) : FollowerInput;

/// <summary>A read came back.</summary>
/// <param name="Read">Which.</param>
/// <param name="Holds">False when the log no longer has the reader's position: another row stands there, or none, or it was cut away.</param>
/// <param name="Rows">What comes after the position, in order.</param>
/// <param name="IsAll">True when the last of them is the log's end (of a feed: all that its owner has).</param>
/// <param name="SourceAgeMs">How old the source's own knowledge was; 0 of the journal itself.</param>
/// <param name="DatabaseMs">The journal's clock, as the source knows it.</param>
/// <param name="IsCut">True when the position was cut away below an image: nothing is lost.</param>
internal sealed record RowsRead(long Read, bool Holds, IReadOnlyList<LogRow> Rows, bool IsAll, long SourceAgeMs, long DatabaseMs, bool IsCut = false) : FollowerInput;

/// <summary>A read failed; what is known grows older.</summary>
internal sealed record ReadHasFailed(long Read) : FollowerInput;

/// <summary>What is known was replaced by an image.</summary>
internal sealed record ImageLoaded(long Read, LogPosition Position, long At) : FollowerInput;

/// <summary>What a reader of the log wants done, in order.</summary>
internal abstract record FollowerOutput;

/// <summary>Read what comes after a position.</summary>
internal sealed record ReadAfter(long Id, LogPosition Position) : FollowerOutput;

/// <summary>Load the newest image that the log vouches for, or begin with nothing; drop what is known.</summary>
internal sealed record LoadImage(long Id) : FollowerOutput;

/// <summary>Take a transaction in, whole.</summary>
internal sealed record TakeIn(Transaction Transaction) : FollowerOutput;

/// <summary>All that there was at a moment is known: the age of what is known counts from it.</summary>
internal sealed record KnownUpTo(KnowledgeAge Age, LogPosition Position, long DatabaseMs) : FollowerOutput;

/// <summary>The log no longer has what was read up to a position.</summary>
internal sealed record PastIsGone(LogPosition Position, string Why) : FollowerOutput;

/// <summary>A reader of the whole log, as a state machine: truth by poll, speed by push. It reads what it is told, whole transactions only, and never past a row that does not follow.</summary>
internal sealed record LogFollower
{
    /// <summary>It reads at least so often.</summary>
    public const long ReadEveryMs = 1000;

    private LogFollower(TransactionReader reader) => Reader = reader;

    private TransactionReader Reader { get; init; }

    private (long Id, Moment AskedAt)? Reading { get; init; }

    private Moment? LastRead { get; init; }

    private long LastId { get; init; }

    private bool IsAskedAgain { get; init; }

    /// <summary>How far it has read: a closing row.</summary>
    public LogPosition Position => Reader.Closed;

    /// <summary>A reader that goes on after a closing row: the start, an image's, or a saved directory's.</summary>
    /// <param name="position">That row.</param>
    /// <param name="at">Its transaction's time; 0 where it is not known.</param>
    public static LogFollower At(LogPosition position, long at) => new(new TransactionReader(position, at));

    /// <summary>What an input leads to.</summary>
    public (LogFollower Next, IReadOnlyList<FollowerOutput> Outputs) Handle(FollowerInput input, Buckets buckets, Moment now)
    {
        var outputs = new List<FollowerOutput>();
        var next = input switch
        {
            ToldOfEnd told => Told(told, buckets, now, outputs),
            TimeToRead time => time.IsUrgent || LastRead is null || now.Since(LastRead.Value) >= ReadEveryMs ? Ask(now, outputs) : this,
            RowsRead read when Reading?.Id == read.Read => Take(read, buckets, now, outputs),
            ReadHasFailed failed when Reading?.Id == failed.Read => this with { Reading = null, IsAskedAgain = false },
            ImageLoaded loaded when Reading?.Id == loaded.Read => (this with { Reader = new TransactionReader(loaded.Position, loaded.At), Reading = null }).Ask(now, outputs),
            _ => this,
        };
        return (next, outputs);
    }

    // Rows that follow at once are taken as they are; the age stays, since nobody has looked at the end.
    private LogFollower Told(ToldOfEnd told, Buckets buckets, Moment now, List<FollowerOutput> outputs)
    {
        if (told.Rows is [var first, ..] && first.Number == Reader.Position.Number + 1 && first.PreviousTerm == Reader.Position.Term && Reading is null)
        {
            try { return this with { Reader = TakeRows(told.Rows, buckets, outputs) }; }
            catch (BrokenLogException) { outputs.Clear(); }
        }
        return told.End == Position || told.End.Number < Position.Number ? this : Ask(now, outputs);
    }

    private LogFollower Take(RowsRead read, Buckets buckets, Moment now, List<FollowerOutput> outputs)
    {
        var asked = Reading!.Value.AskedAt;
        if (!read.Holds) return Reload(read.IsCut ? null : "the log does not have it any more", outputs);
        try
        {
            var next = this with { Reader = TakeRows(read.Rows, buckets, outputs), Reading = null, LastRead = asked };
            if (!read.IsAll) return next.Ask(now, outputs);
            outputs.Add(new KnownUpTo(new KnowledgeAge(asked, read.SourceAgeMs), next.Position, read.DatabaseMs));
            return IsAskedAgain ? (next with { IsAskedAgain = false }).Ask(now, outputs) : next;
        }
        catch (BrokenLogException e)
        {
            outputs.Clear();
            return Reload(e.Message, outputs);
        }
    }

    private TransactionReader TakeRows(IReadOnlyList<LogRow> rows, Buckets buckets, List<FollowerOutput> outputs)
    {
        var reader = Reader;
        foreach (var row in rows)
        {
            (reader, var whole) = reader.Read(row, buckets);
            if (whole is not null) outputs.Add(new TakeIn(whole));
        }
        return reader;
    }

    private LogFollower Reload(string? why, List<FollowerOutput> outputs)
    {
        var id = LastId + 1;
        if (why is not null && Position != LogPosition.Start) outputs.Add(new PastIsGone(Position, why));
        outputs.Add(new LoadImage(id));
        return this with { LastId = id, Reading = (id, Reading?.AskedAt ?? default) };
    }

    // One question at a time; what came meanwhile is asked for when it is answered.
    private LogFollower Ask(Moment now, List<FollowerOutput> outputs)
    {
        if (Reading is not null) return this with { IsAskedAgain = true };
        var id = LastId + 1;
        outputs.Add(new ReadAfter(id, Reader.Position));
        return this with { LastId = id, Reading = (id, now) };
    }
}
