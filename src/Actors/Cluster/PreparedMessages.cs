using MeshDns.Actors.Journal;
using MeshDns.Actors.Runtime;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Messages;

namespace MeshDns.Actors.Cluster;

/// <summary>What an owner prepared, for the wire and back. A batch's events are those of its changes, one after the other.</summary>
internal static class PreparedMessages
{
    public static ShardPrepared Of(Prepared<ShardReply> prepared) => new(
        FenceOf(prepared.Append),
        [.. prepared.Replies.Select(r => new ShardPartPrepared(r.Change, Encode(r.Events), r.Reply is { } reply ? OutcomeOf(reply) : null, RefusedOf(r.Refused)))]);

    public static VipsPrepared Of(Prepared<VipReply> prepared) => new(
        FenceOf(prepared.Append),
        [.. prepared.Replies.Select(r => new VipPartPrepared(r.Change, Encode(r.Events), r.Reply, RefusedOf(r.Refused)))]);

    /// <exception cref="FormatException">A newer node wrote an event that this version does not know.</exception>
    public static Prepared<ShardReply> Read(ShardPrepared message)
    {
        PreparedChange<ShardReply>[] parts = [.. message.Parts.Select(p => new PreparedChange<ShardReply>(p.Change, p.Outcome is { } outcome ? ReplyOf(outcome) : null, Decode(p.Events), RefusalOf(p.Refused)))];
        return new Prepared<ShardReply>(AppendOf(message.Fence, parts), parts);
    }

    /// <exception cref="FormatException">A newer node wrote an event that this version does not know.</exception>
    public static Prepared<VipReply> Read(VipsPrepared message)
    {
        PreparedChange<VipReply>[] parts = [.. message.Parts.Select(p => new PreparedChange<VipReply>(p.Change, p.Outcome, Decode(p.Events), RefusalOf(p.Refused)))];
        return new Prepared<VipReply>(AppendOf(message.Fence, parts), parts);
    }

    private static FenceMessage? FenceOf(StreamAppend? append) => append is null ? null
        : new FenceMessage(append.Fence.Stream, append.Fence.Node, append.Fence.Incarnation, append.Fence.Term, append.Fence.Epoch, append.Fence.Seq);

    private static StreamAppend? AppendOf<TReply>(FenceMessage? fence, PreparedChange<TReply>[] parts) where TReply : class => fence is null ? null
        : new StreamAppend(new Fence(fence.Stream, fence.Node, fence.Incarnation, fence.Term, fence.Epoch, fence.Seq), [.. parts.SelectMany(p => p.Events)]);

    private static EventMessage[] Encode(IReadOnlyList<MeshEvent> events) => [.. events.Select(EventCodec.Encode).Select(e => new EventMessage(e.Kind, e.Payload))];

    private static MeshEvent[] Decode(IReadOnlyList<EventMessage> events) => [.. events.Select(e => EventCodec.Decode(e.Kind, e.Payload))];

    private static RefusedPart? RefusedOf(Refusal? refusal) => refusal is null ? null : new RefusedPart(refusal.Reason, refusal.Detail);

    private static Refusal? RefusalOf(RefusedPart? part) => part is null ? null : new Refusal(part.Reason, part.Detail);

    private static ShardOutcome OutcomeOf(ShardReply reply) => new(reply.Demands, [.. reply.Versions.Select(v => new DocumentVersion(v.Key, v.Value))], reply.Warnings);

    private static ShardReply ReplyOf(ShardOutcome outcome) => new(outcome.Demands, outcome.Versions.ToDictionary(v => v.Key, v => v.Version), outcome.Warnings);
}
