using System.Buffers;
using MeshDns.Contracts.Dns;
using MeshDns.Host.Query;

namespace MeshDns.Host.Edge;

/// <summary>Gets the answers that queries of TCP connections wait for.</summary>
internal sealed class TcpForwarder(EdgeServices services)
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(1);

    /// <summary>
    /// The reply to a query that was put off. Large buffers are held while an upstream is waited for, so all connections together have a bound too.
    /// Whoever finds no place soon is told so, rather than left to wait behind a dead upstream's queries.
    /// </summary>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public async ValueTask<ReplyFrame> AskAsync(ReadOnlyMemory<byte> packet, Deferral deferral, CancellationToken cancel)
    {
        using var place = await services.TcpForwards.EnterAsync(deferral.Party, _patience, cancel);
        if (place is null) return Overloaded(packet.Span);
        var reply = ArrayPool<byte>.Shared.Rent(DnsLimits.MaxMessageSize);
        try
        {
            var length = await services.Forward.AnswerAsync(
                packet, deferral.Finding, deferral.View, deferral.Party, deferral.Cookie, reply, deferral.Limit, place.Displaced);
            return ReplyFrame.Of(reply.AsSpan(0, length));
        }
        catch (OperationCanceledException) when (place.IsDisplaced && !cancel.IsCancellationRequested)
        {
            services.Statistics.TcpDisplaced.Increment();
            return Overloaded(packet.Span);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            services.Faults.Count(e);
            ErrorReply.TryWrite(packet.Span, Rcode.ServFail, reply, out var length);
            return ReplyFrame.Of(reply.AsSpan(0, length));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(reply);
        }
    }

    private static ReplyFrame Overloaded(ReadOnlySpan<byte> packet)
    {
        Span<byte> reply = stackalloc byte[DnsLimits.MinUdpSize];
        ErrorReply.TryWrite(packet, Rcode.ServFail, reply, out var length, EdeCode.Other);
        return ReplyFrame.Of(reply[..length]);
    }
}
