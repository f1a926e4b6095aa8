using MeshDns.Actors.Following;
using MeshDns.Actors.Log;
using MeshDns.Actors.Store;

namespace MeshDns.Engine.Tests.Following;

public sealed class FeedTailTests
{
    private const string A = "aaaaaaaaaaaaaaaa", B = "bbbbbbbbbbbbbbbb";

    private readonly FeedTail _tail = new();

    [Fact]
    public void Whoever_stands_on_one_of_its_rows_or_right_before_them_gets_what_follows_and_nobody_else()
    {
        Assert.Null(_tail.After(LogPosition.Start));
        _tail.Add(new LogPosition(5, A), Rows(6, 3));
        _tail.Add(new LogPosition(8, A), Rows(9, 2));
        Assert.Equal([6, 7, 8, 9, 10], Numbers(new LogPosition(5, A)));
        Assert.Equal([8, 9, 10], Numbers(new LogPosition(7, A)));
        Assert.Equal([], Numbers(new LogPosition(10, A)));
        foreach (var place in (LogPosition[])[new(5, B), new(7, B), new(10, B), new(4, A), new(11, A), LogPosition.Start, new(long.MaxValue, A)]) Assert.Null(_tail.After(place));
    }

    [Fact]
    public void Rows_that_do_not_follow_on_its_end_replace_all()
    {
        _tail.Add(LogPosition.Start, Rows(1, 5));
        _tail.Add(new LogPosition(3, A), Rows(4, 2, B));
        Assert.Null(_tail.After(LogPosition.Start));
        Assert.Null(_tail.After(new LogPosition(4, A)));
        Assert.Equal([4, 5], Numbers(new LogPosition(3, A)));
        _tail.Clear();
        Assert.Null(_tail.After(new LogPosition(3, A)));
        _tail.Add(new LogPosition(5, B), Rows(6, 1));
        Assert.Equal([6], Numbers(new LogPosition(5, B)));
    }

    [Fact]
    public void It_keeps_so_many_rows_and_no_more()
    {
        for (var i = 0; i < 45; i++) _tail.Add(new LogPosition(i * 1000, i == 0 ? LogPosition.NoTerm : A), Rows(i * 1000 + 1, 1000));
        var oldest = 45_000 - FeedTail.MostRows;
        Assert.Null(_tail.After(new LogPosition(oldest - 1, A)));
        Assert.Equal([oldest + 1, oldest + LogSlice.MostRows], Ends(new LogPosition(oldest, A), isAll: false));
        Assert.Equal([44_501, 45_000], Ends(new LogPosition(44_500, A), isAll: true));
        // One transaction that is larger than all that is kept.
        _tail.Add(new LogPosition(45_000, A), Rows(45_001, FeedTail.MostRows + 10));
        Assert.Null(_tail.After(new LogPosition(45_009, A)));
        Assert.Equal(45_011, Ends(new LogPosition(45_010, A), isAll: false)[0]);
    }

    [Fact]
    public void It_keeps_so_many_bytes_and_no_more()
    {
        for (var i = 0; i < 200; i++) _tail.Add(new LogPosition(i, i == 0 ? LogPosition.NoTerm : A), Rows(i + 1, 1, A, LogRow.MaxBytes));
        Assert.Null(_tail.After(new LogPosition(71, A)));
        // A slice ends with the row that makes it full.
        Assert.Equal([73, 104], Ends(new LogPosition(72, A), isAll: false));
    }

    [Fact]
    public async Task News_comes_with_rows_and_when_somebody_is_woken()
    {
        var news = _tail.News;
        Assert.False(news.IsCompleted);
        _tail.Add(LogPosition.Start, Rows(1, 1));
        await news;
        news = _tail.News;
        Assert.False(news.IsCompleted);
        _tail.Wake();
        await news;
    }

    private long[] Numbers(LogPosition place)
    {
        var found = _tail.After(place)!.Value;
        Assert.True(found.IsAll);
        return [.. found.Rows.Select(r => r.Number)];
    }

    private long[] Ends(LogPosition place, bool isAll)
    {
        var found = _tail.After(place)!.Value;
        Assert.Equal(isAll, found.IsAll);
        Assert.Equal(Enumerable.Range(0, found.Rows.Count).Select(i => place.Number + 1 + i), found.Rows.Select(r => r.Number));
        return [found.Rows[0].Number, found.Rows[^1].Number];
    }

    private static LogRow[] Rows(long first, int count, string term = A, int bytes = 1) =>
        [.. Enumerable.Range(0, count).Select(i => new LogRow(first + i, RowKind.Closing, term, term, LogRow.MeshTag, new byte[bytes]))];
}
