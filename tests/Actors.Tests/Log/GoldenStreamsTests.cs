using System.Text;
using MeshDns.Actors.Shards;
using MeshDns.Actors.Vips;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Vips;

namespace MeshDns.Actors.Tests.Log;

/// <summary>
/// Facts that an earlier version wrote replay to the state that they had then: what an upgraded node, and one that is taken back, must make of them, of rows and of images alike.
/// <c>golden-streams.txt</c> has a fact a line (a bucket or the ledger, kind, payload), and after each one's facts its snapshot. Lines are added, never changed.
/// </summary>
public sealed class GoldenStreamsTests
{
    private static readonly VipRange _range = new(Cidr.Parse("240.240.0.0/28"), Cidr.Parse("2001:2::/48"));

    public static TheoryData<string> Streams => [.. Rows().Select(r => r.Stream).Distinct()];

    private static (string Stream, string Kind, string Payload)[] Rows() =>
        [.. File.ReadAllLines(Path.Combine(AppContext.BaseDirectory, "Log", "golden-streams.txt")).Select(l => l.Split('\t')).Select(l => (l[0], l[1], l[2]))];

    [Theory]
    [MemberData(nameof(Streams))]
    public void An_old_stream_replays_to_the_state_that_it_had(string stream)
    {
        var rows = Rows().Where(r => r.Stream == stream).ToArray();
        var facts = rows.Where(r => r.Kind != "snapshot").Select(r => EventCodec.Decode(r.Kind, Encoding.UTF8.GetBytes(r.Payload))).ToArray();
        var snapshot = rows.Single(r => r.Kind == "snapshot").Payload;
        Assert.NotEmpty(facts);
        if (stream == Contracts.Events.Streams.Vips)
        {
            var core = new VipLedgerCore(_range);
            Check(facts.Aggregate(core.Empty, VipLedgerCore.Apply), VipLedgerCore.Snapshot, bytes => core.Restore(bytes), snapshot);
        }
        else Check(facts.Aggregate(ShardTable.Empty, (table, fact) => table.Apply(fact)), ShardTableSnapshot.Write, bytes => ShardTableSnapshot.Read(bytes), snapshot);
    }

    private static void Check<TState>(TState replayed, Func<TState, byte[]> write, Func<byte[], TState> read, string snapshot)
    {
        Assert.Equal(snapshot, Encoding.UTF8.GetString(write(replayed)));
        // The snapshot of then stands for the same state.
        Assert.Equal(snapshot, Encoding.UTF8.GetString(write(read(Encoding.UTF8.GetBytes(snapshot)))));
    }
}
