using MeshDns.Contracts.Names;
using MeshDns.Host.Resolve;

namespace MeshDns.Host.Tests.Upstream;

/// <summary>A query as the edge posts it.</summary>
internal sealed class Posted : ForwardedQuery
{
    private Sink? _sink;

    public static ForwardedQuery Query(Ask ask, Sink sink, Party party = default)
    {
        byte[] packet = ask.ToPacket();
        return new Posted { Packet = packet, Length = packet.Length, View = ClientView.Default, Limit = 1232, Finding = Finding.Forward with { MaxTtl = 5 }, Party = party, _sink = sink };
    }

    public override void OnReply(Span<byte> reply, int length) => _sink!.Add(Reply.Read(reply[..length]));

    public override void OnDrop() => _sink!.Dropped++;
}

/// <summary>Keeps what comes, on the loop's thread, until there are so many.</summary>
internal sealed class Sink(int count)
{
    private readonly TaskCompletionSource<IReadOnlyList<Reply>> _all = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<Reply> _replies = [];

    public Task<IReadOnlyList<Reply>> All => _all.Task;

    public int Count => Volatile.Read(ref _count);

    public int Dropped { get; set; }

    private int _count;

    public void Add(Reply reply)
    {
        _replies.Add(reply);
        Volatile.Write(ref _count, _replies.Count);
        if (_replies.Count == count)
            _all.TrySetResult(_replies);
    }
}
