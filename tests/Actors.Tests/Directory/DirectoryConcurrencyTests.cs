using MeshDns.Actors.Directory;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Vips;
using static MeshDns.Tests.Shared.DirectoryFacts;

namespace MeshDns.Actors.Tests.Directory;

/// <summary>Readers beside a writer that never rests.</summary>
public sealed class DirectoryConcurrencyTests
{
    private const int Rounds = 3000;
    private const int Readers = 3;

    [Fact]
    public void Readers_never_see_half_an_answer_nor_one_VIP_on_two_names()
    {
        var directory = new MeshDirectory(VipRange.Default, new MeshZones([HostName.Parse("mesh.internal")]), ShardCount, TimeProvider.System);
        directory.Apply(Batch(0, Declare("steady.mesh.internal", ["10.9.9.9"]), Declare("a.x", eligible: true), Declare("b.x", eligible: true), Grant(1, "a.x"), Grant(2, "b.x")));
        using var stop = new CancellationTokenSource();
        var faults = new List<string>();
        var readers = Enumerable.Range(0, Readers).Select(_ => new Thread(() => Read(directory, faults, stop.Token))).ToArray();
        foreach (var reader in readers) reader.Start();
        for (var round = 1; round <= Rounds; round++) Write(directory, round);
        stop.Cancel();
        foreach (var reader in readers) reader.Join();
        Assert.Empty(faults);
        Assert.Equal(0, directory.Violations);
    }

    // Every round: an answer of two addresses that belong together, VIPs that move on, and names that come and go so that the tables are rebuilt.
    private static void Write(MeshDirectory directory, int round)
    {
        var pair = $"10.{round % 200}.0.";
        var at = 1 + (round % 100);
        var next = 1 + ((round + 1) % 100);
        var (a, b) = (directory.FindExact(Wire("a.x"), ClientView.Default).Entry!.VipIndex, directory.FindExact(Wire("b.x"), ClientView.Default).Entry!.VipIndex);
        directory.Apply(Batch(
            round,
            Declare("pair.mesh.internal", [pair + "1", pair + "2"]),
            Release(a, "a.x"), Release(b, "b.x"), Grant(b, "a.x"), Grant(a == next || b == next ? a : next, "b.x"),
            Declare($"n{round}.mesh.internal", ["10.0.0.1"]),
            Withdraw($"n{round - at}.mesh.internal")));
    }

    private static void Read(MeshDirectory directory, List<string> faults, CancellationToken stop)
    {
        var (a, b, pair, steady) = (Wire("a.x"), Wire("b.x"), Wire("pair.mesh.internal"), Wire("steady.mesh.internal"));
        int[] hashes = [directory.HashOf(a), directory.HashOf(b), directory.HashOf(pair), directory.HashOf(steady), 0, -1, 12345];
        while (!stop.IsCancellationRequested)
        {
            directory.PrefetchExact(hashes);
            var before = directory.FindExact(a, ClientView.Default).Entry;
            var other = directory.FindExact(b, ClientView.Default).Entry;
            var after = directory.FindExact(a, ClientView.Default).Entry;
            if (before is null || other is null) Fail("a declared name was not found");
            else if (ReferenceEquals(before, after) && before.VipIndex != -1 && before.VipIndex == other.VipIndex) Fail($"two names showed VIP index {before.VipIndex}");
            var match = directory.FindExact(pair, ClientView.Default);
            if (match.Entry is not null)
            {
                var list = match.Entry.Addresses(match.Choice, ClientView.Default, v6: false);
                list.TryGet(0, out var first);
                list.TryGet(1, out var second);
                if (list.Count != 2 || !first[..3].SequenceEqual(second[..3])) Fail("an answer was torn");
            }
            if (directory.FindExact(steady, ClientView.Default).Entry is null) Fail("a name that never changes was not found");
        }

        void Fail(string what)
        {
            lock (faults) faults.Add(what);
        }
    }
}
