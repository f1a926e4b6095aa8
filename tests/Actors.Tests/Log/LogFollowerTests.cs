using MeshDns.Actors.Log;

namespace MeshDns.Actors.Tests.Log;

/// <summary>A reader of the whole log: truth by poll, speed by push, and never a part of a transaction.</summary>
public sealed class LogFollowerTests
{
    private readonly LogRows _log = new();
    private LogFollower _follower = LogFollower.At(LogPosition.Start, 0);
    private Moment _now = new(10_000, 10_000);

    [Fact]
    public void It_reads_what_is_there_and_knows_it_as_of_before_the_question()
    {
        _log.Grant(1, "a.example");
        var read = Assert.IsType<ReadAfter>(Assert.Single(Handle(new TimeToRead())));
        Assert.Equal(LogPosition.Start, read.Position);
        var asked = _now;
        Pass(700);
        var outputs = Handle(new RowsRead(read.Id, true, _log.Rows, IsAll: true, 40, 99));
        Assert.Equal(LogRows.Read(_log.Rows).Select(t => t.Position), outputs.OfType<TakeIn>().Select(t => t.Transaction.Position));
        Assert.Equal(new KnownUpTo(new KnowledgeAge(asked, 40), _log.State.Position, 99), outputs[^1]);
    }

    [Fact]
    public void A_part_of_a_transaction_waits_for_the_rest()
    {
        _log.Write([.. LogRows.Puts(8)]);
        var read = Read();
        var outputs = Handle(new RowsRead(read.Id, true, _log.Rows[..^1], IsAll: false, 0, 0));
        Assert.Equal([1L], outputs.OfType<TakeIn>().Select(t => t.Transaction.Position.Number));
        Assert.Equal(1, _follower.Position.Number);
        Assert.DoesNotContain(outputs, o => o is KnownUpTo);
        var next = Assert.Single(outputs.OfType<ReadAfter>());
        Assert.Equal(_log.Rows[^2].Position, next.Position);
        outputs = Handle(new RowsRead(next.Id, true, _log.Rows[^1..], IsAll: true, 0, 0));
        Assert.Equal(8, Assert.Single(outputs.OfType<TakeIn>()).Transaction.Facts.Count);
    }

    [Fact]
    public void Rows_that_it_is_told_are_taken_at_once_and_make_it_no_younger()
    {
        ReadAll();
        var before = _log.Rows.Count;
        _log.Grant(1, "a.example");
        var outputs = Handle(new ToldOfEnd(_log.State.Position, _log.Rows[before..]));
        Assert.Equal(_log.State.Position, Assert.Single(outputs.OfType<TakeIn>()).Transaction.Position);
        Assert.DoesNotContain(outputs, o => o is KnownUpTo or ReadAfter);
        // Told twice: nothing.
        Assert.Empty(Handle(new ToldOfEnd(_log.State.Position, _log.Rows[before..])));
    }

    [Fact]
    public void Rows_with_a_gap_before_them_make_it_read()
    {
        ReadAll();
        _log.Grant(1, "a.example");
        var last = _log.Rows.Count;
        _log.Grant(2, "b.example");
        var outputs = Handle(new ToldOfEnd(_log.State.Position, _log.Rows[last..]));
        Assert.Equal(1, Assert.IsType<ReadAfter>(Assert.Single(outputs)).Position.Number);
    }

    [Fact]
    public void Rows_of_another_past_are_not_taken()
    {
        ReadAll();
        var other = new LogRows();
        other.Grant(1, "a.example");
        LogRow[] wrong = [.. other.Rows.Skip(1).Select((r, i) => i == 0 ? r with { PreviousTerm = LogRows.TermB } : r)];
        Assert.IsType<ReadAfter>(Assert.Single(Handle(new ToldOfEnd(other.State.Position, wrong))));
    }

    [Fact]
    public void A_log_that_no_longer_has_its_place_is_said_and_read_anew()
    {
        _log.Grant(1, "a.example");
        ReadAll();
        var lost = _follower.Position;
        var outputs = Handle(new RowsRead(Read(isUrgent: true).Id, Holds: false, [], IsAll: true, 0, 0));
        Assert.Equal(lost, Assert.IsType<PastIsGone>(outputs[0]).Position);
        var load = Assert.IsType<LoadImage>(outputs[1]);
        // An answer to a question of before is none.
        Assert.Empty(Handle(new RowsRead(load.Id - 1, true, [], IsAll: true, 0, 0)));
        outputs = Handle(new ImageLoaded(load.Id, LogPosition.Start, 0));
        Assert.Equal(LogPosition.Start, Assert.IsType<ReadAfter>(Assert.Single(outputs)).Position);
    }

    [Fact]
    public void A_broken_row_takes_nothing_in_and_reads_anew()
    {
        ReadAll();
        _log.Grant(1, "a.example");
        _log.Grant(2, "b.example");
        LogRow[] rows = [.. _log.Rows.Skip(1).Take(2), .. _log.Rows.Skip(4)];
        var outputs = Handle(new RowsRead(Read(isUrgent: true).Id, true, rows, IsAll: true, 0, 0));
        Assert.DoesNotContain(outputs, o => o is TakeIn or KnownUpTo);
        Assert.Contains(outputs, o => o is LoadImage);
    }

    [Fact]
    public void It_asks_one_question_at_a_time_and_the_next_one_after_it()
    {
        var read = Read();
        Assert.Empty(Handle(new TimeToRead(IsUrgent: true)));
        Assert.Empty(Handle(new TimeToRead(IsUrgent: true)));
        var outputs = Handle(new RowsRead(read.Id, true, _log.Rows, IsAll: true, 0, 0));
        Assert.Single(outputs.OfType<ReadAfter>());
    }

    [Fact]
    public void It_reads_once_a_second_and_sooner_when_somebody_waits()
    {
        ReadAll();
        Pass(LogFollower.ReadEveryMs - 1);
        Assert.Empty(Handle(new TimeToRead()));
        Pass(1);
        var read = Assert.IsType<ReadAfter>(Assert.Single(Handle(new TimeToRead())));
        Handle(new ReadHasFailed(read.Id));
        Assert.IsType<ReadAfter>(Assert.Single(Handle(new TimeToRead(IsUrgent: true))));
    }

    private IReadOnlyList<FollowerOutput> Handle(FollowerInput input)
    {
        (_follower, var outputs) = _follower.Handle(input, LogRows.Buckets, _now);
        return outputs;
    }

    private ReadAfter Read(bool isUrgent = false) => Assert.IsType<ReadAfter>(Assert.Single(Handle(new TimeToRead(isUrgent))));

    private void ReadAll() => Handle(new RowsRead(Read().Id, true, [.. _log.Rows], IsAll: true, 0, 0));

    private void Pass(long ms) => _now = new Moment(_now.MonotonicMs + ms, _now.WallMs + ms);
}
