using MeshDns.Actors.Directory;
using MeshDns.Actors.Journal;
using MeshDns.Contracts.Messages;

namespace MeshDns.Actors.Cluster;

/// <summary>The change feed for the wire and back.</summary>
internal static class FeedMessages
{
    public static FeedStream Of(StreamFeed feed) => new(
        feed.Stream, feed.Reset, feed.Snapshot, feed.Snapshot is null ? null : Of(feed.Stream, feed.SnapshotPosition),
        [.. feed.Rows.Select(r => new FeedRow(r.Seq, r.Term, r.Epoch, r.Kind, r.Payload))]);

    public static PositionMessage Of(string stream, StreamPosition position) => new(stream, position.Term, position.Epoch, position.Seq);

    public static StreamFeed Read(FeedStream message) => new(
        message.Stream, message.Reset, message.Snapshot, message.SnapshotPosition is { } at ? new StreamPosition(at.Term, at.Epoch, at.Seq) : default,
        [.. message.Rows.Select(r => new JournalRow(r.Seq, r.Term, r.Epoch, r.Kind, r.Payload))]);
}
