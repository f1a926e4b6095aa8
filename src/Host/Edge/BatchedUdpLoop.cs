using System.Net.Sockets;
using MeshDns.Host.Net;
using MeshDns.Host.Query;
using MeshDns.Host.Resolve;

namespace MeshDns.Host.Edge;

/// <summary>
/// Receives as many datagrams as wait, answers them, and sends all replies by one system call. What has to wait for an upstream is handed on after
/// the others' replies have left.
/// </summary>
internal sealed class BatchedUdpLoop : UdpLoop
{
    private readonly DatagramBatch _batch;
    private readonly bool _isV6;
    private readonly (int Index, Deferral Deferral)[] _putOff;
    private readonly ForwardedQuery[] _posted;
    private readonly int[] _hashes;

    public BatchedUdpLoop(UdpSocket socket, string name, EdgeServices services, DeferredQueries deferred) : base(socket, name, services, deferred)
    {
        _isV6 = socket.AddressFamily == AddressFamily.InterNetworkV6;
        _batch = new DatagramBatch(services.Options.UdpBatch, _isV6, socket.IsWildcard);
        _putOff = new (int, Deferral)[services.Options.UdpBatch];
        _posted = new ForwardedQuery[services.Options.UdpBatch];
        _hashes = new int[services.Options.UdpBatch];
    }

    public override void Close()
    {
        base.Close();
        _batch.Dispose();
    }

    protected override int Receive() => _batch.Receive(Socket.Handle);

    protected override void AnswerAll(int count)
    {
        var putOff = 0;
        for (var each = 0; each < count; each++) _hashes[each] = Pipeline.HashOf(_batch.Packet(each));
        if (count > 1) Pipeline.Prefetch(_hashes.AsSpan(0, count));
        var i = 0;
        for (; i < count; i++)
        {
            var packet = _batch.Packet(i);
            // A wake-up for stopping looks like a batch of empty datagrams; those that came before it are answered.
            if (packet.IsEmpty && IsStopping) break;
            var context = new QueryContext(packet, _hashes[i], ClientAddress.Of(_batch.Client(i), _isV6), Transport.Udp, _batch.NextReply);
            switch (Pipeline.Handle(ref context))
            {
                case PipelineOutcome.Reply: _batch.Add(i, context.Length); break;
                case PipelineOutcome.Defer: _putOff[putOff++] = (i, context.Deferral); break;
                default: break;
            }
        }
        CountReceived(i);
        CountSendErrors(_batch.Send(Socket.Handle));
        if (putOff != 0) HandOn(putOff);
    }

    private void HandOn(int putOff)
    {
        var posted = 0;
        for (var i = 0; i < putOff; i++)
        {
            var (index, deferral) = _putOff[i];
            if (Deferred.Take(_batch.Packet(index), _batch.Client(index), _batch.Local(index), Socket, deferral) is { } query) _posted[posted++] = query;
        }
        if (posted != 0) Upstream.Post(_posted.AsSpan(0, posted));
        // What they refer to must not outlive them here.
        Array.Clear(_putOff, 0, putOff);
        Array.Clear(_posted, 0, posted);
    }
}
