using FsCheck;
using FsCheck.Fluent;
using MeshDns.Actors.Vips;

namespace MeshDns.Actors.Tests.Vips;

public class IndexSetTests
{
    private static readonly Gen<int> _index = Gen.OneOf(Gen.Choose(0, 200), Gen.Choose(0, 65_535), Gen.Choose(65_400, 65_535), Gen.Elements(0, 63, 64, 1023, 1024, 65_535));

    private static readonly IndexSet _odd = IndexSet.Where(0, 65_535, i => i % 2 == 1);

    [Fact]
    public void It_is_a_set_of_numbers()
    {
        var gen = from changes in Gen.ListOf(from kind in Gen.Choose(0, 2) from a in _index from b in _index select (Kind: kind, A: Math.Min(a, b), B: Math.Max(a, b)))
                  from probes in Gen.ListOf(from a in _index from b in _index select (A: a, B: b))
                  select (Changes: changes, Probes: probes);
        Prop.ForAll(gen.ToArbitrary(), test =>
        {
            var (set, model) = (IndexSet.None, new SortedSet<int>());
            foreach (var (kind, a, b) in test.Changes)
            {
                if (kind == 0) { set = set.With(a); model.Add(a); }
                if (kind == 1) { set = set.Without(a); model.Remove(a); }
                if (kind == 2) { set = set.WithRange(a, b); model.UnionWith(Enumerable.Range(a, b - a + 1)); }
            }
            foreach (var (a, b) in test.Probes)
            {
                Assert.Equal(model.Contains(a), set.Contains(a));
                Assert.Equal(Enumerable.Range(a, Math.Max(0, b - a + 1)).Where(i => model.Contains(i) && i % 2 == 0).Append(-1).First(), set.Next(a, b, _odd));
            }
            Assert.Equal(model.Count(i => i % 2 == 1), set.Overlap(_odd));
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(30));
    }
}
