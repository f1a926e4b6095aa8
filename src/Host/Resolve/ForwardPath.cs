using MeshDns.Contracts.Dns;
using MeshDns.Contracts.Names;

namespace MeshDns.Host.Resolve;

/// <summary>The slow path: what the edge's loops cannot answer at once, and does not go to the upstream's loop without a task.</summary>
/// <param name="upstream">Asks the upstream resolvers.</param>
/// <param name="replies">Writes what is ours after all.</param>
/// <param name="stale">Asks for a replica that is too old; null where there are no owners to ask.</param>
public sealed class ForwardPath(IUpstream upstream, LocalReply replies, StaleReplica? stale = null)
{
    /// <summary>Answers a query that was put off. Ends by the upstream deadline.</summary>
    /// <param name="packet">The client's query, well formed.</param>
    /// <param name="finding">What was found for it.</param>
    /// <param name="view">What the client sees.</param>
    /// <param name="party">To whom its places count.</param>
    /// <param name="cookie">The cookie option's data; empty for none.</param>
    /// <param name="reply">Takes the reply.</param>
    /// <param name="limit">The most bytes that the client takes.</param>
    /// <param name="cancel">Gives up.</param>
    public async ValueTask<int> AnswerAsync(
        ReadOnlyMemory<byte> packet, Finding finding, ClientView view, Party party, ReadOnlyMemory<byte> cookie, Memory<byte> reply, int limit, CancellationToken cancel)
    {
        int length;
        if (finding.Origin == Origin.Owner && stale is not null)
        {
            var told = await stale.FindAsync(packet, view);
            if (TryWrite(packet.Span, told, view, cookie.Span, reply.Span, limit, out length)) return length;
            finding = told!.Value;
        }
        var room = cookie.IsEmpty ? 0 : cookie.Length + 4;
        length = await upstream.ForwardAsync(packet, finding, view, party, reply, limit - room, cancel);
        CookieJar.TryStamp(reply.Span[..limit], cookie.Span, ref length);
        return length;
    }

    // False when a chain of CNAMEs leads out of the mesh. Without an owner's word it is a failure, since a denial would be cached by whoever asked.
    private bool TryWrite(ReadOnlySpan<byte> packet, Finding? told, in ClientView view, ReadOnlySpan<byte> cookie, Span<byte> reply, int limit, out int length)
    {
        DnsQuery.TryParse(packet, out var query);
        if (told is { } finding) return replies.TryWrite(query, finding, view, cookie, 0, reply, limit, out length, out _);
        LocalReply.WriteFailure(query, EdeCode.NoReachableAuthority, cookie, reply, limit, out length);
        return true;
    }
}
