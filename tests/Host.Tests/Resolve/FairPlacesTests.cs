using MeshDns.Host.Resolve;

namespace MeshDns.Host.Tests.Resolve;

/// <summary>docs/adr/0022-fair-places.md: whose place it is that a newcomer gets.</summary>
public sealed class FairPlacesTests
{
    [Fact]
    public void Who_is_alone_has_every_place_and_makes_room_for_nobody_like_itself()
    {
        var places = new FairPlaces<Holder>(100);
        Fill(places, 100, _ => new Party(1, 1));
        Assert.True(places.IsFull);
        Assert.Null(places.FindHeavier(new Party(1, 1)));
    }

    [Theory]
    [InlineData(2, 2)] // Another client and another domain.
    [InlineData(2, 1)] // Another client, the same domain.
    [InlineData(1, 2)] // The same client, another domain.
    public void Who_holds_all_makes_room_for_another_client_and_for_another_domain(ushort client, ushort domain)
    {
        var places = new FairPlaces<Holder>(100);
        Fill(places, 100, _ => new Party(1, 1));
        Assert.Equal(new Party(1, 1), places.FindHeavier(new Party(client, domain))!.Party);
    }

    [Fact]
    public void Many_clients_that_ask_for_one_domain_make_room_for_another()
    {
        var places = new FairPlaces<Holder>(1000);
        Fill(places, 1000, i => new Party((ushort)i, 1));
        Assert.Equal(1, places.FindHeavier(new Party(5000, 2))!.Party.Domain);
        Assert.Null(places.FindHeavier(new Party(5000, 1)));
    }

    [Fact]
    public void One_client_that_asks_for_many_domains_makes_room_for_another()
    {
        var places = new FairPlaces<Holder>(1000);
        Fill(places, 1000, i => new Party(1, (ushort)i));
        Assert.Equal(1, places.FindHeavier(new Party(2, 5000))!.Party.Client);
        Assert.Null(places.FindHeavier(new Party(1, 5000)));
    }

    [Fact]
    public void Of_several_the_heaviest_makes_room()
    {
        var places = new FairPlaces<Holder>(FairPlaces<Holder>.Draws);
        Fill(places, FairPlaces<Holder>.Draws, i => i % 8 == 0 ? new Party(1, 1) : i % 2 == 0 ? new Party(2, 2) : new Party(3, 3));
        Assert.Equal(new Party(3, 3), places.FindHeavier(new Party(4, 4))!.Party);
    }

    [Fact]
    public void Only_those_of_a_group_make_room_for_it()
    {
        var places = new FairPlaces<Holder>(2);
        object group = new();
        places.Enter(new Holder(new Party(1, 1)));
        Assert.Null(places.FindHeavier(new Party(2, 2), group));
        var within = new Holder(new Party(1, 1)) { Group = group };
        places.Enter(within);
        Assert.Same(within, places.FindHeavier(new Party(2, 2), group));
    }

    [Fact]
    public void The_lightest_is_served_first_and_the_newest_among_equals()
    {
        var places = new FairPlaces<Holder>(10);
        List<Holder> heavy = Fill(places, 5, _ => new Party(1, 1));
        Assert.Same(heavy[4], places.FindLightest(heavy[4]));
        var light = new Holder(new Party(2, 2));
        places.Enter(light);
        Holder last = Fill(places, 1, _ => new Party(1, 1))[0];
        Assert.Same(light, places.FindLightest(last));
        Assert.Null(new FairPlaces<Holder>(1).FindLightest(null));
    }

    [Fact]
    public void A_place_that_moves_counts_to_its_new_party()
    {
        var places = new FairPlaces<Holder>(10);
        Holder moved = Fill(places, 3, _ => new Party(1, 1))[1];
        places.Move(moved, new Party(2, 1));
        Assert.Equal((2 + 3, 1 + 3), (places.WeightOf(new Party(1, 1)), places.WeightOf(new Party(2, 1))));
        places.Leave(moved);
        Assert.Equal((2 + 2, 0 + 2), (places.WeightOf(new Party(1, 1)), places.WeightOf(new Party(2, 1))));
    }

    // Against a plain model: counts always those of who is in, and a place is only ever taken from who is heavier, so that shares grow more even.
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Whatever_comes_and_goes_counts_are_exact_and_places_are_taken_from_the_heavier(int seed)
    {
        const int Capacity = 200;
        var random = new Random(seed);
        var places = new FairPlaces<Holder>(Capacity, (uint)seed);
        var model = new List<Holder>();
        int Weight(Party party) => model.Count(each => each.Party.Client == party.Client) + model.Count(each => each.Party.Domain == party.Domain);
        for (int step = 0; step < 3000; step++)
        {
            // A few heavy ones, many light ones.
            var newcomer = new Holder(new Party((ushort)(random.Next(3) * random.Next(40)), (ushort)(random.Next(2) * random.Next(60))));
            if (places.IsFull)
            {
                Holder? heavier = places.FindHeavier(newcomer.Party);
                model.Add(newcomer);
                int own = Weight(newcomer.Party);
                int heaviest = model.Max(each => Weight(each.Party));
                Assert.True(heavier is null ? heaviest < 3 * own : Weight(heavier.Party) > own);
                model.RemoveAt(model.Count - 1);
                if (heavier is null)
                    continue;
                places.Leave(heavier);
                model.Remove(heavier);
            }
            places.Enter(newcomer);
            model.Add(newcomer);
            if (random.Next(20) == 0)
            {
                Holder leaver = model[random.Next(model.Count)];
                places.Leave(leaver);
                model.Remove(leaver);
            }
            Assert.Equal(model.Count, places.Count);
            Assert.Equal(Weight(newcomer.Party), places.WeightOf(newcomer.Party));
        }
        foreach (Holder each in model)
            places.Leave(each);
        Assert.All(model, each => Assert.Equal(0, places.WeightOf(each.Party)));
    }

    private static List<Holder> Fill(FairPlaces<Holder> places, int count, Func<int, Party> party)
    {
        List<Holder> holders = [.. Enumerable.Range(0, count).Select(i => new Holder(party(i)))];
        holders.ForEach(places.Enter);
        return holders;
    }

    private sealed class Holder(Party party) : IPlaced
    {
        public Party Party { get; set; } = party;

        public int Place { get; set; }

        public object? Group { get; init; }
    }
}
