using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using MeshDns.Contracts.Dns;

namespace MeshDns.Tests.Shared;

/// <summary>A query that reached a <see cref="FakeUpstream"/>, the first with the number 1.</summary>
public sealed record FakeQuery(int Number, byte[] Packet, bool IsTcp, IPEndPoint Client)
{
    public ushort Id => DnsHeader.GetId(Packet);

    public DnsFlags Flags => DnsHeader.GetFlags(Packet);

    public string Name => DnsName.ToText(QuestionName);

    public DnsType Type => (DnsType)BinaryPrimitives.ReadUInt16BigEndian(Packet.AsSpan(QuestionEnd - 4));

    public bool HasEdns => Edns is not null;

    public bool DnssecOk => Edns?.DnssecOk ?? false;

    /// <summary>Size, DO and options of the OPT record; null when there is none.</summary>
    public (ushort UdpSize, bool DnssecOk, byte[] Options)? Edns
    {
        get
        {
            var reader = new MessageReader(Packet);
            while (reader.TryReadRecord(out RecordView record))
            {
                if (OptView.TryRead(Packet, record, out OptView opt))
                    return (opt.UdpPayloadSize, opt.DnssecOk, opt.Options.ToArray());
            }
            return null;
        }
    }

    private ReadOnlySpan<byte> QuestionName => Packet.AsSpan(DnsLimits.HeaderSize..(QuestionEnd - 4));

    private int QuestionEnd => DnsName.TrySkipUncompressed(Packet, DnsLimits.HeaderSize, out int end) ? end + 4 : throw new FormatException("question");

    /// <summary>The message that answers it. Records must come in the order of their sections.</summary>
    public byte[] Message(Rcode rcode = Rcode.NoError, DnsFlags flags = DnsFlags.None, params FakeRecord[] records)
    {
        var buffer = new byte[DnsLimits.MaxMessageSize];
        var writer = new MessageWriter(buffer);
        DnsHeader.SetId(buffer, Id);
        DnsHeader.SetFlags(buffer, DnsFlags.Response | DnsFlags.RecursionAvailable | DnsFlags.RecursionDesired | flags);
        DnsHeader.SetRcode(buffer, rcode);
        writer.TryWriteQuestion(QuestionName, Type);
        foreach (FakeRecord record in records)
        {
            if (record.Section != writer.Section)
                writer.StartSection(record.Section);
            writer.TryWriteRecord(FakeRecord.Name(record.Owner), record.Type, DnsClass.IN, record.Ttl, record.Data);
        }
        if (HasEdns)
            writer.TryWriteOpt(new OptRecord { DnssecOk = DnssecOk, Rcode = rcode });
        return buffer[..writer.Length];
    }

    /// <summary>NOERROR with these records.</summary>
    public FakeReply Answer(params FakeRecord[] records) => new(Message(records: records));

    /// <summary>An rcode, and records if any.</summary>
    public FakeReply Fail(Rcode rcode, params FakeRecord[] records) => new(Message(rcode, records: records));

    /// <summary>TC and nothing else.</summary>
    public FakeReply Truncated() => new(Message(flags: DnsFlags.Truncated));
}

/// <summary>What a server sends back: packets in order, after the gate opens; nothing at all when there are none.</summary>
public sealed class FakeReply(params byte[][] packets)
{
    /// <summary>No reply, ever.</summary>
    public static FakeReply Never { get; } = new();

    public IReadOnlyList<byte[]> Packets => packets;

    /// <summary>Sent before the packets from another socket: another source address.</summary>
    public byte[]? FromElsewhere { get; init; }

    /// <summary>Waited for first.</summary>
    public Task Gate { get; init; } = Task.CompletedTask;
}

/// <summary>A resolver on 127.0.0.1, UDP and TCP on one port that the system chooses, which does what its script says.</summary>
public sealed class FakeUpstream : IDisposable
{
    private readonly Socket _udp;
    private readonly Socket _tcp;
    private readonly ConcurrentQueue<FakeQuery> _queries = new();
    private readonly Lock _gate = new();
    private readonly List<(int Count, TaskCompletionSource Reached)> _watchers = [];
    private int _awaited;

    public FakeUpstream(Func<FakeQuery, FakeReply> script)
    {
        Script = script;
        (_udp, _tcp) = Bind();
        Address = (IPEndPoint)_udp.LocalEndPoint!;
        _ = ServeUdpAsync();
        _ = ServeTcpAsync();
    }

    /// <summary>Where it listens.</summary>
    public IPEndPoint Address { get; }

    /// <summary>May be replaced at any time.</summary>
    public Func<FakeQuery, FakeReply> Script { get; set; }

    /// <summary>All queries so far.</summary>
    public IReadOnlyList<FakeQuery> Queries => [.. _queries];

    public int Count => _queries.Count;

    /// <summary>Waits for the next query that was not waited for yet.</summary>
    public async Task<FakeQuery> NextAsync()
    {
        int number = Interlocked.Increment(ref _awaited);
        await WaitForCountAsync(number);
        return _queries.ElementAt(number - 1);
    }

    /// <summary>Waits until so many queries have come.</summary>
    public Task WaitForCountAsync(int count)
    {
        lock (_gate)
        {
            if (_queries.Count >= count)
                return Task.CompletedTask;
            var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _watchers.Add((count, reached));
            return reached.Task.WaitAsync(TimeSpan.FromSeconds(30));
        }
    }

    public void Dispose()
    {
        _udp.Dispose();
        _tcp.Dispose();
    }

    private static (Socket Udp, Socket Tcp) Bind()
    {
        for (int attempt = 0; ; attempt++)
        {
            var tcp = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            var udp = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            tcp.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            try
            {
                udp.Bind(tcp.LocalEndPoint!);
                tcp.Listen(64);
                return (udp, tcp);
            }
            catch (SocketException) when (attempt < 20)
            {
                tcp.Dispose();
                udp.Dispose();
            }
        }
    }

    private FakeReply Take(byte[] packet, bool isTcp, IPEndPoint client)
    {
        FakeQuery query;
        lock (_gate)
        {
            query = new FakeQuery(_queries.Count + 1, packet, isTcp, client);
            _queries.Enqueue(query);
            foreach ((int count, TaskCompletionSource reached) in _watchers)
            {
                if (_queries.Count >= count)
                    reached.TrySetResult();
            }
            _watchers.RemoveAll(each => each.Reached.Task.IsCompleted);
        }
        return Script(query);
    }

    private async Task ServeUdpAsync()
    {
        var buffer = new byte[DnsLimits.MaxMessageSize];
        try
        {
            while (true)
            {
                SocketReceiveFromResult got = await _udp.ReceiveFromAsync(buffer, SocketFlags.None, new IPEndPoint(IPAddress.Any, 0));
                var client = (IPEndPoint)got.RemoteEndPoint;
                _ = SendUdpAsync(Take(buffer[..got.ReceivedBytes], isTcp: false, client), client);
            }
        }
        catch (Exception end) when (end is SocketException or ObjectDisposedException)
        {
            // Disposed.
        }
    }

    private async Task SendUdpAsync(FakeReply reply, IPEndPoint client)
    {
        try
        {
            await reply.Gate;
            if (reply.FromElsewhere is { } lie)
            {
                using var elsewhere = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
                await elsewhere.SendToAsync(lie, SocketFlags.None, client);
            }
            foreach (byte[] packet in reply.Packets)
                await _udp.SendToAsync(packet, SocketFlags.None, client);
        }
        catch (Exception end) when (end is SocketException or ObjectDisposedException)
        {
            // Disposed, or the client is gone.
        }
    }

    private async Task ServeTcpAsync()
    {
        try
        {
            while (true)
                _ = ServeConnectionAsync(await _tcp.AcceptAsync());
        }
        catch (Exception end) when (end is SocketException or ObjectDisposedException)
        {
            // Disposed.
        }
    }

    private async Task ServeConnectionAsync(Socket connection)
    {
        using var stream = new NetworkStream(connection, ownsSocket: true);
        var client = (IPEndPoint)connection.RemoteEndPoint!;
        var prefix = new byte[2];
        try
        {
            while (true)
            {
                await stream.ReadExactlyAsync(prefix);
                var packet = new byte[BinaryPrimitives.ReadUInt16BigEndian(prefix)];
                await stream.ReadExactlyAsync(packet);
                FakeReply reply = Take(packet, isTcp: true, client);
                await reply.Gate;
                foreach (byte[] message in reply.Packets)
                {
                    BinaryPrimitives.WriteUInt16BigEndian(prefix, (ushort)message.Length);
                    await stream.WriteAsync((byte[])[.. prefix, .. message]);
                }
            }
        }
        catch (Exception end) when (end is IOException or SocketException or ObjectDisposedException)
        {
            // The client closed.
        }
    }
}
