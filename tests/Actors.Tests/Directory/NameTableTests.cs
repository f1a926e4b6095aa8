using System.Globalization;
using MeshDns.Actors.Directory;
using MeshDns.Tests.Shared;

namespace MeshDns.Actors.Tests.Directory;

/// <summary>The table below the directory. A node's VIP index stands for its version here.</summary>
public sealed class NameTableTests
{
    private readonly NameTable<HostEntry> _table = new(7, new HostEntry([], -1, false, HostEntry.NoVip, []));

    [Theory]
    [InlineData(1, 40)]
    [InlineData(2, 3_000)]
    [InlineData(3, 12_000)]
    public void Holds_what_was_put_last_whatever_the_order(int seed, int names)
    {
        var random = new Random(seed);
        var model = new Dictionary<int, int>();
        for (var step = 0; step < 60_000; step++)
        {
            var name = random.Next(names);
            if (random.Next(4) != 0) Put(name, model[name] = step);
            else
            {
                _table.Remove(Name(name));
                model.Remove(name);
            }
            var asked = random.Next(names);
            Assert.Equal(model.TryGetValue(asked, out var version) ? version : null, _table.Find(Name(asked))?.VipIndex);
        }
        Assert.Equal(model.Count, _table.Count);
        Assert.Equal(model.OrderBy(m => m.Value).Select(m => m.Value), _table.Nodes().Select(n => n.VipIndex).Order());
        Assert.All(model, m => Assert.Equal(m.Value, _table.Find(Name(m.Key))!.VipIndex));
    }

    [Fact]
    public void A_name_that_is_there_is_found_by_every_reader_and_never_goes_back()
    {
        const int names = 10_000; // More than wait in the ring, so that each round brings every node to its slot.
        const int rounds = 30;
        for (var i = 0; i < names / 2; i++) Put(i, 0);
        var wrong = 0;
        var isDone = false;
        var readers = Enumerable.Range(0, 2).Select(_ => new Thread(Read)).ToArray();
        foreach (var reader in readers) reader.Start();
        for (var round = 1; round <= rounds; round++)
        {
            // The upper half comes and goes, and makes the table grow and clear itself.
            for (var i = 0; i < names; i++) Put(i, round);
            for (var i = names / 2; i < names; i++) _table.Remove(Name(i));
        }
        Volatile.Write(ref isDone, true);
        foreach (var reader in readers) reader.Join();
        Assert.Equal(0, wrong);

        void Read()
        {
            var seen = new int[names / 2];
            while (!Volatile.Read(ref isDone))
            {
                for (var i = 0; i < seen.Length; i++)
                {
                    if (_table.Find(Name(i)) is { } node && node.VipIndex >= seen[i]) seen[i] = node.VipIndex;
                    else Interlocked.Increment(ref wrong);
                }
            }
        }
    }

    private void Put(int name, int version)
    {
        var wire = Name(name);
        _table.Put(new HostEntry(wire, _table.HashOf(wire), false, version, []));
    }

    private static byte[] Name(int i) => DirectoryFacts.Wire(string.Create(CultureInfo.InvariantCulture, $"n{i}.example"));
}
