using MeshDns.Actors.Log;
using MeshDns.Contracts.Events;

namespace MeshDns.Actors.Tests.Log.Simulation;

/// <summary>
/// The journal as a source. Where a standby has to confirm what is written, a database that is cut off may have rows that vanish with it: news are read in one transaction with a look, whose commit the standby has to confirm (a look
/// afterwards may reach another server), and the age of what is known counts from the last look that was confirmed.
/// </summary>
internal sealed class JournalSource(LogWorld world, LogNode node) : ILogSource
{
    private Moment? _confirmedAt;

    public void Begin()
    {
        if (!world.Kind.HasStandby) return;
        Confirm();
        node.Process.Every(2000, Confirm);
    }

    public void Read(long id, LogPosition after, Action<FollowerInput> done)
    {
        var askedAt = node.Process.Now;
        var most = 15 + world.Random.Next(60);
        world.Log.Read(node.Process, after, most, isConfirmed: false, read =>
        {
            if (read is null) done(new ReadHasFailed(id));
            else if (!world.Kind.HasStandby || (world.Bug == LogBug.TrustsOldPrimary && read.Rows.Count > 0)) done(Answer(read, 0));
            else if (read.Holds && read.Rows.Count == 0 && _confirmedAt is { } at) done(Answer(read, world.Bug == LogBug.AgeOfOldPrimary ? 0 : askedAt.Since(at)));
            else world.Log.Read(node.Process, after, most, isConfirmed: true, again => done(again is null ? new ReadHasFailed(id) : Answer(again, 0)));
        });

        RowsRead Answer(LogRead read, long sourceAgeMs) => new(id, read.Holds, Following(read.Rows, after), read.IsAll, sourceAgeMs, read.DatabaseMs);
    }

    public void LoadImage(Action<MeshState?> done, Action failed) => world.Log.Query(node.Process, database => database.IsCutOff ? null : new FoundImage(LogImages.Newest(world, database)), found =>
    {
        if (found is null) failed();
        else done(found.Image?.Read(world.Fold.Buckets, LogImages.Vips(world)));
    });

    // Planted: whoever knows places by their numbers sees no other past.
    private IReadOnlyList<LogRow> Following(IReadOnlyList<LogRow> rows, LogPosition after) =>
        world.Bug == LogBug.PositionWithoutTerm && rows is [var first, ..] && first.Number == after.Number + 1 ? [first with { PreviousTerm = after.Term }, .. rows.Skip(1)] : rows;

    private void Confirm()
    {
        var askedAt = node.Process.Now;
        world.Log.Look(node.Process, end =>
        {
            if (end is not null && (_confirmedAt is not { } at || askedAt.Since(at) > 0)) _confirmedAt = askedAt;
        });
    }

    private sealed record FoundImage(MeshImage? Image);
}

/// <summary>An owner's feed as a source, and another owner's when that one is silent.</summary>
internal sealed class FeedSource(LogWorld world, LogNode node) : ILogSource
{
    private string? _owner;

    public void Read(long id, LogPosition after, Action<FollowerInput> done)
    {
        var isSettled = false;
        var names = world.Nodes.Values.Where(n => n.IsOwner).Select(n => n.Name).ToArray();
        if (_owner is null || world.Random.Next(100) == 0) _owner = names[world.Random.Next(names.Length)];
        node.Process.After(2000, () =>
        {
            if (!isSettled) _owner = null;
            Settle(new ReadHasFailed(id));
        });
        var lost = node.Followed.Lost;
        world.Network.Send(node.Name, _owner, owner => owner.AnswerFeed(id, after, lost, answer => world.Network.Send(owner.Name, node.Name, me =>
        {
            if (me == node) Settle(answer);
        })));

        void Settle(FollowerInput answer)
        {
            if (isSettled) return;
            isSettled = true;
            done(answer);
        }
    }

    // From the first row, in parts: an image is only a shorter way.
    public void LoadImage(Action<MeshState?> done, Action failed) => done(null);
}

/// <summary>Images of the journal, as whoever loads one finds them.</summary>
internal static class LogImages
{
    public static Actors.Vips.VipLedgerCore Vips(LogWorld world) => new(world.Range);

    /// <summary>The newest that a row of the log vouches for.</summary>
    public static MeshImage? Newest(LogWorld world, LogDatabase database) => All(world, database).FirstOrDefault();

    /// <summary>All that a row of the log vouches for, the newest first.</summary>
    public static IEnumerable<MeshImage> All(LogWorld world, LogDatabase database)
    {
        foreach (var row in database.Rows.Reverse().Where(r => r.Kind == RowKind.Closing))
        {
            if (!world.Vouching.Contains(row.Position)) continue;
            if (RowCodec.Decode(row) is not Closing closing) continue;
            foreach (var fact in closing.Facts.Select(f => f.Fact).OfType<ImageSaved>())
                if (database.Find(fact.Number, fact.Term, fact.Digest) is { } image) yield return image;
        }
    }
}
