using MeshDns.Contracts.Names;
using MeshDns.Host.Resolve;

namespace MeshDns.Host.Tests.Upstream;

/// <summary>Queries as the edge posts them.</summary>
internal static class Posted
{
    public static ForwardedQuery Query(Ask ask, IReplySink sink, Party party = default)
    {
        byte[] packet = ask.ToPacket();
        return new ForwardedQuery { Packet = packet, Length = packet.Length, View = ClientView.Default, Limit = 1232, Finding = Finding.Forward with { MaxTtl = 5 }, Party = party, Sink = sink };
    }
}

/// <summary>Keeps what comes, on the loop's thread, until there are so many.</summary>
internal sealed class Sink(int count) : IReplySink
{
    private readonly TaskCompletionSource<IReadOnlyList<Reply>> _all = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<Reply> _replies = [];

    public Task<IReadOnlyList<Reply>> All => _all.Task;

    public int Count => Volatile.Read(ref _count);

    public int Dropped { get; private set; }

    private int _count;

    public void Reply(ForwardedQuery query, Span<byte> reply, int length)
    {
        _replies.Add(Upstream.Reply.Read(reply[..length]));
        Volatile.Write(ref _count, _replies.Count);
        if (_replies.Count == count)
            _all.TrySetResult(_replies);
    }

    public void Drop(ForwardedQuery query) => Dropped++;

    public void Flush()
    {
    }
}
