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

    public static FactMessage Of(MeshEvent fact)
    {
        var encoded = EventCodec.Encode(fact);
        return new FactMessage("", encoded.Kind, encoded.Payload);
    }

    /// <exception cref="FormatException">It is no fact that this version knows.</exception>
    public static MeshEvent Read(FactMessage message) => EventCodec.Decode(message.Kind, message.Payload);
}
