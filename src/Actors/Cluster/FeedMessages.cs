using MeshDns.Actors.Directory;
using MeshDns.Actors.Log;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Messages;

namespace MeshDns.Actors.Cluster;

/// <summary>Rows and facts for the feed and back.</summary>
internal static class FeedMessages
{
    public static FeedRow Of(LogRow row) => new(row.Number, row.Manifest, row.Tag, row.Payload);

    /// <exception cref="FormatException">It is no row that this version knows.</exception>
    public static LogRow Read(FeedRow row) => LogRow.Of(row.Number, row.Manifest, row.Tag, row.Payload);

    public static FactMessage Of(FeedFact fact)
    {
        var encoded = EventCodec.Encode(fact.Fact);
        return new FactMessage(fact.Stream, encoded.Kind, encoded.Payload);
    }

    /// <exception cref="FormatException">It is no fact that this version knows.</exception>
    public static FeedFact Read(FactMessage message) => new(message.Stream, EventCodec.Decode(message.Kind, message.Payload));
}
