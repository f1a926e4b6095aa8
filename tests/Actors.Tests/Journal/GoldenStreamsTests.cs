using System.Text;
using MeshDns.Actors.Runtime;
using MeshDns.Actors.Shards;
using MeshDns.Actors.Vips;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Vips;

namespace MeshDns.Actors.Tests.Journal;

/// <summary>
/// Streams of a journal that an earlier version wrote replay to the state that they had then: what an upgraded node, and one that is taken back, must make of
/// them. <c>golden-streams.txt</c> has a row a line (stream, kind, payload), and after a stream's rows its snapshot. Streams are added, never changed.
/// </summary>
public sealed class GoldenStreamsTests
{
    private static readonly VipRange _range = new(Cidr.Parse("240.240.0.0/28"), Cidr.Parse("2001:2::/48"));

    public static TheoryData<string> Streams => [.. Rows().Select(r => r.Stream).Distinct()];

    private static (string Stream, string Kind, string Payload)[] Rows() =>
        [.. File.ReadAllLines(Path.Combine(AppContext.BaseDirectory, "Journal", "golden-streams.txt")).Select(l => l.Split('\t')).Select(l => (l[0], l[1], l[2]))];

    [Theory]
    [MemberData(nameof(Streams))]
    public void An_old_stream_replays_to_the_state_that_it_had(string stream)
    {
        var rows = Rows().Where(r => r.Stream == stream).ToArray();
        var facts = rows.Where(r => r.Kind != "snapshot").Select(r => EventCodec.Decode(r.Kind, Encoding.UTF8.GetBytes(r.Payload))).ToArray();
        var snapshot = rows.Single(r => r.Kind == "snapshot").Payload;
        Assert.NotEmpty(facts);
        if (stream == Contracts.Events.Streams.Vips) Check(new VipLedgerCore(_range), facts, snapshot);
        else Check(new ShardTableCore(_range), facts, snapshot);
    }

    private static void Check<TState, TCommand, TReply>(IStreamCore<TState, TCommand, TReply> core, MeshEvent[] facts, string snapshot) where TState : class where TReply : class
    {
        var replayed = facts.Aggregate(core.Empty, core.Apply);
        Assert.Equal(snapshot, Encoding.UTF8.GetString(core.Snapshot(replayed)));
        // The snapshot of then stands for the same state.
        Assert.Equal(snapshot, Encoding.UTF8.GetString(core.Snapshot(core.Restore(Encoding.UTF8.GetBytes(snapshot)))));
    }
}
