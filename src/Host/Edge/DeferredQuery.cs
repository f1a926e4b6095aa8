using System.Buffers;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using MeshDns.Contracts.Dns;
using MeshDns.Host.Net;
using MeshDns.Host.Query;
using MeshDns.Host.Resolve;

namespace MeshDns.Host.Edge;

/// <summary>Whose queries they are.</summary>
internal interface IDeferredOwner : IReplyBatch
{
    /// <summary>See <see cref="ForwardedQuery.OnReply"/>.</summary>
    void OnReply(DeferredQuery query, Span<byte> reply, int length);

    /// <summary>See <see cref="ForwardedQuery.OnDrop"/>.</summary>
    void OnDrop(DeferredQuery query);

    /// <summary>One that was awaited has its <see cref="DeferredQuery.Result"/>.</summary>
    void OnFinished(DeferredQuery query);
}

/// <summary>One query that waits for an upstream or an owner: the packet, where its reply goes, and, where it is awaited, the wait. Used again and again.</summary>
internal sealed class DeferredQuery : ForwardedQuery
{
    private const int UsualSize = 512;
    private readonly IDeferredOwner _owner;
    private readonly Action _finish;
    private ValueTaskAwaiter<int> _answer;

    public DeferredQuery(IDeferredOwner owner)
    {
        _owner = owner;
        _finish = Finish;
        Node = new LinkedListNode<DeferredQuery>(this);
    }

    /// <summary>Its place among those that wait.</summary>
    public LinkedListNode<DeferredQuery> Node { get; }

    public SocketAddress Client { get; } = new(AddressFamily.InterNetworkV6);

    public LocalAddress Local { get; private set; }

    public UdpSocket Socket { get; private set; } = null!;

    public Deferral Deferral { get; private set; }

    public long Received { get; private set; }

    public byte[] Reply { get; private set; } = [];

    public ReadOnlyMemory<byte> Query => Packet.AsMemory(0, Length);

    public void Take(ReadOnlySpan<byte> packet, ReadOnlySpan<byte> client, in LocalAddress local, UdpSocket socket, in Deferral deferral, long received)
    {
        if (packet.Length > Packet.Length) Packet = new byte[Math.Max(UsualSize, packet.Length)];
        packet.CopyTo(Packet);
        Length = packet.Length;
        client.CopyTo(Client.Buffer.Span);
        Client.Size = client.Length;
        Local = local;
        Socket = socket;
        Deferral = deferral;
        Received = received;
    }

    /// <summary>Asks. The callback comes once, here or on whatever thread the answer does.</summary>
    public void Begin(ForwardPath forward, CancellationToken cancel)
    {
        // Only what is being asked holds room for a reply; what waits for a place does not.
        Reply = ArrayPool<byte>.Shared.Rent(DnsLimits.MaxUdpSize);
#pragma warning disable CA2012 // Awaited by hand, once, so that waiting needs no object of its own.
        _answer = forward.AnswerAsync(Query, Deferral.Finding, Deferral.View, Deferral.Party, Deferral.Cookie, Reply, Deferral.Limit, cancel).GetAwaiter();
#pragma warning restore CA2012
        if (_answer.IsCompleted) Finish();
        else _answer.UnsafeOnCompleted(_finish);
    }

    /// <summary>The reply's length. Called once, when it is finished.</summary>
    /// <exception cref="OperationCanceledException">It was given up.</exception>
    public int Result() => _answer.GetResult();

    /// <summary>Gives the buffers back.</summary>
    public void Clear()
    {
        // A packet of unusual size must not make its object large for good.
        if (Packet.Length > UsualSize) Packet = [];
        if (Reply.Length != 0) ArrayPool<byte>.Shared.Return(Reply);
        Reply = [];
        _answer = default;
        Deferral = default;
        Finding = default;
        Socket = null!;
    }

    /// <inheritdoc/>
    public override IReplyBatch Batch => _owner;

    /// <inheritdoc/>
    public override void OnReply(Span<byte> reply, int length) => _owner.OnReply(this, reply, length);

    /// <inheritdoc/>
    public override void OnDrop() => _owner.OnDrop(this);

    private void Finish() => _owner.OnFinished(this);
}
