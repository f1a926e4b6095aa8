using MeshDns.Host.Resolve;
using MeshDns.Host.Upstream.Flights;

namespace MeshDns.Host.Tests.Upstream;

/// <summary>Who waits in line and in the inbox, and who has to go.</summary>
public sealed class QueryLineTests
{
    private static readonly Party _heavy = new(1, 1);
    private static readonly Party _light = new(2, 2);

    private static List<ForwardedQuery> Queries(int count, Party party = default) => [.. Enumerable.Range(0, count).Select(_ => new Posted { Party = party })];

    [Fact]
    public void Among_equals_the_oldest_goes_and_the_newest_is_served_first()
    {
        var line = new QueryLine(3);
        List<ForwardedQuery> queries = Queries(5);
        Assert.Equal([null, null, null, queries[0], queries[1]], queries.Select(line.Put));
        Assert.Equal((queries[2], queries[4], 3), (line.Oldest, line.Lightest, line.Count));
        line.Remove(queries[4]);
        Assert.Equal((queries[2], queries[3], 2), (line.Oldest, line.Lightest, line.Count));
    }

    [Fact]
    public void Who_fills_the_line_makes_room_for_others_and_they_are_served_before_it()
    {
        var line = new QueryLine(50);
        Queries(50, _heavy).ForEach(each => line.Put(each));
        ForwardedQuery light = Queries(1, _light)[0];
        Assert.Equal(_heavy, line.Put(light)!.Party);
        foreach (ForwardedQuery each in Queries(200, _heavy))
            Assert.Equal(_heavy, line.Put(each)!.Party);
        Assert.Same(light, line.Lightest);
    }

    [Fact]
    public void Who_is_heavier_than_all_that_wait_goes_itself()
    {
        var line = new QueryLine(4);
        Queries(2, _heavy).ForEach(each => line.Put(each));
        line.Put(new Posted { Party = new Party(3, 3) });
        line.Put(new Posted { Party = _light });
        Queries(2, _heavy).ForEach(each => Assert.Equal(_heavy, line.Put(each)!.Party));
        var third = new QueryLine(2);
        third.Put(new Posted { Party = new Party(3, 1) });
        third.Put(new Posted { Party = new Party(1, 2) });
        ForwardedQuery both = new Posted { Party = _heavy };
        Assert.Same(both, third.Put(both));
    }

    [Fact]
    public void The_inbox_gives_in_order_and_its_heaviest_makes_room()
    {
        var inbox = new Inbox(4);
        List<ForwardedQuery> heavy = Queries(4, _heavy);
        heavy.ForEach(each => Assert.Null(inbox.Put(each)));
        ForwardedQuery light = Queries(1, _light)[0];
        Assert.Equal(heavy[0], inbox.Put(light));
        ForwardedQuery more = Queries(1, _heavy)[0];
        Assert.Equal(_heavy, inbox.Put(more)!.Party);
        var taken = new ForwardedQuery[5];
        Assert.Equal(4, inbox.Take(taken));
        Assert.Equal([light, more], taken[2..4]);
        Assert.Equal(0, inbox.Count);
        inbox.Close();
        Assert.Same(light, inbox.Put(light));
    }
}
